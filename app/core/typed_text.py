"""Normal forms of what people type, paste and say: digits, blanks, dashes, accents and quotes."""

import re
import unicodedata

# Pasted around phone numbers and addresses; what makes text run right to left (a disguise) is not among them.
JOINERS = "\u200c\u200d"  # invisible, but Indian scripts need them
INVISIBLE_CHARACTERS = "\u00ad\u200b\u200e\u200f\u202a\u202c\u202d\u2060\u2066\u2069\ufeff"
INVISIBLE = dict.fromkeys(map(ord, INVISIBLE_CHARACTERS))
FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"), "-")
ADDRESS_MAP = {**INVISIBLE, **dict.fromkeys(map(ord, JOINERS)), **FULL_WIDTH}
TYPED_MAP = {**ADDRESS_MAP, **DASHES}
SPACES = re.compile(r"\s+")

# What search_form makes of single characters after NFKD, with those of several letters; migration 0018 has a copy.
COMBINING_MARKS = "".join(map(chr, range(0x300, 0x370)))
FOLDED_CHARACTERS = {
    **dict(zip("øØłŁđĐðıħ", "oOlLdDdih", strict=True)),
    **dict.fromkeys("’‘‛ʼʻʹʾʿ´`′", "'"),
    **dict.fromkeys("“”„‟″", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
}
FOLDED_PAIRS = {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE"}
DELETED_CHARACTERS = COMBINING_MARKS + JOINERS + INVISIBLE_CHARACTERS
SEARCH_MAP = str.maketrans({**FOLDED_CHARACTERS, **dict.fromkeys(DELETED_CHARACTERS, "")} | FOLDED_PAIRS)


def ascii_digits(text: str) -> str:
    """The text with the digits of every script as 0 to 9."""
    return text if text.isascii() else "".join(str(unicodedata.decimal(char, char)) for char in text)


def plain_line(text: str) -> str:
    """One line of figures or an address as typed or pasted, in ASCII where it has a form there.

    Digits of every script, full-width signs, dashes and blanks of every kind become the usual ones; what is invisible
    goes.
    """
    return SPACES.sub(" ", ascii_digits(text.translate(TYPED_MAP))).strip()


def without_separators(text: str) -> str:
    """A plain_line without the blanks and dashes that group its characters."""
    return plain_line(text).replace(" ", "").replace("-", "")


def normal_form(text: str) -> str:
    """The form in which text is stored (NFC): the same letters are the same characters."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def normal_line(text: str) -> str:
    """One line of words in its normal form: single blanks, and no invisible characters but joiners."""
    return " ".join(normal_form(text.translate(INVISIBLE)).split())


def search_form(text: str) -> str:
    """The text without accents and with one kind of quotes, in the case as typed; as PostgreSQL's search_form()."""
    if text.isascii() and "`" not in text:
        return text
    # The acute accent alone would become a blank and a mark.
    return unicodedata.normalize("NFKD", text.replace("´", "'")).translate(SEARCH_MAP)


def containing_pattern(text: str) -> str:
    """A pattern of LIKE: what contains the text."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
