"""/bookings/…: one booking as its customer sees it, the customer's decisions, and the receipt."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.names import public_name
from app.bookings import checkout, customer_decisions
from app.bookings.booking import Booking
from app.bookings.customer_repository import CustomerBooking, OwnBookings
from app.bookings.customer_view import booking_page
from app.bookings.deadlines import BookingDeadlines
from app.bookings.moves import State
from app.bookings.offer_wave_repository import usual_minutes_to_accept
from app.bookings.repository import Bookings
from app.bookings.schemas import Answer, Details, DisputeText, read_details
from app.bookings.slot_picker import nearest_free_starts
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing, Refused
from app.core.i18n import _
from app.core.references import parse_row_id
from app.payments.tips_repository import Tips
from app.web.actions import Rejection, submit
from app.web.forms import parse_form, parse_query
from app.web.guards import UserBlocked, only
from app.web.http import HtmlResponse, Request
from app.web.panels import load_panels
from app.web.render import page
from app.web.validation import validate_form

APPROVE_ANSWERS = ("approve", "approved", "accept", "yes")
REFUSE_ANSWERS = ("refuse", "refused", "decline", "no")


class BookingPages(Controller):
    path = "/bookings/{ref:str}"
    opt = only("customer")

    @get(name="booking", opt=only("customer", allow_blocked=True))
    async def show(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        return await _render(request, db, me, encryption, ref)

    @post()
    async def update(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        """Change address and note, until a professional has accepted."""
        form = await parse_form(request)

        async def change() -> Booking:
            details = validate_form(Details, form)
            booking = await Bookings(db).for_customer(me, ref, lock=True)
            line, visit = read_details(details, booking.visit, me.email)
            booking.change_details(me, line, details.note, visit)
            return booking

        return await submit(
            request,
            change,
            form=form,
            on_error=lambda rejection: _render(request, db, me, encryption, ref, rejection),
            message=_("Changes saved."),
            then=_booking_path,
        )

    @post("/codes", opt=only("customer", allow_blocked=True))
    async def renew_code(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        _refuse_blocked(me, await Bookings(db).for_customer(me, ref))
        return await submit(
            request,
            lambda: customer_decisions.renew_code(db, me, ref, encryption),
            catch=(Refused,),
            on_error=lambda rejection: _render(request, db, me, encryption, ref, rejection),
            message=_("Here's your new code. The old one is no longer valid."),
            then=_booking_path,
        )

    @post("/absence")
    async def answer_no_arrival(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        """W14, W9: `answer` is "again" or "refund"."""
        form = await parse_form(request)

        async def resolve() -> tuple[str, bool]:
            answer = validate_form(Answer, form).answer
            if answer not in ("again", "refund"):
                raise Invalid({"answer": _("Choose an option.")})
            find_another = answer == "again"
            booking = await customer_decisions.resolve_no_arrival(db, me, ref, find_another=find_another)
            return _booking_path(booking), find_another and booking.state == State.REQUESTED

        return await submit(
            request,
            resolve,
            on_error=lambda rejection: _render(request, db, me, encryption, ref, rejection),
            message=lambda result: (
                _("Pick a new time. We'll ask the other professionals straight away.") if result[1] else ""
            ),
            then=lambda result: f"{result[0]}/reschedule" if result[1] else result[0],
        )

    @post("/dispute")
    async def dispute(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        """W13: object to a no-show."""
        form = await parse_form(request)

        async def dispute() -> Booking:
            return await customer_decisions.dispute_no_show(db, me, ref, validate_form(DisputeText, form).text)

        return await submit(
            request,
            dispute,
            form=form,
            on_error=lambda rejection: _render(request, db, me, encryption, ref, rejection),
            message=_("Thank you. Your dispute is recorded."),
            then=_booking_path,
        )


class ExtraAnswerPages(Controller):
    """W15: extra work with a price, for the customer to approve or refuse."""

    path = "/bookings/{ref:str}/extras/{number:str}"
    opt = only("customer")

    @get(name="extra")
    async def show(
        self,
        request: Request,
        ref: FromPath[str],
        number: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> HtmlResponse:
        return await self._render(request, db, me, ref, number, {})

    @post()
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        number: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def decide() -> tuple[str, bool]:
            answer = validate_form(Answer, form).answer
            if answer not in (*APPROVE_ANSWERS, *REFUSE_ANSWERS):
                raise Invalid({"answer": _("Choose an option.")})
            approved = answer in APPROVE_ANSWERS
            booking = await customer_decisions.answer_extra(db, me, ref, _extra_id(number), approved=approved)
            return _booking_path(booking), approved

        async def render_rejection(rejection: Rejection) -> HtmlResponse:
            if rejection.errors:
                return await self._render(request, db, me, ref, number, rejection.errors)
            return await _render(request, db, me, encryption, ref, rejection)

        return await submit(
            request,
            decide,
            on_error=render_rejection,
            message=lambda result: (
                _("Extra work approved.") if result[1] else _("You declined the extra work. Nothing was added.")
            ),
            then=lambda result: result[0],
        )

    async def _render(
        self, request: Request, db: AsyncSession, me: Me, ref: str, number: str, errors: Mapping[str, str]
    ) -> HtmlResponse:
        booking = await Bookings(db).for_customer(me, ref)
        extra = next((extra for extra in booking.extras if extra.id == _extra_id(number)), None)
        if extra is None:
            raise Missing()
        status = 422 if errors else 200
        return page(request, "bookings/extra.html", status=status, booking=booking, extra=extra, errors=dict(errors))


class ReceiptPages(Controller):
    """The receipt, for printing; independent of later changes of the catalog."""

    path = "/bookings/{ref:str}/receipt"
    opt = only("customer")

    @get(name="receipt")
    async def show(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        booking = await OwnBookings(db, me).booking(ref)
        if not checkout.was_ordered(booking):
            raise Missing()
        page_data = booking_page(booking, encryption, me)
        return page(
            request,
            "bookings/receipt.html",
            page_data=page_data,
            booking=booking,
            customer=me.name,
            tip=await Tips(db).paid(booking.id),
            panels=await load_panels(request, db, "bookings.receipt", booking),
        )


async def _render(
    request: Request,
    db: AsyncSession,
    me: Me,
    encryption: Encryption,
    ref: str,
    rejection: Rejection | None = None,
) -> HtmlResponse:
    """The current booking, with the refusal or the form's values and errors."""
    errors = rejection.errors if rejection else {}
    values = rejection.values if rejection and errors else {}
    booking = await OwnBookings(db, me).booking(ref)
    _refuse_blocked(me, booking)
    usual_minutes = await usual_minutes_to_accept(db, booking.id) if booking.state == State.REQUESTED else None
    page_data = booking_page(booking, encryption, me, usual_minutes)
    return page(
        request,
        "bookings/show.html",
        "bookings/booking.swap.html",
        status=rejection.status if rejection else 200,
        page_data=page_data,
        booking=booking,
        values={"address": booking.address, "note": booking.note, **asdict(booking.visit), **values},
        errors=errors,
        refusal=rejection.refusal if rejection else None,
        free=await _suggested_starts(db, me, booking),
        panels=await load_panels(request, db, "bookings.booking", booking),
        steps_open=bool(parse_query(request).get("steps")),
        shown_as=f"{public_name(me.name)}, {page_data.place}",
    )


async def _suggested_starts(db: AsyncSession, me: Me, booking: CustomerBooking) -> list[datetime]:
    """W9: the nearest free starts when no professional accepted."""
    if booking.cancelled_as != "unfilled":
        return []
    return await nearest_free_starts(db, booking.service_id, booking.pincode, booking.starts_at, customer_id=me.id)


def _booking_path(booking: Booking) -> str:
    return f"/bookings/{booking.reference}"


def _refuse_blocked(me: Me, booking: BookingDeadlines) -> None:
    """W2: a blocked customer sees started bookings only, with their code."""
    if me.blocked is not None and booking.state != State.STARTED:
        raise UserBlocked(me.blocked)


def _extra_id(text: str) -> int:
    extra_id = parse_row_id(text)
    if extra_id is None:
        raise Missing()
    return extra_id
