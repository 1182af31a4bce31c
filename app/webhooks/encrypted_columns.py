"""Encrypted values of this room."""

from app.core.encrypted_column import encrypted_column

WEBHOOK_SECRETS = (
    encrypted_column("secrets of webhooks", "webhooks", "encrypted_secret", "'webhook ' || t.url"),
    encrypted_column("earlier secrets of webhooks", "webhooks", "previous_encrypted_secret", "'webhook ' || t.url"),
)
