"""Encrypted values of this room."""

from app.core.encrypted_column import encrypted_column

BANK_ACCOUNTS = encrypted_column(
    "account numbers and UPI IDs", "bank_accounts", "encrypted_number", "'bank account of ' || t.professional_id"
)
