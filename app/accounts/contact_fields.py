"""Parse contact fields, and reasons shown to a person, into the form that is stored. Parsers raise FieldError."""

import re
import unicodedata

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from app.accounts.names import FORMER_NAMES
from app.core.card_numbers import contains_card_number
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.typed_text import ADDRESS_MAP, JOINERS, normal_form, normal_line, plain_line, without_separators
from app.core.validation import FieldError

MAX_NAME_LENGTH, MAX_ADDRESS_LENGTH, MAX_EMAIL_LENGTH, MAX_PHONE_LENGTH = 120, 300, 254, 40
MAX_REASON_LENGTH = 1_000  # characters
MAX_LABEL_LENGTH, MAX_FLOOR_LENGTH, MAX_LANDMARK_LENGTH = 40, 40, 120
# The demo town's numbers, +91 00000 0nnnn, and its @example.com addresses are not assigned to anyone.
DEMO_DOMAIN = "@example.com"
DEMO_PHONE = re.compile(r"(?:\+?91|0091|0)?(0{6}\d{4})")
PHONE_TEXT, PHONE_LENGTH = re.compile(r"\+?[0-9][-0-9 ./]*"), 10  # digits after +91
MIN_FRAGMENT_LENGTH = 3  # digits; fewer are in nearly every phone
PINCODE = re.compile(r"[1-9][0-9]{5}")


def parse_name(typed: str) -> str:
    """The name with single blanks, in one normal form (NFC). Quotes and accents stay as its owner writes them."""
    name = normal_line(typed[: MAX_NAME_LENGTH + 100])
    if not name:
        raise FieldError(_("Enter your name."))
    if len(name) > MAX_NAME_LENGTH:
        raise FieldError(_("Name must be %(most)s characters or fewer.", most=MAX_NAME_LENGTH))
    if not is_printable(name) or "://" in name or not any(unicodedata.category(char)[0] == "L" for char in name):
        raise FieldError(_("Enter your name in letters."))
    if name in FORMER_NAMES.values():
        raise FieldError(_("That's the name we show for deleted accounts. Enter your own name."))
    return name


def parse_email(typed: str) -> str:
    """The address without what is pasted around it: blanks, mailto:, < and >. The domain in lower case."""
    address = _pasted_address(typed[: MAX_EMAIL_LENGTH + 100])
    if not address:
        raise FieldError(_("Enter your email address."))
    if len(address) > MAX_EMAIL_LENGTH:
        raise FieldError(_("Email must be %(most)s characters or fewer.", most=MAX_EMAIL_LENGTH))
    if "@" not in address:
        raise FieldError(_("Enter the whole address, with the @."))
    if "." not in address.rpartition("@")[2].strip("."):
        raise FieldError(_("Add the ending, such as .com or .in."))
    try:
        return str(validate_email(address, check_deliverability=False, allow_smtputf8=False).ascii_email)
    except EmailNotValidError as error:
        raise FieldError(_("This isn't a valid email address. Check it and try again.")) from error


def _pasted_address(typed: str) -> str:
    address = typed.translate(ADDRESS_MAP).strip()
    if address.lower().startswith("mailto:"):
        address = address[len("mailto:") :].strip()
    return address[1:-1].strip() if address[:1] == "<" and address[-1:] == ">" else address


def parse_phone(typed: str, email: str) -> str:
    """The number in E.164: Indian numbers, and for @example.com accounts those of the demo town."""
    text = plain_line(typed[: 2 * MAX_PHONE_LENGTH])
    if not text or len(text) > MAX_PHONE_LENGTH:
        raise FieldError(_("Enter your phone number, such as +91 98400 12345."))
    demo = DEMO_PHONE.fullmatch(re.sub(r"[\s()-]", "", text))
    if demo and _pasted_address(email).lower().endswith(DEMO_DOMAIN):
        return "+91" + demo[1]
    return _indian(text)


