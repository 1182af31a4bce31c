"""What a blocked person may still see (W2): the reason, how to appeal, and the job in progress."""

from email.utils import parseaddr

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.commitments_repository import OpenCommitments
from app.settings import Settings
from app.web.guards import signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import page, redirect


class BlockedPages(Controller):
    path = "/blocked"
    opt = signed_in(allow_blocked=True)

    @get(name="blocked")
    async def show(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        if me.blocked is None:
            return redirect(request, "/")
        bookings = await OpenCommitments(db, me.id).started_bookings()
        address = parseaddr(settings.mail_from)[1]
        return page(request, "blocking/blocked.html", started=bookings, appeals=address)
