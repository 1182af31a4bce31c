"""What a blocked person may still see (W2): the reason, how to answer it, and the job that has started."""

from email.utils import parseaddr

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.blocking.commitments_repository import Running
from app.settings import Settings
from app.web.guards import signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import go, page


class BlockedPages(Controller):
    path = "/blocked"
    opt = signed_in(blocked_may=True)

    @get(name="blocked")
    async def show(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        if me.blocked is None:
            return go(request, "/")
        started = await Running(db).started_by(me.id)
        appeals = parseaddr(settings.mail_from)[1]
        return page(request, "blocking/blocked.html", started=started, appeals=appeals)
