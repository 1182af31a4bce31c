"""Encrypted values of this room."""

from app.core.encrypted_column import encrypted_column

SAVED_METHODS = encrypted_column(
    "remembered payment methods", "saved_methods", "encrypted_token", "'saved method of ' || t.customer_id"
)
