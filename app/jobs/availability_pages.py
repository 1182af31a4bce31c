"""/availability: weekly hours, time off, area; over accepted jobs it asks before it saves (W8)."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.errors import Invalid
from app.core.i18n import _, ngettext
from app.jobs.schedule_changes import Change, come_back, rearrange, touched_by
from app.scheduling.repository import Working
from app.scheduling.schemas import MIDNIGHT, hours_of, pincodes_of, radius_of, time_off_of
from app.web.forms import Form, form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page

JOB = "job-"
ASKED = "asked"  # the jobs in the way were on the screen


class AvailabilityPages(Controller):
    path = "/availability"
    opt = only("professional")

    @get(name="availability")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _draw(request, db, me)

    @post("/hours", name="hours")
    async def hours(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        sent = await form(request)
        try:
            change = Change(hours=hours_of(sent))
        except Invalid as error:
            return await _draw(request, db, me, "hours", sent, error)
        return await _save(request, db, me, change, sent)

    @post("/time-off", name="time-off")
    async def time_off(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            away, reason = time_off_of(sent)
        except Invalid as error:
            return await _draw(request, db, me, "time-off", sent, error)
        return await _save(request, db, me, Change(away=away, reason=reason), sent)

    @post("/time-off/{away:int}/removal", name="time-off-removal")
    async def back(
        self, request: Request, away: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await come_back(db, me, away)
        flash(request, _("You can be booked again in that time."))
        return go(request, "/availability")

    @post("/area", name="area")
    async def area(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        sent = await form(request)
        try:
            change = Change(pincodes=frozenset(await _pincodes(db, me, sent)))
        except Invalid as error:
            return await _draw(request, db, me, "area", sent, error)
        return await _save(request, db, me, change, sent)


async def _pincodes(db: AsyncSession, me: Me, sent: Form) -> list[str]:
    working = Working(db, me)
    if sent.get("way") != "pincodes":
        return await working.within(await working.home(), radius_of(sent))
    asked = pincodes_of(sent)
    unknown = sorted(set(asked) - await working.known(asked))
    if unknown:
        raise Invalid({"pincodes": _("We do not know the pincode %(what)s.", what=unknown[0])})
    return asked


async def _save(request: Request, db: AsyncSession, me: Me, change: Change, sent: Form) -> HtmlResponse:
    """At once; or first the jobs that stand in the way, to keep or hand back each."""
    answers = {name.removeprefix(JOB): value for name, value in sent.items() if name.startswith(JOB)}
    try:
        returned = await rearrange(db, me, change, answers)
    except Invalid as error:
        if not any(name.startswith(JOB) for name in error.errors):
            return await _draw(request, db, me, change.name.replace("_", "-"), sent, error)
        return page(
            request,
            "jobs/availability_conflicts.html",
            status=409,
            jobs=await touched_by(db, me, change),
            action=request.scope["path"],
            sent=[(name, value) for name, value in sent.items() if not name.startswith((JOB, ASKED, "_csrf"))],
            answers={JOB + name: value for name, value in answers.items()},
            errors=error.errors if ASKED in sent else {},
        )
    said = ngettext("Saved. %(num)s job handed back.", "Saved. %(num)s jobs handed back.", len(returned))
    flash(request, said if returned else _("Saved."))
    return go(request, "/availability")


async def _draw(
    request: Request, db: AsyncSession, me: Me, part: str = "", sent: Form | None = None, wrong: Invalid | None = None
) -> HtmlResponse:
    working = Working(db, me)
    home = await working.home()
    areas = await working.areas(home)
    values = {part: dict(sent)} if sent is not None else {}
    return page(
        request,
        "jobs/availability.html",
        status=422 if wrong else 200,
        home=home,
        areas=areas,
        reach=max((area.km for area in areas if area.km is not None), default=None),
        hours=values.get("hours") or _as_typed(await working.hours()),
        off=values.get("time-off") or {},
        area=values.get("area") or {"way": "pincodes", "pincodes": " ".join(area.pincode for area in areas)},
        time_off=await working.time_off(),
        services=await working.services(),
        part=part,
        errors=wrong.errors if wrong else {},
    )


def _as_typed(stretches: Any) -> dict[str, str]:
    """The fields of the form, as they would be sent."""
    typed: dict[str, str] = {}
    for one in stretches:
        part = 1 if f"from-{one.weekday}-1" not in typed else 2
        typed[f"from-{one.weekday}-{part}"] = _clock(one.opens)
        typed[f"to-{one.weekday}-{part}"] = _clock(one.closes % MIDNIGHT)
    return typed


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
