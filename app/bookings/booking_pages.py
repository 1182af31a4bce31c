"""/bookings/…: one booking as its customer sees it, the customer's decisions, and the receipt."""

from collections.abc import Mapping

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.user import public_name
from app.bookings import checkout, customer_decisions
from app.bookings.booking import Booking
from app.bookings.customer_view import load_booking_page
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.schemas import Answer, Details, DisputeText, read_address_line
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing, Refused
from app.core.i18n import _
from app.core.references import parse_row_id
from app.web.forms import parse_form, parse_query, redisplayable
from app.web.guards import UserBlocked, only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, page, redirect
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
        try:
            details = validate_form(Details, form)
            line = read_address_line(details.address)
            booking = await Bookings(db).for_customer(me, ref, lock=True)
            booking.change_details(me, line, details.note)
        except Invalid as error:
            return await _render(request, db, me, encryption, ref, values=redisplayable(form), errors=error.errors)
        except Refused as refusal:
            return await _render(request, db, me, encryption, ref, refusal=refusal)
        flash(request, _("Changed."))
        return redirect(request, f"/bookings/{booking.reference}")

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
        try:
            booking = await customer_decisions.renew_code(db, me, ref, encryption)
        except Refused as refusal:
            return await _render(request, db, me, encryption, ref, refusal=refusal)
        flash(request, _("Here is your new code. The old one does not work any more."))
        return redirect(request, f"/bookings/{booking.reference}")

    @post("/absence")
    async def answer_absence(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        """W14, W9: `answer` is "again" or "refund"."""
        form = await parse_form(request)
        try:
            answer = validate_form(Answer, form).answer
            if answer not in ("again", "refund"):
                raise Invalid({"answer": _("Please choose one.")})
            booking = await customer_decisions.resolve_no_arrival(db, me, ref, again=answer == "again")
        except Invalid as error:
            return await _render(request, db, me, encryption, ref, errors=error.errors)
        except Refused as refusal:
            return await _render(request, db, me, encryption, ref, refusal=refusal)
        if answer == "again":
            flash(request, _("Pick a new time. The others are asked at once."))
            return redirect(request, f"/bookings/{booking.reference}/reschedule")
        return redirect(request, f"/bookings/{booking.reference}")

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
        try:
            booking = await customer_decisions.dispute_no_show(db, me, ref, validate_form(DisputeText, form).text)
        except Invalid as error:
            return await _render(request, db, me, encryption, ref, values=redisplayable(form), errors=error.errors)
        except Refused as refusal:
            return await _render(request, db, me, encryption, ref, refusal=refusal)
        flash(request, _("Thank you. Somebody reads it and decides."))
        return redirect(request, f"/bookings/{booking.reference}")


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
        try:
            answer = validate_form(Answer, form).answer
            if answer not in (*APPROVE_ANSWERS, *REFUSE_ANSWERS):
                raise Invalid({"answer": _("Please choose one.")})
            booking = await customer_decisions.answer_extra(
                db, me, ref, _extra_id(number), approved=answer in APPROVE_ANSWERS
            )
        except Invalid as error:
            return await self._render(request, db, me, ref, number, error.errors)
        except Refused as refusal:
            return await _render(request, db, me, encryption, ref, refusal=refusal)
        flash(request, _("Agreed.") if answer in APPROVE_ANSWERS else _("Refused. Nothing is added."))
        return redirect(request, f"/bookings/{booking.reference}")

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
        booking = await Bookings(db).for_customer(me, ref)
        if not checkout.was_ordered(booking):
            raise Missing()
        page_data = await load_booking_page(db, me, booking, encryption)
        return page(request, "bookings/receipt.html", seen=page_data, booking=booking, customer=me.name)


async def _render(
    request: Request,
    db: AsyncSession,
    me: Me,
    encryption: Encryption,
    ref: str,
    *,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    refusal: Refused | None = None,
) -> HtmlResponse:
    """The booking as it is now, with the refusal or the form's values and errors."""
    booking = await Bookings(db).for_customer(me, ref)
    _refuse_blocked(me, booking)
    page_data = await load_booking_page(db, me, booking, encryption)
    return page(
        request,
        "bookings/show.html",
        "bookings/_booking.html",
        status=409 if refusal else 422 if errors else 200,
        seen=page_data,
        booking=booking,
        values={"address": booking.address, "note": booking.note, **(values or {})},
        errors=dict(errors or {}),
        refusal=refusal,
        steps_open=bool(parse_query(request).get("steps")),
        shown_as=f"{public_name(me.name)}, {page_data.place}",
    )


def _refuse_blocked(me: Me, booking: Booking) -> None:
    """W2: a blocked customer sees started bookings only, with their code."""
    if me.blocked is not None and booking.state != State.STARTED:
        raise UserBlocked(me.blocked)


def _extra_id(text: str) -> int:
    extra_id = parse_row_id(text)
    if extra_id is None:
        raise Missing()
    return extra_id
