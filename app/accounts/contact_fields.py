"""What people say of themselves: as they type it, and as it is kept. Each raises Wrong, a sentence for its field."""

import re
import unicodedata
from collections.abc import Callable, Mapping

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from app.accounts.user import FORMER
from app.core.card_numbers import holds_card_number
from app.core.errors import Invalid
from app.core.i18n import _

LONGEST_NAME, LONGEST_LINE, LONGEST_EMAIL, LONGEST_PHONE = 120, 300, 254, 40
# The one exception: the demo town's numbers, +91 00000 0nnnn, belong to nobody and so do its @example.com addresses.
DEMO_DOMAIN = "@example.com"
DEMO_PHONE = re.compile(r"(?:\+?91)?(0{6}\d{4})")
# Joiners that Indian scripts need; every other invisible sign is refused.
JOINERS = "\u200c\u200d"


class Wrong(ValueError):
    """A sentence for the person who typed it."""


def cleaned(cleaners: Mapping[str, Callable[[], str]]) -> dict[str, str]:
    """Every field's kept form, or one Invalid with all that is wrong."""
    errors: dict[str, str] = {}
    kept: dict[str, str] = {}
    for field, clean in cleaners.items():
        try:
            kept[field] = clean()
        except Wrong as error:
            errors[field] = str(error)
    if errors:
        raise Invalid(errors)
    return kept


def name_of(typed: str) -> str:
    name = " ".join(typed[: LONGEST_NAME + 100].split())
    if not name:
        raise Wrong(_("Tell us your name."))
    if len(typed) > LONGEST_NAME:
        raise Wrong(_("A name has at most %(most)s characters here.", most=LONGEST_NAME))
    if not is_plain(name) or "://" in name or not any(unicodedata.category(sign)[0] == "L" for sign in name):
        raise Wrong(_("Write your name in letters."))
    if name in FORMER.values():
        raise Wrong(_("That is what we call who has left. Write your own name."))
    return name


def email_of(typed: str) -> str:
    address = typed.strip()
    if not address:
        raise Wrong(_("Tell us your e-mail address."))
    if len(address) > LONGEST_EMAIL:
        raise Wrong(_("An e-mail address has at most %(most)s characters.", most=LONGEST_EMAIL))
    if "@" not in address:
        raise Wrong(_("Write the whole address, with the @."))
    if "." not in address.rpartition("@")[2].strip("."):
        raise Wrong(_("Add the end of the address, such as .com or .in."))
    try:
        return str(validate_email(address, check_deliverability=False, allow_smtputf8=False).ascii_email)
    except EmailNotValidError as error:
        raise Wrong(_("This is not an e-mail address. Check it letter by letter.")) from error


def phone_of(typed: str, email: str) -> str:
    """E.164. India's numbers only, and for @example.com accounts the demo town's."""
    text = typed.strip()
    if not text or len(text) > LONGEST_PHONE:
        raise Wrong(_("Tell us your phone number, such as +91 98400 12345."))
    demo = DEMO_PHONE.fullmatch(re.sub(r"[\s()-]", "", text))
    if demo and email.lower().endswith(DEMO_DOMAIN):
        return "+91" + demo[1]
    return _indian(text)


def _indian(text: str) -> str:
    try:
        number = phonenumbers.parse(text, "IN")
    except phonenumbers.NumberParseException as error:
        raise Wrong(_("Write the number in digits, such as +91 98400 12345.")) from error
    if number.country_code != 91:
        raise Wrong(_("Doorstep needs a number in India, one that begins with +91."))
    digits = len(re.sub(r"^\s*\+?91|\D", "", text)) if text.startswith("+") else len(re.sub(r"\D", "", text))
    if digits != 10 and not phonenumbers.is_valid_number(number):
        raise Wrong(_("A mobile number has 10 digits after +91. This one has %(digits)s.", digits=digits))
    if not phonenumbers.is_valid_number(number):
        raise Wrong(_("There is no such number in India. Check it digit by digit."))
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def line_of(typed: str) -> str:
    """House, street and area on one line."""
    line = ", ".join(part for part in (" ".join(part.split()).strip(",") for part in typed[:2000].split("\n")) if part)
    if len(line) < 5 or not is_plain(line) or not any(sign.isalnum() for sign in line):
        raise Wrong(_("Write the house, the street and the area."))
    if holds_card_number(line):
        raise Wrong(_("This looks like the number of a card. Please write it nowhere but where you pay."))
    if len(line) > LONGEST_LINE or len(typed) > 2000:
        raise Wrong(_("An address has at most %(most)s characters here.", most=LONGEST_LINE))
    return line


def pincode_of(typed: str) -> str:
    """Six digits in any script's figures, spaces allowed; whether it exists is the database's to say."""
    figures = [str(unicodedata.decimal(sign, "x")) for sign in typed[:40] if not sign.isspace()]
    pincode = "".join(figures)
    if not re.fullmatch(r"[1-9][0-9]{5}", pincode):
        raise Wrong(_("A pincode has six digits, such as 600020."))
    return pincode


def words_of(typed: str) -> str:
    """A text for people, without signs that nobody sees and that could turn its letters round; lines stay lines."""
    text = unicodedata.normalize("NFC", typed).replace("\r\n", "\n")
    return "".join(sign for sign in text if sign == "\n" or is_plain(sign)).strip()


def is_plain(text: str) -> bool:
    """No control sign and no invisible one, which could dress one text up as another."""
    return all(unicodedata.category(sign)[0] != "C" or sign in JOINERS for sign in text)
