"""How the price of a booking is paid: by a coupon, with credit, and the rest by card, UPI or after the job."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaymentSplit:
    """Money in paise. Commission is on the price before the coupon, which Doorstep pays (W37)."""

    price: int
    coupon: int = 0
    coupon_code: str | None = None
    credit: int = 0

    @property
    def rest(self) -> int:
        """What is left for the bank, or for after the job."""
        return self.price - self.coupon - self.credit

    @property
    def covered_by(self) -> str | None:
        """The method of a booking that a coupon and credit pay whole; None where something is left."""
        if self.rest:
            return None
        return "credit" if self.credit else "coupon"


NOTHING_BESIDES = PaymentSplit(0)
