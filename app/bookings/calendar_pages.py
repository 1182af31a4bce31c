"""Calendar files of a booking, and feeds of a user's bookings or jobs: create, replace, end, read."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import timedelta

from icalendar import Event
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import TooManyRequestsException
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Users
from app.accounts.user import Role
from app.bookings import calendar
from app.bookings.calendar_repository import CalendarFeeds, Calendars, FeedOwner
from app.core import clock
from app.core.errors import Missing
from app.core.i18n import _
from app.core.rate_limiter import RateLimitPolicy
from app.core.secrets import digest, new_token
from app.settings import Settings
from app.web.guards import everyone, only
from app.web.http import HtmlResponse, Request
from app.web.one_time_secret import store_secret, take_secret
from app.web.render import flash, page, redirect
from app.web.services import services_of

HISTORY_PERIOD = timedelta(days=30)
MAX_ENTRIES = 300
FEED_RATE_LIMIT = RateLimitPolicy("calendar", 60, 3600)  # a program that follows the feed asks once an hour
FILE_EXTENSION = ".ics"
SECRET_NAME = "calendar"  # pragma: allowlist secret
END_PATH = "/end"


@get("/bookings/{ref:str}/calendar", name="booking-calendar", opt=only("customer"))
async def booking_calendar(
    ref: FromPath[str],
    me: NamedDependency[Me],
    db: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
) -> HtmlResponse:
    entry = await Calendars(db).of_customer(me, ref)
    return calendar_file(calendar.customer_event(entry, settings.base_url, clock.now()), entry.booking.reference)


class CalendarPages(Controller):
    """A customer's feed; app.jobs.calendar_pages has the same for professionals, at another address."""

    path = "/calendar"
    opt = only("customer")

    @get(name="calendar")
    async def show(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        return await show_feed(request, me, db, settings, "bookings/calendar.html")

    @post(name="new_calendar")
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await create_feed(request, me, db, "/calendar")

    @post(END_PATH, name="end_calendar")
    async def end(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await end_feed(request, me, db, "/calendar")


@get("/calendar/{token:str}", name="calendar-feed", opt=everyone(anonymous=True))
async def feed(
    request: Request,
    token: FromPath[str],
    db: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
) -> HtmlResponse:
    """Serve the feed to anyone who has the address, without a session."""
    owner = await CalendarFeeds(db).owner_at(digest(token.removesuffix(FILE_EXTENSION)))
    if owner is None:
        raise Missing
    rate_limit = await services_of(request).rate_limiter.hit(FEED_RATE_LIMIT, str(owner.id))
    if rate_limit and not rate_limit.allowed:
        raise TooManyRequestsException(headers={"retry-after": str(rate_limit.reset_seconds)})
    entries = await Calendars(db).feed_of(owner, clock.at(clock.today()) - HISTORY_PERIOD, MAX_ENTRIES)
    # 0.5 ms an entry: others are answered meanwhile
    body = await asyncio.to_thread(_render_feed, owner, entries, settings.base_url)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "private, no-cache", "vary": "Accept-Language"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="text/calendar")


async def show_feed(request: Request, me: Me, db: AsyncSession, settings: Settings, template: str) -> HtmlResponse:
    """Show the address once, right after it was created: only its digest is stored."""
    token = take_secret(request, SECRET_NAME)
    address = f"{settings.base_url}/calendar/{token}{FILE_EXTENSION}" if token else None
    return page(request, template, address=address, made_at=await CalendarFeeds(db).created_at(me))


async def create_feed(request: Request, me: Me, db: AsyncSession, back_to: str) -> HtmlResponse:
    """Create a feed address; it replaces any earlier one."""
    user, token = await Users(db).get(me.id, lock=True), new_token()
    await CalendarFeeds(db).replace(me, digest(token))
    user.record("person.calendar_made", by=me)
    store_secret(request, SECRET_NAME, token)
    return redirect(request, back_to)


async def end_feed(request: Request, me: Me, db: AsyncSession, back_to: str) -> HtmlResponse:
    user = await Users(db).get(me.id, lock=True)
    if await CalendarFeeds(db).end(me):
        user.record("person.calendar_ended", by=me)
        flash(request, _("Your calendar link has been removed."))
    return redirect(request, back_to)


def calendar_file(event: Event, reference: str) -> HtmlResponse:
    """The file of one booking or job."""
    headers = {
        "content-disposition": f'attachment; filename="doorstep-{reference}{FILE_EXTENSION}"',
        "cache-control": "no-store",
    }
    return Response(calendar.render_calendar([event], "Doorstep"), headers=headers, media_type="text/calendar")


def _render_feed(owner: FeedOwner, entries: Sequence[calendar.CalendarEntry], site: str) -> bytes:
    now, is_work = clock.now(), owner.role == Role.PROFESSIONAL
    event_of = calendar.professional_event if is_work else calendar.customer_event
    name = _("Jobs with Doorstep") if is_work else _("Visits by Doorstep")
    return calendar.render_calendar([event_of(entry, site, now) for entry in entries], name)
