"""Check new passwords: length, none of the common ones, none made of known words (NIST SP 800-63B, 3.1.1.2)."""

import re
import unicodedata
from functools import cache
from pathlib import Path

from app.core.i18n import _
from app.core.secrets import normal_password
from app.core.validation import FieldError

MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH = 10, 200
COMMON_PASSWORDS_FILE = Path(__file__).parent / "data" / "passwords.txt"
# The words of this site and the words that most common passwords begin with; of the demo's password nothing remains.
KNOWN_WORDS = (
    *("doorstep", "demo", "customer", "professional", "admin", "administrator", "example", "welcome", "password"),
    *("passw0rd", "p@ssw0rd", "qwerty", "qwertyuiop", "asdfgh", "asdfghjkl", "zxcvbn", "letmein", "iloveyou"),
)
MIN_KNOWN_WORD_LENGTH = 4  # of the user's own words: a shorter one is a part of too many others
MIN_ALPHABETIC_REST = 4


def validate_password(typed: str, *own: str) -> str:
    """The password, if it is good enough. `own`: the user's name and email, which are no secret. Raises FieldError."""
    if not typed:
        raise FieldError(_("Choose a password."))
    if len(normal_password(typed)) < MIN_PASSWORD_LENGTH:
        raise FieldError(_("Use %(least)s characters or more. A short sentence works well.", least=MIN_PASSWORD_LENGTH))
    if len(typed) > MAX_PASSWORD_LENGTH:
        raise FieldError(_("Use %(most)s characters or fewer.", most=MAX_PASSWORD_LENGTH))
    if _is_common(_normalized(typed), {_normalized(text) for text in own}):
        raise FieldError(_("This password is too easy to guess. Choose another."))
    return typed


def _normalized(text: str) -> str:
    """One form of what looks the same: upper and lower case, full-width letters, invisible characters."""
    visible = (char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    return "".join(visible).casefold().strip()


def _is_common(password: str, own: set[str]) -> bool:
    squeezed = _squeezed(password)
    return (
        password in own
        or len(set(password)) < 4
        or not _common_passwords().isdisjoint({password, squeezed})
        or _is_made_of_known_words(password, own)
    )


def _is_made_of_known_words(password: str, own: set[str]) -> bool:
    """Whether only digits, signs and a letter or two remain without the words that everyone tries first."""
    parts = {part for text in own for part in re.split(r"[\W_]+", text) if len(part) >= MIN_KNOWN_WORD_LENGTH}
    words = sorted({*KNOWN_WORDS, *parts}, key=len, reverse=True)
    rest = re.sub("|".join(map(re.escape, words)), " ", _squeezed(password, keep="@"))
    return " " in rest and sum(char.isalpha() for char in rest) < MIN_ALPHABETIC_REST


def _squeezed(text: str, keep: str = "") -> str:
    """Without blanks and signs: "doorstep demo" and "Doorstep_Demo!" are the same password to whoever guesses."""
    return "".join(char for char in text if char.isalnum() or char in keep)


@cache
def _common_passwords() -> frozenset[str]:
    lines = COMMON_PASSWORDS_FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
