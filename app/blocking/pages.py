"""What a blocked person may still see (W2): the reason, the appeal (W30), and the job in progress."""

from email.utils import parseaddr
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Users
from app.blocking.appeal import ANSWER_PERIOD, MAX_APPEAL_LENGTH, appeal_until
from app.blocking.appeal_repository import Appeals
from app.blocking.appeals import submit_appeal
from app.bookings.commitments_repository import OpenCommitments
from app.core import clock
from app.core.i18n import _
from app.settings import Settings
from app.web.actions import Rejection, submit
from app.web.forms import parse_form
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
        context = await appeal_state(db, me)
        address = parseaddr(settings.mail_from)[1]
        return page(request, "blocking/blocked.html", started=bookings, support=address, **context)


class AppealPages(Controller):
    path = "/blocked/appeal"
    opt = signed_in(allow_blocked=True)

    @get(name="appeal")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        if me.blocked is None:
            return redirect(request, "/")
        return await _render(request, db, me)

    @post()
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        return await submit(
            request,
            lambda: submit_appeal(db, me, form.get("message", "")),
            form=form,
            on_error=lambda rejection: _render(request, db, me, rejection),
            then="/blocked",
            message=_("We have your appeal."),
        )


async def appeal_state(db: AsyncSession, me: Me) -> dict[str, Any]:
    """The appeal of the block in force, or until when there may be one."""
    block = await Users(db).active_block(me.id)
    appeal = await Appeals(db).of_block(block.id) if block is not None else None
    until = appeal_until(block) if block is not None else None
    return {
        "appeal": appeal,
        "until": until,
        "may_appeal": appeal is None and until is not None and clock.now() < until,
        "answer_days": ANSWER_PERIOD.days,
    }


async def _render(request: Request, db: AsyncSession, me: Me, rejection: Rejection | None = None) -> HtmlResponse:
    return page(
        request,
        "blocking/appeal.html",
        status=rejection.status if rejection else 200,
        values=rejection.values if rejection else {},
        errors=rejection.errors if rejection else {},
        refusal=rejection.refusal if rejection else None,
        max_length=MAX_APPEAL_LENGTH,
        **await appeal_state(db, me),
    )
