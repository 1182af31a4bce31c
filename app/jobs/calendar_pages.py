"""Calendar file of a job and feed of a professional's jobs, by what both sides share in app.bookings.calendar_pages."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings import calendar
from app.bookings.calendar_pages import END_PATH, calendar_file, create_feed, end_feed, show_feed
from app.bookings.calendar_repository import Calendars
from app.core import clock
from app.settings import Settings
from app.web.guards import only
from app.web.http import HtmlResponse, Request


@get("/jobs/{ref:str}/calendar", name="job-calendar", opt=only("professional"))
async def job_calendar(
    ref: FromPath[str],
    me: NamedDependency[Me],
    db: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
) -> HtmlResponse:
    entry = await Calendars(db).of_professional(me, ref)
    return calendar_file(calendar.professional_event(entry, settings.base_url, clock.now()), entry.booking.reference)


class JobCalendarPages(Controller):
    path = "/jobs/calendar"
    opt = only("professional")

    @get(name="job_feed")
    async def show(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        return await show_feed(request, me, db, settings, "jobs/calendar.html")

    @post(name="new_job_feed")
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await create_feed(request, me, db, "/jobs/calendar")

    @post(END_PATH, name="end_job_feed")
    async def end(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await end_feed(request, me, db, "/jobs/calendar")
