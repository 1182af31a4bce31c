"""/help: how to reach Doorstep, and answers to common questions."""

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.discovery.help_repository import latest_booking
from app.discovery.invalidation import SEARCH_MAX_AGE_SECONDS
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import page


class HelpPages(Controller):
    path = "/help"
    opt = everyone()

    @get()
    async def show(
        self, request: Request, db: NamedDependency[AsyncSession], me: NamedDependency[Me | None]
    ) -> HtmlResponse:
        """The same for all visitors; customers and professionals also find their newest booking."""
        has_bookings = me is not None and me.blocked is None and me.role != "admin"
        booking = await latest_booking(db, me) if me is not None and has_bookings else None
        return page(request, "discovery/help.html", max_age=SEARCH_MAX_AGE_SECONDS, booking=booking)
