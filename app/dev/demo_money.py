"""Money in the demo town, after its history: coupons, credit, referrals, tips, accounts, a payout run, invoices.

Everything is done with the domain's own verbs, at the time when it would have happened.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.billing.bank_accounts import TypedAccount, change_bank_account
from app.billing.payout_repository import Payouts
from app.billing.payouts import make_run, mark_failed, mark_paid
from app.bookings.booking import Booking
from app.bookings.repository import Bookings
from app.core import clock
from app.core.encryption import Encryption
from app.core.events import PLATFORM
from app.core.sql import fetch
from app.dev.demo_town import Town
from app.invoices.issuing import FEE_KINDS, JOB_KINDS, issue_for
from app.payments.charges import Posted
from app.payments.ledger import LedgerTransaction
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.tips import ask_tip, pay_tip
from app.promotions.coupon import CouponKind
from app.promotions.coupons import CouponTerms, create_coupon
from app.promotions.credits import apologise
from app.promotions.referral_repository import Referrals
from app.promotions.referrals import reward_referral

INVOICED_WEEKS = 6  # the last of the history
WITHOUT_ACCOUNT = 9  # one of so many professionals
TIPS, MAX_APOLOGIES, FRIENDS = (20_00, 50_00, 100_00), 5, 2
ONE_HOUR = timedelta(hours=1)
UNFILLED = "SELECT id FROM bookings WHERE cancelled_as = 'unfilled' AND cancelled_at < $1 ORDER BY id DESC LIMIT $2"
# The latest of each professional with five stars; tips are possible for seven days after the booking was closed.
PRAISED = """
    SELECT DISTINCT ON (professional_id) id FROM bookings
     WHERE state = 'closed' AND rating = 5 AND closed_at < $1 AND professional_id = ANY($2::bigint[])
     ORDER BY professional_id, id DESC
"""
# The first visit of customers who never paid by card, so that they have nothing in common with who invited them.
FIRST_VISITS = """
    SELECT DISTINCT ON (customer_id) id FROM bookings b
     WHERE state = 'closed' AND customer_id = ANY($1::bigint[]) AND closed_at < $2
       AND NOT EXISTS (SELECT 1 FROM charges c WHERE c.customer_id = b.customer_id AND c.last4 IS NOT NULL)
     ORDER BY customer_id, id LIMIT $3
"""


async def write_money(db: AsyncSession, town: Town, encryption: Encryption) -> None:
    """Write all of it for a town with its history."""
    await _add_coupons(db, town)
    await _add_accounts(db, town, encryption)
    await _add_credit(db, town)
    await _add_tips(db, town)
    await _issue_invoices(db, clock.at(town.first_day - timedelta(weeks=INVOICED_WEEKS)))
    await _pay_out(db, town)


async def _add_coupons(db: AsyncSession, town: Town) -> None:
    first_day = town.first_day - timedelta(weeks=8)
    with clock.freeze(clock.at(first_day, 10 * 60)):
        for code, kind, value, cap, per_person in (
            ("WELCOME50", CouponKind.AMOUNT, 50_00, None, 1),
            ("MONSOON10", CouponKind.PERCENT, 10, 100_00, None),
        ):
            terms = CouponTerms(code, kind, value, cap, first_day, None, per_person, None, per_person == 1)
            await create_coupon(db, town.admin, terms)


async def _add_accounts(db: AsyncSession, town: Town, encryption: Encryption) -> None:
    with clock.freeze(clock.at(town.first_day - timedelta(weeks=4), 11 * 60)):
        for number, candidate in enumerate(town.candidates, 1):
            person = town.professionals[candidate.id]
            if number % WITHOUT_ACCOUNT == 0:
                continue
            if number % 3:
                typed = TypedAccount(holder=person.full_name, number=f"{30_000_000_000 + number}", ifsc="SBIN0000300")
            else:
                typed = TypedAccount(holder=person.full_name, upi_id=f"professional{number}@okaxis")
            await change_bank_account(db, encryption, person, typed)


async def _add_credit(db: AsyncSession, town: Town) -> None:
    """Apologies for bookings that stayed unfilled, and friends whom the demo customer invited."""
    now, inviter = clock.now(), town.residents[0].person.id
    for booking in await _bookings(db, UNFILLED, now - ONE_HOUR, MAX_APOLOGIES):
        assert booking.cancelled_at is not None
        with clock.freeze(booking.cancelled_at):
            await apologise(db, booking)
    others = [resident.person.id for resident in town.residents[1:]]
    for booking in await _bookings(db, FIRST_VISITS, others, now - ONE_HOUR, FRIENDS):
        await Referrals(db).add(booking.customer_id, inviter, booking.created_at)
        with clock.freeze(_closed(booking) + ONE_HOUR):
            await reward_referral(db, booking)


async def _add_tips(db: AsyncSession, town: Town) -> None:
    people = {resident.person.id: resident.person for resident in town.residents}
    praised = await _bookings(db, PRAISED, clock.now() - ONE_HOUR, list(town.professionals))
    for number, booking in enumerate(praised):
        if customer := people.get(booking.customer_id):
            with clock.freeze(_closed(booking) + ONE_HOUR):
                amount = TIPS[number % len(TIPS)]
                tip = await ask_tip(db, booking, amount, state=booking.state, closed_at=booking.closed_at)
                await pay_tip(db, booking, customer, tip, Authorisation("authorised", Instrument("upi")))


async def _issue_invoices(db: AsyncSession, since: datetime) -> None:
    """Issue what was due since then, in the order of time."""
    query = (
        select(LedgerTransaction)
        .where(LedgerTransaction.kind.in_(JOB_KINDS + FEE_KINDS), LedgerTransaction.at >= since)
        .options(selectinload(LedgerTransaction.entries), selectinload(LedgerTransaction.charge))
        .order_by(LedgerTransaction.at, LedgerTransaction.booking_id, LedgerTransaction.id)
    )
    transactions = (await db.scalars(query)).all()
    for (at, _booking_id), together in groupby(transactions, key=lambda item: (item.at, item.booking_id)):
        with clock.freeze(at):
            await issue_for(db, [Posted(transaction, None) for transaction in together])


async def _pay_out(db: AsyncSession, town: Town) -> None:
    """The run until the last Sunday, of which the bank paid all but the last two: one failed, one is on its way."""
    until = clock.today() - timedelta(days=clock.today().weekday() + 1)
    at = min(clock.now(), clock.at(until + timedelta(days=1), 6 * 60))
    with clock.freeze(at):
        run = await make_run(db, PLATFORM, until)
    *paid, failed, _pending = await Payouts(db).recipients(run.id)
    with clock.freeze(min(clock.now(), at + ONE_HOUR)):
        for number, professional_id in enumerate(paid, 1):
            await mark_paid(db, town.admin, run.id, professional_id, f"UTR{run.until:%y%m%d}{number:06}")
        await mark_failed(db, town.admin, run.id, failed, "The bank says that the account is closed.")


async def _bookings(db: AsyncSession, query: str, *args: object) -> Sequence[Booking]:
    ids = [row[0] for row in await fetch(db, query, *args)]
    return list((await Bookings(db).locked(ids)).values())


def _closed(booking: Booking) -> datetime:
    assert booking.closed_at is not None
    return booking.closed_at
