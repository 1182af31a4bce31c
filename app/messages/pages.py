"""/bookings/…/messages and /jobs/…/messages: what the two sides of a booking write to each other."""

from collections.abc import Mapping
from typing import Annotated, Literal

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Users
from app.bookings.booking import Booking
from app.core import clock
from app.core.errors import Invalid, RateLimited, Refused
from app.core.i18n import N_, _
from app.core.references import parse_reference, parse_row_id
from app.core.storage import Storage
from app.messages.limits import count_message
from app.messages.message import MAX_TEXT_LENGTH
from app.messages.repository import Messages
from app.messages.thread import find_booking, is_phone_shared, mark_read, may_write, send_message, thread_of
from app.messages.thread import share_phone as choose_phone_sharing
from app.photos.photo_upload import MAX_PHOTOS_AT_ONCE, MAX_PHOTOS_REQUEST_BYTES, PHOTO_TYPES, scan_photos
from app.settings import Settings
from app.web.actions import Rejection, submit
from app.web.forms import parse_form, parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page
from app.web.security import client_address
from app.web.services import services_of
from app.web.uploads import with_files_to_choose
from app.web.validation import validate_form


class MessageForm(Struct, kw_only=True):
    text: Annotated[str, Meta(max_length=MAX_TEXT_LENGTH, extra={"error": N_("Use 2,000 characters or fewer.")})] = ""


class PhoneForm(Struct, kw_only=True):
    share_phone: Annotated[Literal["yes", "no"], Meta(extra={"error": N_("Choose yes or no.")})]


class BookingMessagePages(Controller):
    path = "/bookings/{ref:str}/messages"
    opt = only("customer")

    @get(name="booking-messages", opt={"in_transaction": True})
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        """The thread; opening it marks what the other side wrote as read."""
        return await _show(request, db, me, ref)

    @post(request_max_body_size=MAX_PHOTOS_REQUEST_BYTES)
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        return await _send(request, db, storage, settings, me, ref)

    @post("/phone", name="booking-phone")
    async def share_phone(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _share_phone(request, db, me, ref)


class JobMessagePages(Controller):
    path = "/jobs/{ref:str}/messages"
    opt = only("professional")

    @get(name="job-messages", opt={"in_transaction": True})
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        """The thread; opening it marks what the other side wrote as read."""
        return await _show(request, db, me, ref)

    @post(request_max_body_size=MAX_PHOTOS_REQUEST_BYTES)
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        return await _send(request, db, storage, settings, me, ref)

    @post("/phone", name="job-phone")
    async def share_phone(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _share_phone(request, db, me, ref)


async def _show(request: Request, db: AsyncSession, me: Me, ref: str) -> HtmlResponse:
    booking = await find_booking(db, me, ref)
    await mark_read(db, me, booking)
    return await _render(request, db, me, booking)


async def _send(
    request: Request, db: AsyncSession, storage: Storage, settings: Settings, me: Me, ref: str
) -> HtmlResponse:
    form = await parse_form(request)

    async def send() -> str:
        await count_message(services_of(request).rate_limiter, me)
        typed = validate_form(MessageForm, form)
        address = client_address(request.scope, settings.trusted_proxies)
        photos = await scan_photos(form.all_files("photos"), address)
        await send_message(db, storage, me, ref, typed.text, photos)
        return f"{_side_path(me, ref)}/messages#write"

    async def render_error(rejection: Rejection) -> HtmlResponse:
        errors = with_files_to_choose(form.files, rejection.errors)
        return await _render(request, db, me, await find_booking(db, me, ref), rejection, errors)

    return await submit(
        request, send, form=form, catch=(Invalid, Refused, RateLimited), on_error=render_error, then=lambda path: path
    )


async def _share_phone(request: Request, db: AsyncSession, me: Me, ref: str) -> HtmlResponse:
    form = await parse_form(request)

    async def choose() -> bool:
        shared = validate_form(PhoneForm, form).share_phone == "yes"
        await choose_phone_sharing(db, me, ref, shared=shared)
        return shared

    async def render_error(rejection: Rejection) -> HtmlResponse:
        return await _render(request, db, me, await find_booking(db, me, ref), rejection)

    return await submit(
        request,
        choose,
        form=form,
        on_error=render_error,
        message=lambda shared: _("Your number is shown.") if shared else _("Your number is hidden."),
        then=f"{_side_path(me, ref)}/messages",
    )


async def _render(
    request: Request,
    db: AsyncSession,
    me: Me,
    booking: Booking,
    rejection: Rejection | None = None,
    errors: Mapping[str, str] | None = None,
) -> HtmlResponse:
    other_id = booking.professional_id if me.role == "customer" else booking.customer_id
    before = parse_row_id(parse_query(request).get("before", ""))
    return page(
        request,
        "messages/thread.html",
        "messages/_thread.html",
        status=rejection.status if rejection else 200,
        headers=rejection.headers if rejection else {},
        booking=booking,
        side=_side_path(me, booking.reference),
        other=await Users(db).get(other_id) if other_id is not None else None,
        thread=await Messages(db).thread(booking.id, thread_of(me), before),
        before=before,
        may_write=may_write(booking, clock.now()),
        is_phone_shared=await is_phone_shared(db, me, booking),
        most_photos=MAX_PHOTOS_AT_ONCE,
        photo_types=PHOTO_TYPES,
        values=rejection.values if rejection else {},
        errors=errors or (rejection.errors if rejection else {}),
        problem=rejection.message if rejection else "",
    )


def _side_path(me: Me, ref: str) -> str:
    """The booking as the customer sees it, or the job."""
    return f"/{'bookings' if me.role == 'customer' else 'jobs'}/{parse_reference(ref)}"
