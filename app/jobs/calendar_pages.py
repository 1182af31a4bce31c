"""Files for calendar programs, and a professional's feed: made, renewed and ended on a page of theirs."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import TooManyRequestsException
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Users
from app.core import clock
from app.core.errors import Missing
from app.core.i18n import _
from app.core.rate_limiter import Budget
from app.core.secrets import digest, new_token
from app.jobs import calendar
from app.jobs.calendar_repository import Calendars, Feeds
from app.settings import Settings
from app.web.guards import everyone, only
from app.web.http import HtmlResponse, Request
from app.web.one_time_secret import keep_once, take_once
from app.web.render import flash, go, page

BEFORE_TODAY = timedelta(days=30)
MOST_JOBS = 300
READS = Budget("calendar", 60, 3600)  # a program that follows the feed asks once an hour
ICS = ".ics"
SHOWN_ONCE = "calendar"


@get("/bookings/{ref:str}/calendar", name="booking-calendar", opt=only("customer"))
async def of_booking(
    ref: FromPath[str],
    me: NamedDependency[Me],
    db: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
) -> HtmlResponse:
    kept = await Calendars(db).of_customer(me, ref)
    return _file([calendar.for_customer(kept, settings.base_url, clock.now())], kept.booking.reference)


@get("/jobs/{ref:str}/calendar", name="job-calendar", opt=only("professional"))
async def of_job(
    ref: FromPath[str],
    me: NamedDependency[Me],
    db: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
) -> HtmlResponse:
    kept = await Calendars(db).of_professional(me, ref)
    return _file([calendar.for_professional(kept, settings.base_url, clock.now())], kept.booking.reference)


class CalendarPages(Controller):
    path = "/jobs/calendar"
    opt = only("professional")

    @get(name="calendar")
    async def show(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        """The address itself once, right after it was made: afterwards nobody knows it here."""
        token = take_once(request, SHOWN_ONCE)
        address = f"{settings.base_url}/calendar/{token}{ICS}" if token else None
        return page(request, "jobs/calendar.html", address=address, made_at=await Feeds(db).made_at(me))

    @post()
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        """Whatever address there was ends with it."""
        user, token = await Users(db).get(me.id, lock=True), new_token()
        await Feeds(db).put(me, digest(token))
        user.record("person.calendar_made", by=me)
        keep_once(request, SHOWN_ONCE, token)
        return go(request, "/jobs/calendar")

    @post("/end", name="end_calendar")
    async def end(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        user = await Users(db).get(me.id, lock=True)
        if await Feeds(db).end(me):
            user.record("person.calendar_ended", by=me)
            flash(request, _("The address leads nowhere any more."))
        return go(request, "/jobs/calendar")


@get("/calendar/{token:str}", name="calendar-feed", opt=everyone(anonymous=True))
async def feed(
    request: Request,
    token: FromPath[str],
    db: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
) -> HtmlResponse:
    """No cookie is asked for: whoever has the address reads it, until it is ended."""
    whose = await Feeds(db).reader(digest(token.removesuffix(ICS)))
    if whose is None:
        raise Missing
    spent = await request.app.state.limiter.spend(READS, str(whose))
    if spent and not spent.allowed:
        raise TooManyRequestsException(headers={"retry-after": str(spent.reset)})
    jobs = await Calendars(db).jobs_of(whose, clock.at(clock.today()) - BEFORE_TODAY, MOST_JOBS)
    body = await asyncio.to_thread(_jobs, jobs, settings.base_url)  # 0.5 ms a job: others are answered meanwhile
    mark = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": mark, "cache-control": "private, no-cache", "vary": "Accept-Language"}
    if mark in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="text/calendar")


def _jobs(jobs: Sequence[calendar.Kept], site: str) -> bytes:
    now = clock.now()
    return calendar.written([calendar.for_professional(job, site, now) for job in jobs], _("Jobs with Doorstep"))


def _file(entries: list[Any], reference: str) -> HtmlResponse:
    headers = {
        "content-disposition": f'attachment; filename="doorstep-{reference}{ICS}"',
        "cache-control": "no-store",
    }
    return Response(calendar.written(entries, "Doorstep"), headers=headers, media_type="text/calendar")
