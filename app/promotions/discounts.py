"""What a coupon and credit pay of a booking: quoted before the bank is asked, claimed under locks when it is booked.

Lock order: the booking's row, the coupon's row, the customer's credit. The messages stand beside the field that they
are about: `coupon`, `use_credit`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.datetimes import format_day
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.typed_text import plain_line, without_separators
from app.payments.credit import credit_balance
from app.payments.split import PaymentSplit
from app.promotions.coupon import Coupon
from app.promotions.repository import Coupons

MAX_TYPED_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Buyer:
    """Whose booking is paid. `has_visits` says whether they have another booking that is not cancelled."""

    customer_id: int
    has_visits: Callable[[], Awaitable[bool]]


def parse_code(typed: str) -> str:
    """The code in capitals, without blanks and hyphens; "" when nothing was typed."""
    return without_separators(plain_line(typed[:MAX_TYPED_LENGTH])).upper()


async def quote_payment(
    db: AsyncSession, buyer: Buyer, price: int, *, coupon_code: str = "", use_credit: bool = False
) -> PaymentSplit:
    """What coupon and credit would pay now. Invalid("coupon") in words."""
    code = parse_code(coupon_code)
    discount = 0
    if code:
        coupon = await _usable_coupon(db, buyer, code)
        discount = coupon.discount(price)
    credit = min(await credit_balance(db, buyer.customer_id), price - discount) if use_credit else 0
    return PaymentSplit(price, discount, code if discount else None, credit)


async def claim_payment(db: AsyncSession, buyer: Buyer, booking_id: int, split: PaymentSplit) -> None:
    """Use the coupon for the booking, and lock the credit, before `split` is promised.

    Invalid("coupon") when it can no longer be used, Invalid("use_credit") when the credit was spent meanwhile.
    """
    if split.coupon_code:
        coupon = await _usable_coupon(db, buyer, split.coupon_code, lock=True)
        await Coupons(db).use(coupon, booking_id, buyer.customer_id, split.coupon)
    if split.credit and await credit_balance(db, buyer.customer_id, lock=True) < split.credit:
        raise credit_changed()


def credit_changed() -> Invalid:
    return Invalid({"use_credit": _("The amount to pay has changed. Check it, then pay.")})


async def free_coupon(db: AsyncSession, booking_id: int) -> None:
    """The booking is cancelled, so its coupon may be used again."""
    await Coupons(db).free(booking_id)


async def _usable_coupon(db: AsyncSession, buyer: Buyer, code: str, *, lock: bool = False) -> Coupon:
    coupon = await Coupons(db).find(code, lock=lock)
    if coupon is None:
        raise Invalid({"coupon": _("We don't know this coupon. Check the code.")})
    message = _state_error(coupon)
    if not message and coupon.per_person is not None:
        uses = await Coupons(db).uses_of(coupon, buyer.customer_id)
        if len(uses) >= coupon.per_person:
            message = _("You've used this coupon already.")
    if not message and coupon.first_visit and await buyer.has_visits():
        message = _("This coupon is for your first visit only.")
    if message:
        raise Invalid({"coupon": message})
    return coupon


def _state_error(coupon: Coupon) -> str:
    match coupon.state(clock.today()):
        case "ended":
            return _("This coupon has ended.")
        case "coming":
            return _("This coupon is valid from %(day)s.", day=format_day(coupon.from_day, full=True))
        case "over":
            return _("This coupon has expired.")
        case "used_up":
            return _("This coupon has been used up.")
    return ""
