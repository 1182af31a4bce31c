"""Parsing and formatting of amounts of money, which are stored in whole paise."""

import re
from decimal import Decimal
from functools import lru_cache

from babel.numbers import NumberFormatError, format_currency, parse_decimal

from app.core.errors import Invalid
from app.core.i18n import _, locale
from app.core.typed_text import plain_line

# Babel also accepts "1e9", "+5", "1_000" and "NaN", so the input is checked first.
NUMBER_PATTERN = re.compile(r"[0-9][0-9,]{0,15}(?:\.[0-9]{0,20})?|\.[0-9]{1,20}")
CURRENCY_SIGNS = re.compile(r"^(?:₹|rs\b\.?|inr\b) ?| ?/-$", re.IGNORECASE)
MAX_TYPED_LENGTH = 60
INPUT_LOCALE = "en_IN"  # 1,49,900.50, whatever the language of the page


def parse_rupees(typed: str, minimum: int, maximum: int) -> int:
    """Parse "₹1,49,900.50", "Rs. 149/-" or "१४९" to paise, exactly.

    Invalid("price") when it is not between `minimum` and `maximum` paise.
    """
    plain = CURRENCY_SIGNS.sub("", plain_line(typed[:MAX_TYPED_LENGTH]))
    if not NUMBER_PATTERN.fullmatch(plain):
        raise _invalid_price(_("Enter an amount in rupees, such as 149 or 1,49,900.50."))
    amount = _parse_number(plain) * 100
    if not minimum <= amount <= maximum:
        raise _invalid_price(
            _("Enter an amount from %(least)s to %(most)s.", least=format_rupees(minimum), most=format_rupees(maximum))
        )
    if amount % 1:
        raise _invalid_price(_("Use at most 2 digits after the decimal point."))
    return int(amount)


def format_rupees(paise: int) -> str:
    """Format as ₹149, ₹149.50, ₹1,49,900."""
    return _format_currency(paise, locale.get())


def format_for_input(paise: int) -> str:
    """Format for an input field: 149, 99.99."""
    return str(paise // 100) if paise % 100 == 0 else f"{paise // 100}.{paise % 100:02}"


def format_decimal(paise: int) -> str:
    """Format for the JSON API: 149.00, 99.99."""
    return f"{paise // 100}.{paise % 100:02}"


def _parse_number(plain: str) -> Decimal:
    """Parse a number strictly: a misplaced comma, as in "1,23", could mean 123 or 1.23."""
    try:
        return parse_decimal(plain, locale=INPUT_LOCALE, strict=True)
    except NumberFormatError as error:
        suggestion = (error.suggestions or [""])[0]
        if not suggestion:
            raise _invalid_price(_("Enter an amount in rupees, such as 149 or 1,49,900.50.")) from error
        raise _invalid_price(_("Check the commas. Do you mean %(meant)s?", meant=suggestion)) from error


def _invalid_price(message: str) -> Invalid:
    return Invalid({"price": message})


@lru_cache(maxsize=4096)
def _format_currency(paise: int, locale: str) -> str:
    pattern = "¤#,##,##0" if paise % 100 == 0 else "¤#,##,##0.00"
    signed_pattern = f"{pattern};−{pattern}"  # a minus sign, not a hyphen
    return str(format_currency(Decimal(paise) / 100, "INR", signed_pattern, locale, currency_digits=False))
