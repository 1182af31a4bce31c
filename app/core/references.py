"""Short random references for URLs, easy to read aloud; parsing of them, and of row ids."""

import re
import secrets

from app.core.typed_text import without_separators

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: without I, L, O and U, which are easily confused
INT64_LIMIT = 2**63
REFERENCE_LENGTH, MAX_TYPED_LENGTH = 8, 60
REFERENCE = re.compile(f"[{ALPHABET}]{{{REFERENCE_LENGTH}}}")
CONFUSED = str.maketrans("OIL", "011")  # what Crockford's alphabet leaves out, and what it is taken for


class RowIds:
    """The range of row ids; unlike `range`, `None in` it does not iterate over it."""

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and 0 < number < INT64_LIMIT


def new_reference() -> str:
    """Return eight characters with 40 random bits, such as "7K3MQ9WD"."""
    return "".join(secrets.choice(ALPHABET) for _ in range(REFERENCE_LENGTH))


def parse_reference(typed: str) -> str:
    """ "7k3m q9wd", "#7K3M-Q9WD" and "7K3MQ9WD" as the last; O is read as 0, I and L as 1.

    What cannot be a reference is returned in upper case, and is found nowhere.
    """
    return without_separators(typed[:MAX_TYPED_LENGTH]).removeprefix("#").upper().translate(CONFUSED)


def is_reference(text: str) -> bool:
    return REFERENCE.fullmatch(text) is not None


def reference_prefix(typed: str) -> str | None:
    """The beginning of a reference that a search may consist of; letters are read as digits only in a whole one."""
    reference = parse_reference(typed)
    if is_reference(reference):
        return reference
    text = without_separators(typed[:MAX_TYPED_LENGTH]).removeprefix("#").upper()
    text = reference if any(char.isdigit() for char in text) else text
    return text if 0 < len(text) < REFERENCE_LENGTH and text.isascii() and text.isalnum() else None


def parse_row_id(text: str) -> int | None:
    """Parse a row id; None if it is not a number or too large for PostgreSQL."""
    valid = text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) < INT64_LIMIT
    return int(text) if valid else None
