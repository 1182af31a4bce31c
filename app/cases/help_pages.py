"""/bookings/…/help and /jobs/…/help: what it is about, and the first message of a case (W27)."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.repository import Bookings
from app.cases.case import ANSWER_PERIOD, DECISION_PERIOD, MAX_MESSAGE_LENGTH, Case, Side
from app.cases.cases import ask_for_help
from app.cases.labels import TOPICS
from app.cases.repository import BookingCases
from app.core.errors import Invalid, RateLimited, Refused
from app.core.i18n import _
from app.photos.photo_pages import read_photos
from app.photos.photo_upload import MAX_PHOTOS_AT_ONCE, MAX_PHOTOS_REQUEST_BYTES, PHOTO_TYPES
from app.web.actions import Rejection, submit
from app.web.forms import Form, parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page, redirect
from app.web.uploads import with_files_to_choose
from app.web.validation import typed_text


class BookingHelpPages(Controller):
    path = "/bookings/{ref:str}/help"
    opt = only("customer")

    @get(name="booking-help")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _render(request, db, me, ref)

    @post(request_max_body_size=MAX_PHOTOS_REQUEST_BYTES)
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _submit(request, db, me, ref)


class JobHelpPages(Controller):
    path = "/jobs/{ref:str}/help"
    opt = only("professional")

    @get(name="job-help")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _render(request, db, me, ref)

    @post(request_max_body_size=MAX_PHOTOS_REQUEST_BYTES)
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _submit(request, db, me, ref)


async def _submit(request: Request, db: AsyncSession, me: Me, ref: str) -> HtmlResponse:
    form = await parse_form(request)

    async def open_case() -> Case:
        message = typed_text(form, "message")
        photos = await read_photos(request, me, form.all_files("photos"))
        return await ask_for_help(db, me, ref, form.get("topic", ""), message, photos)

    return await submit(
        request,
        open_case,
        form=form,
        catch=(Invalid, Refused, RateLimited),
        on_error=lambda rejection: _render(request, db, me, ref, rejection, form),
        then=lambda case: f"/cases/{case.reference}",
        message=_("We have your message. You find our answer here."),
    )


async def _render(
    request: Request,
    db: AsyncSession,
    me: Me,
    ref: str,
    rejection: Rejection | None = None,
    form: Form | None = None,
) -> HtmlResponse:
    """The form; a side with an open case goes on there."""
    bookings, side = Bookings(db), Side(me.role)
    is_customer = side == Side.CUSTOMER
    booking = await (bookings.for_customer(me, ref) if is_customer else bookings.for_professional(me, ref))
    case = await BookingCases(db).open_of(booking.id, side)
    if case is not None and rejection is None:
        return redirect(request, f"/cases/{case.reference}")
    return page(
        request,
        "cases/help.html",
        status=rejection.status if rejection else 200,
        headers=rejection.headers if rejection else None,
        booking=booking,
        here=f"/{'bookings' if is_customer else 'jobs'}/{booking.reference}",
        topics=TOPICS[side],
        answer_hours=int(ANSWER_PERIOD.total_seconds()) // 3600,
        decision_days=DECISION_PERIOD.days,
        values=rejection.values if rejection else {},
        errors=with_files_to_choose(form.files if form else {}, rejection.errors) if rejection else {},
        message=rejection.message if rejection else "",
        max_length=MAX_MESSAGE_LENGTH,
        most_photos=MAX_PHOTOS_AT_ONCE,
        photo_types=PHOTO_TYPES,
    )
