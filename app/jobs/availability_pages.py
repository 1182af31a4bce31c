"""/availability: weekly hours, time off and area, with a question about affected accepted jobs (W8)."""

from collections.abc import Awaitable, Callable

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.errors import Invalid
from app.core.i18n import _, ngettext
from app.jobs.schedule_changes import ScheduleChange, cancel_time_off, change_schedule, find_affected_jobs
from app.scheduling.repository import Schedules
from app.scheduling.schemas import (
    hours_fields,
    hours_of,
    overnight_ends,
    pincodes_of,
    radius_of,
    shown_parts,
    time_off_of,
)
from app.web.actions import Rejection, submit
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

        async def read_change() -> ScheduleChange:
            return ScheduleChange(hours=hours_of(form))

        return await _save(request, db, me, "hours", form, read_change)

    @post("/time-off", name="time-off")
    async def time_off(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def read_change() -> ScheduleChange:
            away, reason = time_off_of(form)
            return ScheduleChange(away=away, reason=reason)

        return await _save(request, db, me, "time-off", form, read_change)

    @post("/time-off/{away:int}/removal", name="time-off-removal")
    async def back(
        self, request: Request, away: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await cancel_time_off(db, me, away)
        flash(request, _("You can be booked at that time again."))
        return redirect(request, "/availability")

    @post("/area", name="area")
    async def area(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        form = await parse_form(request)

        async def read_change() -> ScheduleChange:
            return ScheduleChange(pincodes=frozenset(await _pincodes(db, me, form)))

        return await _save(request, db, me, "area", form, read_change)


async def _pincodes(db: AsyncSession, me: Me, form: Form) -> list[str]:
    schedules = Schedules(db, me)
    if form.get("way") != "pincodes":
        return await schedules.pincodes_within(await schedules.home(), radius_of(form))
    pincodes = pincodes_of(form)
    unknown = sorted(set(pincodes) - await schedules.existing_pincodes(pincodes))
    if unknown:
        raise Invalid({"pincodes": _("We don't know the pincode %(what)s. Check it.", what=unknown[0])})
    return pincodes


async def _save(
    request: Request,
    db: AsyncSession,
    me: Me,
    part: str,
    form: Form,
    read_change: Callable[[], Awaitable[ScheduleChange]],
) -> HtmlResponse:
    """Save the change, or render the affected jobs so that each can be kept or handed back."""
    answers = {
        name.removeprefix(ANSWER_PREFIX): value for name, value in form.items() if name.startswith(ANSWER_PREFIX)
    }
    change: ScheduleChange | None = None

    async def save() -> list[str]:
        nonlocal change
        change = await read_change()
        return await change_schedule(db, me, change, answers)

    async def render_rejection(rejection: Rejection) -> HtmlResponse:
        if change is None or not any(name.startswith(ANSWER_PREFIX) for name in rejection.errors):
            return await _render(request, db, me, part, form, rejection)
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
            errors=rejection.errors if CONFIRMED_FIELD in form else {},
        )

    return await submit(
        request, save, catch=(Invalid,), on_error=render_rejection, message=_saved_message, then="/availability"
    )


def _saved_message(returned: list[str]) -> str:
    message = ngettext("Saved. You gave up %(num)s job.", "Saved. You gave up %(num)s jobs.", len(returned))
    return message if returned else _("Saved.")


async def _render(
    request: Request,
    db: AsyncSession,
    me: Me,
    part: str = "",
    form: Form | None = None,
    rejection: Rejection | None = None,
) -> HtmlResponse:
    schedules = Schedules(db, me)
    home = await schedules.home()
    areas = await schedules.areas(home)
    values = {part: dict(form)} if form is not None else {}
    stored_hours = [(row.weekday, row.opens, row.closes) for row in await schedules.hours()]
    hours = values.get("hours") or hours_fields(stored_hours)
    return page(
        request,
        "jobs/availability.html",
        status=rejection.status if rejection else 200,
        home=home,
        areas=areas,
        reach=max((area.km for area in areas if area.km is not None), default=None),
        hours=hours,
        pairs=shown_parts(hours),
        overnight=overnight_ends(hours),
        off=values.get("time-off") or {},
        area=values.get("area") or {"way": "pincodes", "pincodes": " ".join(area.pincode for area in areas)},
        time_off=await schedules.time_off(),
        services=await schedules.services(),
        part=part,
        errors=rejection.errors if rejection else {},
    )
