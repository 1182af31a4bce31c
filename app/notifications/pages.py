"""What I was told, newest first."""

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.notifications.notice import notices_of
from app.notifications.repository import Mails
from app.web.guards import signed_in
from app.web.render import page

SHOWN = 50


class NoticePages(Controller):
    path = "/notices"
    opt = signed_in()

    @get(name="notices")
    async def index(
        self, request: Request[Any, Any, Any], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> Response[bytes]:
        told = await Mails(db).about_bookings_of(me.id, SHOWN)
        return page(request, "notifications/notices.html", notices=notices_of(list(told)))
