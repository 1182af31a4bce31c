"""A friend's first completed visit brings ₹100 of credit to them and to who invited them.

The code of the invite link travels in the address to continue at (`next`) through every form of signing up, and is
kept when the new customer signs in. Decided once per friend; never for the same phone, address or payment method.
"""

import functools
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.sign_up import TransactionFactory
from app.accounts.user import Role, User
from app.core import clock
from app.core.references import ALPHABET, is_reference, parse_reference
from app.payments.credit import grant_credit
from app.promotions.credits import CreditedBooking, record_credit
from app.promotions.referral import ReferralOutcome
from app.promotions.referral_repository import Referrals

REFERRAL_PAISE = 100_00
CODES, SCRAMBLE = 2**40, 0x9E3779B97F  # an odd factor, so that it has an inverse
NEW_FOR = timedelta(days=7)  # an account that is older was not made for the invite


def invite_code(customer_id: int) -> str:
    """The code of a customer's invite link: their id, scrambled, so that no row is needed for it."""
    number = (customer_id * SCRAMBLE) % CODES
    return "".join(ALPHABET[number >> shift & 31] for shift in range(35, -1, -5))


def inviter_of(code: str) -> int:
    """The id that was scrambled into the code; there may be no such customer."""
    number = functools.reduce(lambda value, symbol: value << 5 | ALPHABET.index(symbol), code, 0)
    return number * pow(SCRAMBLE, -1, CODES) % CODES


async def keep_invite(new_transaction: TransactionFactory, user: User, next_url: str) -> None:
    """Remember who invited a new customer; a sign-in listener."""
    code = parse_reference(dict(parse_qsl(urlsplit(next_url).query)).get("invite", ""))
    if not is_reference(code) or user.role != Role.CUSTOMER or user.created_at < clock.now() - NEW_FOR:
        return
    async with new_transaction() as db:
        inviter_id = inviter_of(code)
        if inviter_id != user.id and await Referrals(db).is_customer(inviter_id):
            await Referrals(db).add(user.id, inviter_id, clock.now())


async def reward_referral(db: AsyncSession, booking: CreditedBooking) -> None:
    """The visit of `booking` (row locked) is completed: if it is an invited friend's first, decide the referral."""
    referral = await Referrals(db).undecided(booking.customer_id)
    if referral is None:
        return
    referral.outcome = await Referrals(db).outcome_of(referral, booking.address, booking.pincode)
    referral.decided_at = clock.now()
    if referral.outcome == ReferralOutcome.GRANTED:
        people = {referral.friend_id: REFERRAL_PAISE, referral.inviter_id: REFERRAL_PAISE}
        await grant_credit(db, booking.id, "coupons", people)
        record_credit(booking, sorted(people), REFERRAL_PAISE, "referral")
    await db.flush()
