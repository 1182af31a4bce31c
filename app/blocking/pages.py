"""What a blocked person may still see (W2): the reason, the appeal (W30), and the job in progress."""

from email.utils import parseaddr
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Users
from app.blocking.appeal import ANSWER_PERIOD, MAX_APPEAL_LENGTH, Appeal, appeal_until
from app.blocking.appeal_repository import Appeals
from app.blocking.appeals import submit_appeal
from app.bookings.commitments_repository import OpenCommitments
from app.core import clock
from app.core.errors import Invalid, RateLimited, Refused
from app.core.i18n import _
from app.photos.photo_pages import read_photos
from app.photos.photo_upload import MAX_PHOTOS_AT_ONCE, MAX_PHOTOS_REQUEST_BYTES, PHOTO_TYPES
from app.settings import Settings
from app.web.actions import Rejection, submit
from app.web.forms import Form, parse_form
from app.web.guards import signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import page, redirect
from app.web.uploads import with_files_to_choose
from app.web.validation import typed_text


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

    @post(request_max_body_size=MAX_PHOTOS_REQUEST_BYTES)
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def appeal() -> Appeal:
            message = typed_text(form, "message")
            photos = await read_photos(request, me, form.all_files("photos"))
            return await submit_appeal(db, me, message, photos)

        return await submit(
            request,
            appeal,
            form=form,
            catch=(Invalid, Refused, RateLimited),
            on_error=lambda rejection: _render(request, db, me, rejection, form),
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
        "photos": await Appeals(db).photos(appeal),
        "until": until,
        "may_appeal": appeal is None and until is not None and clock.now() < until,
        "answer_days": ANSWER_PERIOD.days,
    }


async def _render(
    request: Request, db: AsyncSession, me: Me, rejection: Rejection | None = None, form: Form | None = None
) -> HtmlResponse:
    return page(
        request,
        "blocking/appeal.html",
        status=rejection.status if rejection else 200,
        values=rejection.values if rejection else {},
        headers=rejection.headers if rejection else None,
        errors=with_files_to_choose(form.files if form else {}, rejection.errors) if rejection else {},
        problem=rejection.message if rejection else "",
        max_length=MAX_APPEAL_LENGTH,
        most_photos=MAX_PHOTOS_AT_ONCE,
        photo_types=PHOTO_TYPES,
        **await appeal_state(db, me),
    )
