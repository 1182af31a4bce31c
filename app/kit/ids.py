"""Short random references that people read aloud: no row numbers in addresses."""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U to mishear


def reference() -> str:
    """Eight characters, 40 random bits: "7K3MQ9WD"."""
    return "".join(secrets.choice(ALPHABET) for _ in range(8))
