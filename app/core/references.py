"""Short random references that people read aloud, so that addresses need no row numbers; and those that do come."""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U to mishear
INT64 = 2**63


class RowNumbers:
    """What the number of a row can be. None is none of them: a bare range would look for it through all of itself."""

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and 0 < number < INT64


def reference() -> str:
    """Eight characters, 40 random bits: "7K3MQ9WD"."""
    return "".join(secrets.choice(ALPHABET) for _ in range(8))


def row_number(typed: str) -> int | None:
    """What can be the number of a row; None for anything else, also for what PostgreSQL cannot hold."""
    known = typed.isascii() and typed.isdigit() and len(typed) < 20 and 0 < int(typed) < INT64
    return int(typed) if known else None
