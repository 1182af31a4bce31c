"""GSTINs, the registration numbers of India's goods and services tax, and the states whose codes they begin with."""

import re

from app.core.i18n import _
from app.core.typed_text import without_separators
from app.core.validation import FieldError

# Two digits of the state, a PAN, the number of the registration in the state, Z, and a check digit.
GSTIN_PATTERN = re.compile(r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]")
CHECK_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# The names are those of app/accounts/data/pincodes.tsv.
STATE_CODES = {
    "Jammu And Kashmir": "01",
    "Himachal Pradesh": "02",
    "Punjab": "03",
    "Chandigarh": "04",
    "Uttarakhand": "05",
    "Haryana": "06",
    "Delhi": "07",
    "Rajasthan": "08",
    "Uttar Pradesh": "09",
    "Bihar": "10",
    "Sikkim": "11",
    "Arunachal Pradesh": "12",
    "Nagaland": "13",
    "Manipur": "14",
    "Mizoram": "15",
    "Tripura": "16",
    "Meghalaya": "17",
    "Assam": "18",
    "West Bengal": "19",
    "Jharkhand": "20",
    "Odisha": "21",
    "Chhattisgarh": "22",
    "Madhya Pradesh": "23",
    "Gujarat": "24",
    "The Dadra And Nagar Haveli And Daman And Diu": "26",
    "Maharashtra": "27",
    "Karnataka": "29",
    "Goa": "30",
    "Lakshadweep": "31",
    "Kerala": "32",
    "Tamil Nadu": "33",
    "Puducherry": "34",
    "Andaman And Nicobar Islands": "35",
    "Telangana": "36",
    "Andhra Pradesh": "37",
    "Ladakh": "38",
}
STATE_NAMES = {code: name for name, code in STATE_CODES.items()}
MAX_TYPED_LENGTH = 60


def parse_gstin(typed: str) -> str:
    """The GSTIN in capitals, "" for none. FieldError if a character is missing or the check digit is not right."""
    gstin = without_separators(typed[:MAX_TYPED_LENGTH]).upper()
    if not gstin:
        return ""
    if not GSTIN_PATTERN.fullmatch(gstin) or gstin[:2] not in STATE_NAMES:
        raise FieldError(_("A GSTIN has 15 characters, such as 33AAAAA0000A1Z9. Check it."))
    if gstin[-1] != check_digit(gstin[:-1]):
        raise FieldError(_("This GSTIN has a wrong character. Check each one."))
    return gstin


def check_digit(first: str) -> str:
    """The last character of a GSTIN, of its first 14."""
    total = 0
    for place, char in enumerate(first):
        product = CHECK_DIGITS.index(char) * (1 + place % 2)
        total += product // len(CHECK_DIGITS) + product % len(CHECK_DIGITS)
    return CHECK_DIGITS[-total % len(CHECK_DIGITS)]


def state_of(gstin: str) -> str:
    """The name of the state of a GSTIN."""
    return STATE_NAMES.get(gstin[:2], "")
