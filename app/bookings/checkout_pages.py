"""The pretend payment: what is typed about a card goes to the portal and nowhere else, not even back into the form."""

from collections.abc import Mapping
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings import checkout, price_changes
from app.bookings.booking import Booking
from app.bookings.checkout import was_paid
from app.bookings.customer_repository import OwnBookings
from app.bookings.customer_view import place_name
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.schemas import Payment
from app.bookings.terms import FREE_UNTIL, LATE_FEE
from app.catalog.repository import Services, Shown
from app.catalog.service import Service
from app.core import clock
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.errors import Invalid, Refused
from app.core.i18n import _
from app.core.references import reference as random_key
from app.payments import pretend_bank
from app.payments.charges import still_due
from app.payments.repository import Charges
from app.web.forms import form, read
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page


class PaymentPages(Controller):
    path = "/bookings/{ref:str}/payment"
    opt = only("customer")

    @get(name="payment")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        booking = await Bookings(db).for_customer(me, ref)
        due = still_due(await Charges(db).of_booking(booking.id))
        if not due and (was_paid(booking) or booking.cancelled_as not in (None, "expired")):
            return go(request, f"/bookings/{booking.reference}")
        if not due and (gone := await _retired(db, booking)):
            return page(request, "bookings/service_retired.html", booking=booking, service=gone)
        if not due and is_over(booking):
            return page(request, "bookings/hold_expired.html", booking=booking, **_fresh())
        return await _drawn(request, db, me, booking)

    @post()
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
    ) -> HtmlResponse:
        sent = await form(request)
        booking = await Bookings(db).for_customer(me, ref)
        debt = sum(charge.amount for charge in still_due(await Charges(db).of_booking(booking.id)))
        try:
            key = read(Payment, sent).idempotency_key
            if debt:
                await _pay_debt(db, me, booking, debt, sent, key)
            else:
                # What is refused lets go of the booking at once: the catalogue's news are written to it apart.
                async with db.begin_nested():
                    await _pay(db, database, after, me, booking, sent, key)
        except Invalid as error:
            if not debt and (was_paid(booking) or is_over(booking)):
                raise Invalid({"": next(iter(error.errors.values())), **error.errors}) from error
            return await _drawn(request, db, me, booking, values=_safe(sent), errors=error.errors)
        except Refused as refusal:
            return await _refused(request, db, me, booking, await _followed(database, after, booking, refusal))
        booking = await Bookings(db).for_customer(me, ref)
        waits = await checkout.waits_for_code(db, booking)
        if debt and not waits:
            flash(request, _("Paid. Thank you."))
        elif booking.state == State.REQUESTED:
            flash(request, _("Booked. We ask for you now."))
        return go(request, f"/bookings/{booking.reference}" + ("/payment" if waits else ""))


async def _pay(
    db: AsyncSession,
    database: Database,
    after: AfterCommit,
    me: Me,
    booking: Booking,
    sent: Mapping[str, str],
    key: str,
) -> None:
    """The bank is asked before any row is locked; what it refuses is written down in a transaction of its own."""
    code = sent.get("code", "")
    if code.strip() and not sent.get("card_number", "").strip() and sent.get("method", "card") == "card":
        await _check_price(db, booking, sent)
        await checkout.confirm_code(db, me, booking.reference, code)
        return
    instrument = pretend_bank.read(sent)
    outcome = pretend_bank.charge(instrument, booking.price, code) if instrument.method != "after" else None
    if not was_paid(booking) and not is_over(booking):
        await _check_price(db, booking, sent)
        if outcome and outcome.state not in ("authorised", "needs_code"):
            if outcome.state != "wrong_code":
                async with database.work(after) as apart:
                    await checkout.note_refusal(apart, booking, booking.price, outcome)
            raise Invalid(checkout.refused_words(outcome))
    await checkout.pay(db, me, booking.reference, outcome, key)


