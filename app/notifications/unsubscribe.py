"""The address in a mail that ends its kind with one click: whose and what, sealed against guessing."""

import base64
import hmac

from app.core.encryption import Vault
from app.core.errors import Missing
from app.notifications.preference import TOPICS

PURPOSE = "unsubscribe"


def token_for(vault: Vault, user_id: int, topic: str) -> str:
    said = f"{user_id}.{topic}"
    return f"{said}.{_seal(vault, said)}"


def subscription_of(vault: Vault, token: str) -> tuple[int, str]:
    """(person, topic). Missing for whatever we did not write."""
    said, _dot, seal = token.rpartition(".")
    number, _sep, topic = said.partition(".")
    whole = number.isascii() and number.isdigit() and len(number) < 19 and topic in TOPICS
    if not whole or not hmac.compare_digest(seal.encode(), _seal(vault, said).encode()):
        raise Missing
    return int(number), topic


def _seal(vault: Vault, said: str) -> str:
    return base64.urlsafe_b64encode(vault.digest(said, PURPOSE)[:18]).decode()
