"""A pretend bank: validates an instrument and answers as a bank would. No money moves.

Of a card only the brand and the last four digits leave this file, so nothing else can be stored, logged or shown again.
"""

import calendar
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.core import clock
from app.core.errors import Invalid
from app.core.i18n import N_, _, ngettext
from app.core.typed_text import plain_line, without_separators

MASK = "…"
Method = Literal["card", "upi", "after", "credit", "coupon"]
AuthorisationState = Literal["authorised", "declined", "needs_code", "wrong_code", "timed_out"]

TEST_BANK_CODE = "123456"
# How the bank answers to these; every other valid card or UPI id succeeds.
TEST_INSTRUMENTS = {
    "4000000000000002": "declines",
    "4000002500003155": "asks",
    "4000000000000341": "stalls",
    "4000000000005126": "fails_refund",  # the first attempt of each
    "decline@doorstep": "declines",
    "timeout@doorstep": "stalls",
}
STATES_BY_BEHAVIOUR: dict[str, AuthorisationState] = {
    "approves": "authorised",
    "declines": "declined",
    "stalls": "timed_out",
    "fails_refund": "authorised",
}
FAILS_REFUND = ("Visa", "5126")  # of the card above: its number is not known any more
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
MAX_YEARS_AHEAD = 20
MAX_TYPED_LENGTH, MAX_UPI_ID_LENGTH = 60, 120
EXPIRY_SEPARATORS = re.compile(r"[ /.,-]+")
# Month and year, or year and month; a month of one digit only beside a separator, which is a slash by then.
EXPIRY = re.compile(
    r"(?P<month>0[1-9]|1[0-2]|[1-9](?=/))/?(?:20)?(?P<year>[0-9]{2})"
    r"|20(?P<year_first>[0-9]{2})(?:/(?P<short_month>[1-9])|/?(?P<month_last>0[1-9]|1[0-2]))"
)
UPI_ID = re.compile(r"[a-z0-9][a-z0-9._-]{1,60}@[a-z][a-z0-9]{1,30}")


@dataclass(frozen=True, slots=True)
class Instrument:
    """A payment method as far as it is stored; `behaviour` is how the pretend bank will answer.

    `expires_on` (a card's last day) and `masked_id` (of a UPI ID, "as…@bank") are kept of a remembered one alone.
    """

    method: Method
    brand: str | None = None
    last4: str | None = None
    behaviour: str = "approves"
    expires_on: date | None = None
    masked_id: str | None = None


@dataclass(frozen=True, slots=True)
class Authorisation:
    """The bank's answer."""

    state: AuthorisationState
    instrument: Instrument


def read_instrument(fields: Mapping[str, str]) -> Instrument:
    """Read method, card_number, expiry, cvv, upi_id. Invalid names each wrong field and repeats no value."""
    method = fields.get("method", "").strip()
    if method == "card":
        return _card(fields)
    if method == "upi":
        return _upi(fields.get("upi_id", ""))
    if method == "after":
        return Instrument("after")
    raise Invalid({"method": _("Choose a payment method.")})


def authorise(instrument: Instrument, amount: int, code: str = "") -> Authorisation:
    """Request authorisation of `amount` paise. `code` is the bank's one-time code, if it required one."""
    if amount <= 0 or instrument.method == "after":
        raise ValueError("a bank is asked for a positive amount")
    if instrument.behaviour != "asks":
        return Authorisation(STATES_BY_BEHAVIOUR[instrument.behaviour], instrument)
    if not code.strip():
        return Authorisation("needs_code", instrument)
    return Authorisation(
        "authorised" if without_separators(code[:MAX_TYPED_LENGTH]) == TEST_BANK_CODE else "wrong_code", instrument
    )


def refund_failure(instrument: Instrument, attempt: int) -> str:
    """Why the bank does not take a refund, as a text marked for translation; "" if it takes it."""
    if (instrument.brand, instrument.last4) == FAILS_REFUND and attempt == 1:
        return N_("The customer's bank didn't take the refund.")
    return ""


def token_of(instrument: Instrument) -> str:
    """The bank's token of a card or UPI ID, by which it can be charged again without its number."""
    return f"{instrument.method}:{instrument.behaviour}:{secrets.token_urlsafe(18)}"


def instrument_of_token(token: str, brand: str | None, last4: str | None, masked_id: str | None = None) -> Instrument:
    """The instrument that the bank charges for a token."""
    method, behaviour, _random = token.split(":")
    return Instrument("upi" if method == "upi" else "card", brand, last4, behaviour, masked_id=masked_id)


