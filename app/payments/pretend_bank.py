"""A pretend bank. It reads what was typed, says what a bank would, and forgets the card: no money moves.

Of a card only the brand and the last four digits leave this file, so nothing else can be stored, logged or shown again.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app.core import clock
from app.core.errors import Invalid
from app.core.i18n import _, ngettext

Method = Literal["card", "upi", "after"]
State = Literal["authorised", "declined", "needs_code", "wrong_code", "timed_out"]

CODE = "123456"
# What the bank does with these; every other card or UPI id that can be right succeeds.
MANNERS = {
    "4000000000000002": "declines",
    "4000002500003155": "asks",
    "4000000000000341": "stalls",
    "decline@doorstep": "declines",
    "timeout@doorstep": "stalls",
}
ANSWERS: dict[str, State] = {"approves": "authorised", "declines": "declined", "stalls": "timed_out"}
# Brand, where its numbers begin, how long they are, digits of the CVV. RuPay is cut from Discover's: it goes first.
BRANDS = (
    ("Visa", r"4", (16, 13, 19), 3),
    ("Mastercard", r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,), 3),
    ("American Express", r"3[47]", (15,), 4),
    ("RuPay", r"60(?!11)|652[12]|8[12]|508", (16,), 3),
    ("Discover", r"6011|64[4-9]|65", (16,), 3),
    ("Diners Club", r"30[0-5]|36|38", (14,), 3),
    ("JCB", r"35(?:2[89]|[3-8])", (16,), 3),
)
YEARS_AHEAD = 20
UPI_ID = re.compile(r"[a-z0-9][a-z0-9._-]{1,60}@[a-z][a-z0-9]{1,30}")


@dataclass(frozen=True, slots=True)
class Instrument:
    """A way of paying as far as we know it. `manner` is how the pretend bank will behave."""

    method: Method
    brand: str | None = None
    last4: str | None = None
    manner: str = "approves"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the bank said."""

    state: State
    instrument: Instrument


def read(fields: Mapping[str, str]) -> Instrument:
    """From the form's method, card_number, expiry, cvv, upi_id. Invalid names each wrong field and repeats no value."""
    method = fields.get("method", "").strip()
    if method == "card":
        return _card(fields)
    if method == "upi":
        return _upi(fields.get("upi_id", ""))
    if method == "after":
        return Instrument("after")
    raise Invalid({"method": _("Choose a way to pay.")})


def charge(instrument: Instrument, amount: int, code: str = "") -> Outcome:
    """Ask the bank for `amount` paise. `code` is what it sent to the customer's phone, when it asked for one."""
    if amount <= 0 or instrument.method == "after":
        raise ValueError("a bank is asked for a positive amount")
    if instrument.manner != "asks":
        return Outcome(ANSWERS[instrument.manner], instrument)
    if not code.strip():
        return Outcome("needs_code", instrument)
    return Outcome("authorised" if _ascii(code) == CODE else "wrong_code", instrument)


def _card(fields: Mapping[str, str]) -> Instrument:
    number, expiry, cvv = (_ascii(fields.get(name, "")) for name in ("card_number", "expiry", "cvv"))
    brand, lengths, cvv_length = _brand(number)
    wrong = {
        "card_number": _wrong_number(number, lengths),
        "expiry": _wrong_expiry(expiry),
        "cvv": _wrong_cvv(cvv, cvv_length),
    }
    errors = {name: words for name, words in wrong.items() if words}
    if errors:
        raise Invalid(errors)
    return Instrument("card", brand, number[-4:], MANNERS.get(number, "approves"))


def _upi(typed: str) -> Instrument:
    upi_id = typed.strip().lower()
    if not upi_id:
        raise Invalid({"upi_id": _("Type your UPI id, such as name@bank.")})
    if not UPI_ID.fullmatch(upi_id):
        raise Invalid({"upi_id": _("A UPI id looks like name@bank.")})
    return Instrument("upi", manner=MANNERS.get(upi_id, "approves"))


def _brand(number: str) -> tuple[str | None, tuple[int, ...], int | None]:
    for name, begins, lengths, cvv_length in BRANDS:
        if re.match(begins, number):
            return name, lengths, cvv_length
    return None, tuple(range(12, 20)), None


def _wrong_number(number: str, lengths: tuple[int, ...]) -> str | None:
    if not number:
        return _("Type the number on your card.")
    if not number.isdecimal():
        return _("Only digits, please.")
    if len(number) not in lengths:
        return _wrong_length(len(number), lengths[0] if len(lengths) < 8 else 16)
    if not luhn(number):
        return _("There is a wrong digit in this number. Please compare it with your card.")
    return None


def _wrong_length(typed: int, right: int) -> str:
    values = {"typed": typed, "right": right}
    if typed == right - 1:
        return _("This number has %(typed)s digits, your card has %(right)s. Look for the missing one.", **values)
    return ngettext(
        "This number has %(num)s digit, your card has %(right)s.",
        "This number has %(num)s digits, your card has %(right)s.",
        typed,
        right=right,
    )


def luhn(number: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812)."""
    doubled = (digit * (1 + place % 2) for place, digit in enumerate(map(int, reversed(number))))
    return sum(digit // 10 + digit % 10 for digit in doubled) % 10 == 0


def _wrong_expiry(expiry: str) -> str | None:
    """Cards are good until their month ends, in Asia/Kolkata (W20)."""
    found = re.fullmatch(r"(0?[1-9]|1[0-2])/(?:20)?(\d\d)|(0[1-9]|1[0-2])(\d\d)", expiry)
    if not found:
        return _("Month and year, such as 08/29.")
    month, year = int(found[1] or found[3]), 2000 + int(found[2] or found[4])
    today = clock.today()
    if (year, month) < (today.year, today.month):
        return _("This card is no longer valid.")
    if year > today.year + YEARS_AHEAD:
        return _("That is too far away. Please look again.")
    return None


def _wrong_cvv(cvv: str, length: int | None) -> str | None:
    right = (length,) if length else (3, 4)
    if cvv.isdecimal() and len(cvv) in right:
        return None
    if length == 4:
        return _("Four digits, on the front of the card.")
    return _("Three digits, on the back of the card.")


def _ascii(typed: str) -> str:
    """Digits of any script as 0–9, without blanks and dashes: people type numbers as they stand on the card."""
    kept = (mark for mark in typed[:60] if not mark.isspace() and mark not in "-\u2010\u2011\u2013")
    return "".join(str(unicodedata.decimal(mark, mark)) for mark in kept)
