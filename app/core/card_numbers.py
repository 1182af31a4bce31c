"""Card numbers where they do not belong: known at sight, so that none is ever stored (docs/rules.md, money)."""

import re

LONG_NUMBER = r"[0-9](?:[ -]?[0-9]){12,18}"
_LONG_NUMBER = re.compile(rf"\b{LONG_NUMBER}\b")


def holds_card_number(text: str) -> bool:
    """Are there digits in it that could be a card's?"""
    return any(passes_luhn(number) for number in _LONG_NUMBER.findall(text))


def passes_luhn(number: str) -> bool:
    """The check digit is the one of card numbers (ISO/IEC 7812)."""
    digits = [int(mark) for mark in number if mark.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(digits) >= 13 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