async def _check_price(db: AsyncSession, booking: Booking, sent: Mapping[str, str]) -> None:
    """Before the bank is asked. W5: Refused("retired"). W6: Refused("changed") when the catalogue says something else.

    Also when the page was drawn before another window learnt of the change: `shown` is the price it showed, in paise.
    """
    if was_paid(booking) or is_over(booking):
        return
    if await _retired(db, booking):
        raise Refused(_("We no longer offer this. Nothing was taken."), reason="retired")
    service = await db.get_one(Service, booking.service_id)
    if price_changes.has_changed(booking, service) or sent.get("shown", str(booking.price)) != str(booking.price):
        raise Refused(_("The price changed while you were paying. Nothing was taken."), reason="changed")


async def _followed(database: Database, after: AfterCommit, booking: Booking, refusal: Refused) -> Refused:
    """The held booking follows the catalogue, apart, since a refusal keeps nothing. What is to be told in the end."""
    try:
        async with database.work(after) as apart:
            if refusal.reason == "retired":
                await price_changes.let_go(apart, booking.reference)
            if refusal.reason == "changed":
                await price_changes.requote(apart, booking.reference)
    except Refused as other:
        return other
    return refusal


async def _retired(db: AsyncSession, booking: Booking) -> Shown | None:
    """The service of a booking that waits to be paid, when it is no longer offered."""
    service = await Services(db).by_id(booking.service_id)
    return service if service.retired else None


async def _pay_debt(db: AsyncSession, me: Me, booking: Booking, owed: int, sent: Mapping[str, str], key: str) -> None:
    """`owed` in paise."""
    code = sent.get("code", "")
    if code.strip() and not sent.get("card_number", "").strip() and sent.get("method", "card") == "card":
        await checkout.settle_by_code(db, me, booking.reference, code)
        return
    instrument = pretend_bank.read(sent)
    if instrument.method == "after":
        raise Invalid({"method": _("The work is done: please choose card or UPI.")})
    outcome = pretend_bank.charge(instrument, owed, code)
    if outcome.state not in ("authorised", "needs_code"):
        raise Invalid(checkout.refused_words(outcome))
    await checkout.settle_debt(db, me, booking.reference, outcome, key)


async def _refused(request: Request, db: AsyncSession, me: Me, booking: Booking, refusal: Refused) -> HtmlResponse:
    """409 with the way on: the new price to confirm, or the time to keep again."""
    if refusal.reason == "changed":
        booking = await Bookings(db).for_customer(me, booking.reference)
        return await _drawn(request, db, me, booking, refusal=refusal)
    if refusal.reason in ("retired", "lapsed", "taken") and (gone := await _retired(db, booking)):
        return page(request, "bookings/service_retired.html", status=409, booking=booking, service=gone)
    if refusal.reason in ("lapsed", "taken"):
        return page(request, "bookings/hold_expired.html", status=409, booking=booking, **_fresh(refusal))
    raise refusal


async def _drawn(
    request: Request,
    db: AsyncSession,
    me: Me,
    booking: Booking,
    *,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    refusal: Refused | None = None,
) -> HtmlResponse:
    due = still_due(await Charges(db).of_booking(booking.id))
    waiting = await checkout.waiting(db, booking) if not due else None
    charge = waiting or next((one for one in due if one.method != "after"), None)
    return page(
        request,
        "bookings/payment.html",
        status=409 if refusal else 422 if errors else 200,
        booking=booking,
        debt=sum(one.amount for one in due),
        waiting=charge,
        who=await OwnBookings(db, me).card(booking.named_id, booking.pincode),
        values={"method": "card", **_fresh()["values"], **(values or {})},
        errors=dict(errors or {}),
        refusal=refusal,
        place=await place_name(db, booking),
        now=clock.now(),
        free_until=booking.starts_at - FREE_UNTIL,
        late_fee=min(LATE_FEE, booking.price),
    )


def is_over(booking: Booking) -> bool:
    """Neither paid nor kept any longer."""
    return booking.cancelled_as is not None or booking.hold_lapsed(clock.now())


def _safe(sent: Mapping[str, str]) -> dict[str, str]:
    """What may stand in the form again: never anything of a card."""
    return {name: sent[name] for name in ("method", "upi_id", "idempotency_key") if name in sent}


def _fresh(refusal: Refused | None = None) -> dict[str, Any]:
    return {"values": {"idempotency_key": random_key() + random_key()}, "refusal": refusal}
