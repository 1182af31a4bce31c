"""Check new passwords: length, and none of the most common ones (NIST SP 800-63B, 3.1.1.2)."""

from functools import cache
from pathlib import Path

from app.core.i18n import _
from app.core.validation import FieldError

MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH = 10, 200
COMMON_PASSWORDS_FILE = Path(__file__).parent / "data" / "passwords.txt"


def validate_password(typed: str, *own: str) -> str:
    """The password, if it is good enough. `own`: the user's name and email, which are no secret. Raises FieldError."""
    if not typed:
        raise FieldError(_("Choose a password."))
    if len(typed) < MIN_PASSWORD_LENGTH:
        raise FieldError(_("Use %(least)s characters or more. A short sentence works well.", least=MIN_PASSWORD_LENGTH))
    if len(typed) > MAX_PASSWORD_LENGTH:
        raise FieldError(_("Use %(most)s characters or fewer.", most=MAX_PASSWORD_LENGTH))
    if _is_common(typed.lower(), {text.lower() for text in own}):
        raise FieldError(_("This password is too easy to guess. Choose another."))
    return typed


def _is_common(password: str, own: set[str]) -> bool:
    return password in own or len(set(password)) < 4 or password in _common_passwords()


@cache
def _common_passwords() -> frozenset[str]:
    lines = COMMON_PASSWORDS_FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
