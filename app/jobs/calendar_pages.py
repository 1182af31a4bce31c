"""Calendar files of a booking or job, and a professional's feed: create, replace, end."""

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
from app.core.rate_limiter import RateLimitPolicy
from app.core.secrets import digest, new_token
from app.jobs import calendar
from app.jobs.calendar_repository import CalendarFeeds, Calendars
from app.settings import Settings
from app.web.guards import everyone, only
from app.web.http import HtmlResponse, Request
from app.web.one_time_secret import store_secret, take_secret
from app.web.render import flash, page, redirect
from app.web.services import services_of

HISTORY_PERIOD = timedelta(days=30)
MAX_JOBS = 300
FEED_RATE_LIMIT = RateLimitPolicy("calendar", 60, 3600)  # a program that follows the feed asks once an hour
FILE_EXTENSION = ".ics"
SECRET_NAME = "calendar"  # pragma: allowlist secret


@get("/bookings/{ref:str}/calendar", name="booking-calendar", opt=only("customer"))
async def booking_calendar(
    ref: FromPath[str],
    me: NamedDependency[Me],
    db: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
) -> HtmlResponse:
    entry = await Calendars(db).of_customer(me, ref)
    return _file([calendar.customer_event(entry, settings.base_url, clock.now())], entry.booking.reference)


@get("/jobs/{ref:str}/calendar", name="job-calendar", opt=only("professional"))
async def job_calendar(
    ref: FromPath[str],
    me: NamedDependency[Me],
    db: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
) -> HtmlResponse:
    entry = await Calendars(db).of_professional(me, ref)
    return _file([calendar.professional_event(entry, settings.base_url, clock.now())], entry.booking.reference)


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
        """Show the address once, right after it was created: only its digest is stored."""
        token = take_secret(request, SECRET_NAME)
        address = f"{settings.base_url}/calendar/{token}{FILE_EXTENSION}" if token else None
        return page(request, "jobs/calendar.html", address=address, made_at=await CalendarFeeds(db).created_at(me))

    @post()
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        """Create a feed address; it replaces any earlier one."""
        user, token = await Users(db).get(me.id, lock=True), new_token()
        await CalendarFeeds(db).replace(me, digest(token))
        user.record("person.calendar_made", by=me)
        store_secret(request, SECRET_NAME, token)
        return redirect(request, "/jobs/calendar")

    @post("/end", name="end_calendar")
    async def end(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        user = await Users(db).get(me.id, lock=True)
        if await CalendarFeeds(db).end(me):
            user.record("person.calendar_ended", by=me)
            flash(request, _("Your calendar link has been removed."))
        return redirect(request, "/jobs/calendar")


@get("/calendar/{token:str}", name="calendar-feed", opt=everyone(anonymous=True))
async def feed(
    request: Request,
    token: FromPath[str],
    db: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
) -> HtmlResponse:
    """Serve the feed to anyone who has the address, without a session."""
    professional_id = await CalendarFeeds(db).professional_at(digest(token.removesuffix(FILE_EXTENSION)))
    if professional_id is None:
        raise Missing
    rate_limit = await services_of(request).rate_limiter.hit(FEED_RATE_LIMIT, str(professional_id))
    if rate_limit and not rate_limit.allowed:
        raise TooManyRequestsException(headers={"retry-after": str(rate_limit.reset_seconds)})
    jobs = await Calendars(db).jobs_of(professional_id, clock.at(clock.today()) - HISTORY_PERIOD, MAX_JOBS)
    body = await asyncio.to_thread(_jobs, jobs, settings.base_url)  # 0.5 ms a job: others are answered meanwhile
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "private, no-cache", "vary": "Accept-Language"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="text/calendar")


def _jobs(jobs: Sequence[calendar.CalendarEntry], site: str) -> bytes:
    now = clock.now()
    return calendar.render_calendar(
        [calendar.professional_event(job, site, now) for job in jobs], _("Jobs with Doorstep")
    )


def _file(entries: list[Any], reference: str) -> HtmlResponse:
    headers = {
        "content-disposition": f'attachment; filename="doorstep-{reference}{FILE_EXTENSION}"',
        "cache-control": "no-store",
    }
    return Response(calendar.render_calendar(entries, "Doorstep"), headers=headers, media_type="text/calendar")
