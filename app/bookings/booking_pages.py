"""One booking, as its customer sees it move; and what the customer decides on the way."""

from collections.abc import Mapping

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.user import public_name
from app.bookings import cancellation, checkout
from app.bookings.booking import Booking
from app.bookings.customer_view import seen
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.schemas import Answer, Details, DisputeText, address_line
from app.core.encryption import Vault
from app.core.errors import Invalid, Missing, Refused
from app.core.i18n import _
from app.core.references import row_number
from app.web.forms import form, query, read, shown_again
from app.web.guards import BlockedPerson, only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page

YES = ("approve", "approved", "accept", "yes")
NO = ("refuse", "refused", "decline", "no")


class BookingPages(Controller):
    path = "/bookings/{ref:str}"
    opt = only("customer")

    @get(name="booking", opt=only("customer", blocked_may=True))
    async def show(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        return await _drawn(request, db, me, vault, ref)

    @post()
    async def update(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        """Address and note, until somebody has accepted."""
        sent = await form(request)
        try:
            details = read(Details, sent)
            line = address_line(details.address)
            booking = await Bookings(db).for_customer(me, ref, lock=True)
            booking.change_details(me, line, details.note)
        except Invalid as error:
            return await _drawn(request, db, me, vault, ref, values=shown_again(sent), errors=error.errors)
        except Refused as refusal:
            return await _drawn(request, db, me, vault, ref, refusal=refusal)
        flash(request, _("Changed."))
        return go(request, f"/bookings/{booking.reference}")

    @post("/codes", opt=only("customer", blocked_may=True))
    async def renew_code(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        _refuse_blocked(me, await Bookings(db).for_customer(me, ref))
        try:
            booking = await cancellation.renew_code(db, me, ref, vault)
        except Refused as refusal:
            return await _drawn(request, db, me, vault, ref, refusal=refusal)
        flash(request, _("Here is your new code. The old one does not work any more."))
        return go(request, f"/bookings/{booking.reference}")

    @post("/absence")
    async def answer_absence(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        """W14, W9: `answer` is "again" or "refund"."""
        sent = await form(request)
        try:
            answer = read(Answer, sent).answer
            if answer not in ("again", "refund"):
                raise Invalid({"answer": _("Please choose one.")})
            booking = await cancellation.let_down(db, me, ref, again=answer == "again")
        except Invalid as error:
            return await _drawn(request, db, me, vault, ref, errors=error.errors)
        except Refused as refusal:
            return await _drawn(request, db, me, vault, ref, refusal=refusal)
        if answer == "again":
            flash(request, _("Pick a new time. The others are asked at once."))
            return go(request, f"/bookings/{booking.reference}/reschedule")
        return go(request, f"/bookings/{booking.reference}")

    @post("/dispute")
    async def dispute(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        """W13: the customer's word against the fee."""
        sent = await form(request)
        try:
            booking = await cancellation.dispute(db, me, ref, read(DisputeText, sent).text)
        except Invalid as error:
            return await _drawn(request, db, me, vault, ref, values=shown_again(sent), errors=error.errors)
        except Refused as refusal:
            return await _drawn(request, db, me, vault, ref, refusal=refusal)
        flash(request, _("Thank you. Somebody reads it and decides."))
        return go(request, f"/bookings/{booking.reference}")


class ExtraAnswerPages(Controller):
    """W15: further work with a price, for the customer to approve or refuse."""

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
        return await self._drawn(request, db, me, ref, number, {})

    @post()
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        number: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            answer = read(Answer, sent).answer
            if answer not in (*YES, *NO):
                raise Invalid({"answer": _("Please choose one.")})
            booking = await checkout.answer_extra(db, me, ref, _number(number), approved=answer in YES)
        except Invalid as error:
            return await self._drawn(request, db, me, ref, number, error.errors)
        except Refused as refusal:
            return await _drawn(request, db, me, vault, ref, refusal=refusal)
        flash(request, _("Agreed.") if answer in YES else _("Refused. Nothing is added."))
        return go(request, f"/bookings/{booking.reference}")

    async def _drawn(
        self, request: Request, db: AsyncSession, me: Me, ref: str, number: str, errors: Mapping[str, str]
    ) -> HtmlResponse:
        booking = await Bookings(db).for_customer(me, ref)
        extra = next((one for one in booking.extras if one.id == _number(number)), None)
        if extra is None:
            raise Missing()
        status = 422 if errors else 200
        return page(request, "bookings/extra.html", status=status, booking=booking, extra=extra, errors=dict(errors))


class ReceiptPages(Controller):
    """The price as it was agreed, for printing; the same bytes whatever becomes of the catalogue."""

    path = "/bookings/{ref:str}/receipt"
    opt = only("customer")

    @get(name="receipt")
    async def show(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        booking = await Bookings(db).for_customer(me, ref)
        if not checkout.was_paid(booking):
            raise Missing()
        seen_now = await seen(db, me, booking, vault)
        return page(request, "bookings/receipt.html", seen=seen_now, booking=booking, customer=me.name)


# How


async def _drawn(
    request: Request,
    db: AsyncSession,
    me: Me,
    vault: Vault,
    ref: str,
    *,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    refusal: Refused | None = None,
) -> HtmlResponse:
    """The booking as it is now; after a refusal with its words on top, in a form with what was typed."""
    booking = await Bookings(db).for_customer(me, ref)
    _refuse_blocked(me, booking)
    there = await seen(db, me, booking, vault)
    return page(
        request,
        "bookings/show.html",
        "bookings/_booking.html",
        status=409 if refusal else 422 if errors else 200,
        seen=there,
        booking=booking,
        values={"address": booking.address, "note": booking.note, **(values or {})},
        errors=dict(errors or {}),
        refusal=refusal,
        steps_open=bool(query(request).get("steps")),
        shown_as=f"{public_name(me.name)}, {there.place}",
    )


def _refuse_blocked(me: Me, booking: Booking) -> None:
    """W2: somebody blocked sees only what has started, with its code."""
    if me.blocked is not None and booking.state != State.STARTED:
        raise BlockedPerson(me.blocked)


def _number(text: str) -> int:
    known = row_number(text)
    if known is None:
        raise Missing()
    return known
