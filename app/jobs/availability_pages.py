"""/availability: weekly hours, time off and area, with a question about affected accepted jobs (W8)."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.errors import Invalid
from app.core.i18n import _, ngettext
from app.jobs.schedule_changes import ScheduleChange, cancel_time_off, change_schedule, find_affected_jobs
from app.scheduling.repository import Schedules
from app.scheduling.schemas import MINUTES_PER_DAY, hours_of, pincodes_of, radius_of, time_off_of
from app.web.forms import Form, parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, page, redirect

ANSWER_PREFIX = "job-"
CONFIRMED_FIELD = "asked"  # present once the affected jobs were shown


class AvailabilityPages(Controller):
    path = "/availability"
    opt = only("professional")

    @get(name="availability")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render(request, db, me)

    @post("/hours", name="hours")
    async def hours(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        form = await parse_form(request)
        try:
            change = ScheduleChange(hours=hours_of(form))
        except Invalid as error:
            return await _render(request, db, me, "hours", form, error)
        return await _save(request, db, me, change, form)

    @post("/time-off", name="time-off")
    async def time_off(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        try:
            away, reason = time_off_of(form)
        except Invalid as error:
            return await _render(request, db, me, "time-off", form, error)
        return await _save(request, db, me, ScheduleChange(away=away, reason=reason), form)

    @post("/time-off/{away:int}/removal", name="time-off-removal")
    async def back(
        self, request: Request, away: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await cancel_time_off(db, me, away)
        flash(request, _("You can be booked again in that time."))
        return redirect(request, "/availability")

    @post("/area", name="area")
    async def area(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        form = await parse_form(request)
        try:
            change = ScheduleChange(pincodes=frozenset(await _pincodes(db, me, form)))
        except Invalid as error:
            return await _render(request, db, me, "area", form, error)
        return await _save(request, db, me, change, form)


async def _pincodes(db: AsyncSession, me: Me, form: Form) -> list[str]:
    schedules = Schedules(db, me)
    if form.get("way") != "pincodes":
        return await schedules.pincodes_within(await schedules.home(), radius_of(form))
    pincodes = pincodes_of(form)
    unknown = sorted(set(pincodes) - await schedules.existing_pincodes(pincodes))
    if unknown:
        raise Invalid({"pincodes": _("We do not know the pincode %(what)s.", what=unknown[0])})
    return pincodes


async def _save(request: Request, db: AsyncSession, me: Me, change: ScheduleChange, form: Form) -> HtmlResponse:
    """Save the change, or render the affected jobs, each to be kept or handed back."""
    answers = {
        name.removeprefix(ANSWER_PREFIX): value for name, value in form.items() if name.startswith(ANSWER_PREFIX)
    }
    try:
        returned = await change_schedule(db, me, change, answers)
    except Invalid as error:
        if not any(name.startswith(ANSWER_PREFIX) for name in error.errors):
            return await _render(request, db, me, change.name.replace("_", "-"), form, error)
        return page(
            request,
            "jobs/availability_conflicts.html",
            status=409,
            jobs=await find_affected_jobs(db, me, change),
            action=request.scope["path"],
            sent=[
                (name, value)
                for name, value in form.items()
                if not name.startswith((ANSWER_PREFIX, CONFIRMED_FIELD, "_csrf"))
            ],
            answers={ANSWER_PREFIX + name: value for name, value in answers.items()},
            errors=error.errors if CONFIRMED_FIELD in form else {},
        )
    message = ngettext("Saved. %(num)s job handed back.", "Saved. %(num)s jobs handed back.", len(returned))
    flash(request, message if returned else _("Saved."))
    return redirect(request, "/availability")


async def _render(
    request: Request, db: AsyncSession, me: Me, part: str = "", form: Form | None = None, error: Invalid | None = None
) -> HtmlResponse:
    schedules = Schedules(db, me)
    home = await schedules.home()
    areas = await schedules.areas(home)
    values = {part: dict(form)} if form is not None else {}
    return page(
        request,
        "jobs/availability.html",
        status=422 if error else 200,
        home=home,
        areas=areas,
        reach=max((area.km for area in areas if area.km is not None), default=None),
        hours=values.get("hours") or _hours_form(await schedules.hours()),
        off=values.get("time-off") or {},
        area=values.get("area") or {"way": "pincodes", "pincodes": " ".join(area.pincode for area in areas)},
        time_off=await schedules.time_off(),
        services=await schedules.services(),
        part=part,
        errors=error.errors if error else {},
    )


def _hours_form(stretches: Any) -> dict[str, str]:
    """Return the hours as the fields of the form."""
    typed: dict[str, str] = {}
    for stretch in stretches:
        part = 1 if f"from-{stretch.weekday}-1" not in typed else 2
        typed[f"from-{stretch.weekday}-{part}"] = _format_time(stretch.opens)
        typed[f"to-{stretch.weekday}-{part}"] = _format_time(stretch.closes % MINUTES_PER_DAY)
    return typed


def _format_time(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