def _card(fields: Mapping[str, str]) -> Instrument:
    number, cvv = (without_separators(fields.get(name, "")[:MAX_TYPED_LENGTH]) for name in ("card_number", "cvv"))
    brand, lengths, cvv_length = _brand(number)
    messages = {
        "card_number": _number_error(number, lengths),
        "expiry": _expiry_error(fields.get("expiry", "")),
        "cvv": _cvv_error(cvv, cvv_length),
    }
    errors = {name: message for name, message in messages.items() if message}
    if errors:
        raise Invalid(errors)
    year, month = read_expiry(fields["expiry"]) or (0, 0)
    last_day = date(year, month, calendar.monthrange(year, month)[1])
    return Instrument("card", brand, number[-4:], TEST_INSTRUMENTS.get(number, "approves"), expires_on=last_day)


def parse_upi_id(typed: str) -> str:
    """The UPI ID in small letters. Invalid("upi_id")."""
    upi_id = plain_line(typed[: MAX_UPI_ID_LENGTH + 1]).lower()
    if not upi_id:
        raise Invalid({"upi_id": _("Enter your UPI ID, such as name@bank.")})
    if not UPI_ID.fullmatch(upi_id) or len(typed) > MAX_UPI_ID_LENGTH:
        raise Invalid({"upi_id": _("Enter a UPI ID, such as name@bank.")})
    return upi_id


def _upi(text: str) -> Instrument:
    upi_id = parse_upi_id(text)
    name, bank = upi_id.split("@")
    masked = f"{name[: 2 if len(name) > 3 else 1]}{MASK}@{bank}"
    return Instrument("upi", behaviour=TEST_INSTRUMENTS.get(upi_id, "approves"), masked_id=masked)


def _brand(number: str) -> tuple[str | None, tuple[int, ...], int | None]:
    for name, begins, lengths, cvv_length in BRANDS:
        if re.match(begins, number):
            return name, lengths, cvv_length
    return None, tuple(range(12, 20)), None


def _number_error(number: str, lengths: tuple[int, ...]) -> str | None:
    if not number:
        return _("Enter your card number.")
    if not number.isdecimal():
        return _("Use digits only.")
    if len(number) not in lengths:
        return _length_error(len(number), lengths[0] if len(lengths) < 8 else 16)
    if not luhn(number):
        return _("A digit in this number is wrong. Compare it with your card.")
    return None


def _length_error(typed: int, expected: int) -> str:
    values = {"typed": typed, "right": expected}
    if typed == expected - 1:
        return _(
            "This number has %(typed)s digits. Your card number has %(right)s. Check for a missing digit.", **values
        )
    return ngettext(
        "This number has %(num)s digit. Your card number has %(right)s.",
        "This number has %(num)s digits. Your card number has %(right)s.",
        typed,
        right=expected,
    )


def luhn(number: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812)."""
    doubled = (digit * (1 + position % 2) for position, digit in enumerate(map(int, reversed(number))))
    return sum(digit // 10 + digit % 10 for digit in doubled) % 10 == 0


def read_expiry(text: str) -> tuple[int, int] | None:
    """(year, month) of a card, in any digits: 08/30, 8/30, 0830, 08 / 2030, 082030, 08.30, 2030-08; None: no month."""
    typed = EXPIRY_SEPARATORS.sub("/", plain_line(text[:MAX_TYPED_LENGTH])).strip("/")
    match = EXPIRY.fullmatch(typed)
    if match is None:
        return None
    month = match["month"] or match["short_month"] or match["month_last"]
    return 2000 + int(match["year"] or match["year_first"]), int(month)


def _expiry_error(typed: str) -> str | None:
    """Cards are valid until the end of their month, in Asia/Kolkata (W20)."""
    read = read_expiry(typed)
    if read is None:
        return _("Enter a month and year, such as 08/29.")
    year, month = read
    today = clock.today()
    if (year, month) < (today.year, today.month):
        return _("This card has expired. Use another card.")
    if year > today.year + MAX_YEARS_AHEAD:
        return _("That expiry date is too far ahead. Check your card.")
    return None


def _cvv_error(cvv: str, length: int | None) -> str | None:
    expected = (length,) if length else (3, 4)
    if cvv.isdecimal() and len(cvv) in expected:
        return None
    if length == 4:
        return _("Enter the 4 digits on the front of the card.")
    return _("Enter the 3 digits on the back of the card.")