def _indian(text: str) -> str:
    try:
        number = phonenumbers.parse(text, "IN")
    except phonenumbers.NumberParseException as error:
        raise FieldError(_("Enter the number in digits, such as +91 98400 12345.")) from error
    if number.country_code != 91:
        raise FieldError(_("Enter an Indian mobile number, starting with +91."))
    digits = len(re.sub(r"^\s*\+?91|\D", "", text)) if text.startswith("+") else len(re.sub(r"\D", "", text))
    if digits != 10 and not phonenumbers.is_valid_number(number):
        raise FieldError(
            _("A mobile number has 10 digits after +91. This one has %(digits)s. Check it.", digits=digits)
        )
    if not phonenumbers.is_valid_number(number):
        raise FieldError(_("This isn't a valid Indian number. Check each digit."))
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def parse_address_line(typed: str) -> str:
    """House, street and area on one line."""
    parts = (normal_line(part).strip(", ") for part in typed[:2000].split("\n"))
    line = ", ".join(part for part in parts if part)
    if len(line) < 5 or not is_printable(line) or not any(char.isalnum() for char in line):
        raise FieldError(_("Enter the house, the street and the area."))
    if contains_card_number(line):
        raise FieldError(_("This looks like a card number. Enter it only when you pay."))
    if len(line) > MAX_ADDRESS_LENGTH or len(typed) > 2000:
        raise FieldError(_("Address must be %(most)s characters or fewer.", most=MAX_ADDRESS_LENGTH))
    return line


def parse_detail(typed: str, max_length: int) -> str:
    """A line beside an address, such as its floor; "" for none. FieldError for characters that could disguise it."""
    line = normal_line(typed[: max_length + 500])
    if len(line) > max_length:
        raise FieldError(_("Use %(most)s characters or fewer.", most=max_length))
    if not is_printable(line):
        raise FieldError(_("This has characters that can't be shown. Type it again."))
    if contains_card_number(line):
        raise FieldError(_("This looks like a card number. Enter it only when you pay."))
    return line


def parse_pincode(typed: str) -> str:
    """Six digits of any script, spaces and dashes allowed; whether it exists is checked in the database."""
    pincode = without_separators(typed[:40])
    if not PINCODE.fullmatch(pincode):
        raise FieldError(_("Enter a 6-digit pincode, such as 600020."))
    return pincode


def typed_pincode(typed: str) -> str | None:
    """The pincode that a search consists of, if it is one."""
    try:
        return parse_pincode(typed)
    except FieldError:
        return None


def parse_pincodes(typed: str) -> list[str]:
    """The pincodes of a list, with commas, semicolons, spaces or lines between them. FieldError names the wrong one."""
    found: list[str] = []
    for part in re.split(r"[,;\n]+", typed):
        groups = [group.replace("-", "") for group in plain_line(part).split() if group.strip("-")]
        while groups:
            size = 2 if [len(group) for group in groups[:2]] == [3, 3] else 1  # 600 020
            pincode = "".join(groups[:size])
            if not PINCODE.fullmatch(pincode):
                raise FieldError(_("%(what)s isn't a pincode. Enter 6 digits.", what=pincode[:12]))
            found.append(pincode)
            del groups[:size]
    return found


def phone_fragment(typed: str) -> str | None:
    """The digits of a phone, or of a part of it, that a search consists of, as they are stored; None for other text.

    "+91 98401 54321", "098401-54321" and "98401 54321" are all 9840154321.
    """
    text = plain_line(typed).lower().removeprefix("tel:")
    text = re.sub(r"\(0\)|[()]", "", text)
    digits = re.sub(r"\D", "", text)
    if len(digits) < MIN_FRAGMENT_LENGTH or not PHONE_TEXT.fullmatch(text):
        return None
    for prefix in ("91",) if text.startswith("+") else ("0091", "91"):
        if digits.startswith(prefix) and (text.startswith("+") or len(digits) >= len(prefix) + PHONE_LENGTH):
            digits = digits.removeprefix(prefix)
            break
    digits = digits.removeprefix("0") if len(digits) > PHONE_LENGTH else digits
    return digits if len(digits) >= MIN_FRAGMENT_LENGTH else None


def clean_text(typed: str) -> str:
    """Text without invisible and bidirectional control characters; line breaks stay, and tabs become spaces."""
    text = normal_form(typed).replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[\t\v\f\x85]", " ", text)
    if not text.replace("\n", "").isprintable():
        text = "".join(char for char in text if char == "\n" or is_printable(char))
    return text.strip()


def clean_reason(typed: str) -> str:
    """An admin's reason for a decision about a person, who reads it unchanged. Raises Invalid("reason")."""
    reason = clean_text(typed)
    if not reason:
        raise Invalid({"reason": _("Enter a reason. It's shown to the person exactly as you write it.")})
    if len(reason) > MAX_REASON_LENGTH:
        raise Invalid({"reason": _("That's too long. Shorten it.")})
    return reason


def is_printable(text: str) -> bool:
    """Whether the text has no control or invisible characters, which could disguise it."""
    # str.isprintable refuses these and most separators, which are fine here; it needs no look at each character.
    return text.isprintable() or all(unicodedata.category(char)[0] != "C" or char in JOINERS for char in text)
