"""Detection of card numbers in free text, so that none is ever stored (docs/rules.md, money)."""

import re

from app.core.typed_text import TYPED_MAP, ascii_digits

LONG_NUMBER = r"[0-9](?:[ -]?[0-9]){12,18}"
OTHER_BLANKS = re.compile(r"[^\S\n]")
# Not the digits of a decimal: the mean of stars in a report is 4.666666666666667.
_LONG_NUMBER = re.compile(rf"(?<![0-9]\.)\b{LONG_NUMBER}\b(?!\.[0-9])")


def contains_card_number(text: str) -> bool:
    """Return whether any digits in `text` could be a card number."""
    if not text.isascii():
        text = OTHER_BLANKS.sub(" ", ascii_digits(text.translate(TYPED_MAP)))
    return any(passes_luhn(number) for number in _LONG_NUMBER.findall(text))


def passes_luhn(number: str) -> bool:
    """Return whether `number` has at least 13 digits and a valid check digit (ISO/IEC 7812)."""
    digits = [int(character) for character in number if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(digits) >= 13 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
