"""Short random references for URLs, easy to read aloud; and parsing of row ids."""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: without I, L, O and U, which are easily confused
INT64_LIMIT = 2**63


class RowIds:
    """The range of row ids; unlike `range`, `None in` it does not iterate over it."""

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and 0 < number < INT64_LIMIT


def new_reference() -> str:
    """Return eight characters with 40 random bits, such as "7K3MQ9WD"."""
    return "".join(secrets.choice(ALPHABET) for _ in range(8))


def parse_row_id(text: str) -> int | None:
    """Parse a row id; None if it is not a number or too large for PostgreSQL."""
    valid = text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) < INT64_LIMIT
    return int(text) if valid else None
