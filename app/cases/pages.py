"""/cases: the cases of a customer or a professional, and the thread of one."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.cases.case import MAX_MESSAGE_LENGTH, SAFETY_TOPICS, Case
from app.cases.cases import post_message
from app.cases.repository import BookingCases
from app.core.errors import Invalid, RateLimited, Refused
from app.photos.photo_pages import read_photos
from app.photos.photo_upload import MAX_PHOTOS_AT_ONCE, MAX_PHOTOS_REQUEST_BYTES, PHOTO_TYPES
from app.web.actions import Rejection, submit
from app.web.forms import Form, parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page
from app.web.uploads import with_files_to_choose
from app.web.validation import typed_text


class CasePages(Controller):
    path = "/cases"
    opt = only("customer", "professional")

    @get(name="cases")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return page(request, "cases/index.html", cases=await BookingCases(db).listed(me))

    @get("/{ref:str}", name="case")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _render(request, db, me, ref)

    @post("/{ref:str}/messages", name="case-message", request_max_body_size=MAX_PHOTOS_REQUEST_BYTES)
    async def write(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def write() -> Case:
            message = typed_text(form, "message")
            photos = await read_photos(request, me, form.all_files("photos"))
            return await post_message(db, me, ref, message, photos)

        return await submit(
            request,
            write,
            form=form,
            catch=(Invalid, Refused, RateLimited),
            on_error=lambda rejection: _render(request, db, me, ref, rejection, form),
            then=lambda case: f"/cases/{case.reference}",
        )


async def _render(
    request: Request,
    db: AsyncSession,
    me: Me,
    ref: str,
    rejection: Rejection | None = None,
    form: Form | None = None,
) -> HtmlResponse:
    cases = BookingCases(db)
    case = await cases.row(ref, me)
    return page(
        request,
        "cases/case.html",
        "cases/_case.html",
        status=rejection.status if rejection else 200,
        headers=rejection.headers if rejection else None,
        case=case,
        is_safety=case.topic in SAFETY_TOPICS,
        is_opener=case.side == me.role,
        messages=await cases.messages(case, me),
        refund=await cases.refund_state(case.refund_id),
        redo=await cases.redo_of(case.booking_id) if "redo" in (case.outcomes or ()) else None,
        values=rejection.values if rejection else {},
        errors=with_files_to_choose(form.files if form else {}, rejection.errors) if rejection else {},
        message=rejection.message if rejection else "",
        max_length=MAX_MESSAGE_LENGTH,
        most_photos=MAX_PHOTOS_AT_ONCE,
        photo_types=PHOTO_TYPES,
    )
