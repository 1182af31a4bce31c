"""Prices as people write them and as we keep them: whole paise, to the last one."""

import re
from decimal import Decimal
from functools import lru_cache

from babel.numbers import NumberFormatError, format_currency, parse_decimal

from app.core.errors import Invalid
from app.core.i18n import _, locale

# Babel reads digits of every script, "1e9", "+5", "1_000" and even "NaN": what is no plain figure never gets so far.
FIGURES = re.compile(r"[0-9][0-9,]{0,15}(?:\.[0-9]{0,20})?|\.[0-9]{1,20}")
WRITTEN = "en_IN"  # 1,49,900.50, in whichever language the page is read


def paise(typed: str, least: int, most: int) -> int:
    """ "₹1,49,900.50" → 14990050. Invalid("price"), in words, when it is no price between `least` and `most` paise."""
    plain = typed.strip().removeprefix("₹").strip()
    if not FIGURES.fullmatch(plain):
        raise _no_price(_("Rupees in figures, please, such as 149 or 1,49,900.50."))
    amount = _parsed(plain) * 100
    if not least <= amount <= most:
        raise _no_price(_("Between %(least)s and %(most)s, please.", least=money(least), most=money(most)))
    if amount % 1:
        raise _no_price(_("A paisa is the least there is: two figures after the point, please."))
    return int(amount)


def money(paise: int) -> str:
    """₹149, ₹149.50, ₹1,49,900."""
    return _money(paise, locale.get())


def plain(paise: int) -> str:
    """As it stands in a field, to be typed over: 149, 99.99."""
    return str(paise // 100) if paise % 100 == 0 else f"{paise // 100}.{paise % 100:02}"


def decimal(paise: int) -> str:
    """For programs: 149.00, 99.99."""
    return f"{paise // 100}.{paise % 100:02}"


def _parsed(plain: str) -> Decimal:
    """Commas only where they belong: nobody knows whether "1,23" was meant as 123 or as 1.23."""
    try:
        return parse_decimal(plain, locale=WRITTEN, strict=True)
    except NumberFormatError as error:
        meant = (error.suggestions or [""])[0]
        if not meant:
            raise _no_price(_("Rupees in figures, please, such as 149 or 1,49,900.50.")) from error
        raise _no_price(_("The commas stand in odd places. Do you mean %(meant)s?", meant=meant)) from error


def _no_price(words: str) -> Invalid:
    return Invalid({"price": words})


@lru_cache(maxsize=4096)
def _money(paise: int, locale: str) -> str:
    figures = "¤#,##,##0" if paise % 100 == 0 else "¤#,##,##0.00"
    signed = f"{figures};−{figures}"  # a minus, not the hyphen that a keyboard has
    return str(format_currency(Decimal(paise) / 100, "INR", signed, locale, currency_digits=False))
