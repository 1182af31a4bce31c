"""Encrypted values of this room, in messages that wait and in the development mailbox."""

from app.accounts.email_links import TOKEN_FIELD
from app.core.encrypted_column import encrypted_json
from app.notifications.mailbox import DELIVERED_FIELD

MESSAGES = (
    encrypted_json("links and codes in emails", "outbox", TOKEN_FIELD, "t.dedupe_key"),
    encrypted_json("emails in the development mailbox", "outbox", DELIVERED_FIELD, "'mail ' || t.id"),
)
