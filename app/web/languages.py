"""Negotiate the language of a response."""

import re

from babel import negotiate_locale

from app.core import i18n

MAX_HEADER_BYTES = 500  # of Accept-Language; browsers send a few dozen
LANGUAGE_RANGE = re.compile(r"([a-z]{2,3}(?:-[a-z0-9]{1,8})*)(?:;q=(0(?:\.\d{1,3})?|1(?:\.0{1,3})?))?", re.IGNORECASE)


def is_multilingual() -> bool:
    """Whether more than one language is offered."""
    return len(i18n.available_locales()) > 1


def negotiate(accepted: bytes) -> str:
    """The locale for an Accept-Language header; English when it names none that is offered."""
    if not accepted or not is_multilingual():
        return i18n.DEFAULT_LOCALE
    by_tag = {name.lower(): name for name in i18n.available_locales()}
    by_tag |= {name.split("_")[0]: name for name in (*i18n.available_locales(), i18n.DEFAULT_LOCALE)}
    # Babel returns the tag in the capitals of the request.
    return by_tag[(negotiate_locale(_preferred(accepted), by_tag) or i18n.DEFAULT_LOCALE).lower()]


def _preferred(accepted: bytes) -> list[str]:
    """The tags by descending weight, as Babel writes them."""
    parts = accepted[:MAX_HEADER_BYTES].decode("latin-1").replace(" ", "").split(",")
    ranges = [(float(match[2] or 1), match[1]) for match in map(LANGUAGE_RANGE.fullmatch, parts) if match]
    return [tag.replace("-", "_") for weight, tag in sorted(ranges, key=lambda item: -item[0]) if weight]
