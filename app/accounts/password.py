"""Which passwords are good enough: length first, and none that everybody tries first (NIST SP 800-63B, 3.1.1.2)."""

from functools import cache
from pathlib import Path

from app.accounts.contact_fields import Wrong
from app.core.i18n import _

SHORTEST, LONGEST = 10, 200
TRIED_FIRST = Path(__file__).parent / "data" / "passwords.txt"


def good_password(typed: str, *own: str) -> str:
    """`own` are the person's name and address, which are no secret. Raises Wrong."""
    if not typed:
        raise Wrong(_("Choose a password."))
    if len(typed) < SHORTEST:
        raise Wrong(_("Too short: %(least)s characters or more. A short sentence is good.", least=SHORTEST))
    if len(typed) > LONGEST:
        raise Wrong(_("Too long: at most %(most)s characters.", most=LONGEST))
    if _is_easy(typed.lower(), {word.lower() for word in own}):
        raise Wrong(_("Many people use this one, so it is tried first. Choose another."))
    return typed


def _is_easy(password: str, own: set[str]) -> bool:
    return password in own or len(set(password)) < 4 or password in _tried_first()


@cache
def _tried_first() -> frozenset[str]:
    lines = TRIED_FIRST.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
