"""Extra work on the spot: the professional names it and its price, the customer decides (W15)."""

import unicodedata

from app.bookings.booking import Booking
from app.bookings.extra import Extra
from app.core import money
from app.core.errors import Refused
from app.core.events import Actor
from app.core.i18n import _

LEAST, MOST = 1_00, 1_00_000_00
MOST_PROPOSALS = 10


def propose(booking: Booking, by: Actor, what: str, price: str) -> Extra:
    """`price` as typed, in rupees. The same proposal sent twice, while it waits, is one."""
    asked = paise(price)
    same = [one for one in booking.extras if (one.text, one.price, one.state) == (what, asked, "proposed")]
    if same:
        return same[0]
    if len(booking.extras) >= MOST_PROPOSALS:
        raise Refused(_("There are ten proposals already. Talk to the customer first."), reason="extras")
    return booking.propose_extra(by, what, asked)


def paise(typed: str) -> int:
    """ "₹1,250.50" → 125050, digits of any script. Invalid("price") when it is no price from ₹1 to ₹1,00,000."""
    return money.paise("".join(str(unicodedata.decimal(mark, mark)) for mark in typed), LEAST, MOST)
