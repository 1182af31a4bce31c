"""Encrypted values of this room."""

from app.core.encrypted_column import EncryptedColumn

# The digest that compares is of the same text. Codes that were used or replaced have neither text nor use.
CODES = EncryptedColumn(
    label="start and finish codes",
    holds=("codes.encrypted_code", "codes.digest"),
    table="codes",
    value="t.encrypted_code",
    context="t.phase || ' code of ' || b.reference",
    assignment="encrypted_code = moved.value, digest = moved.digest",
    join="JOIN bookings b ON b.id = t.booking_id",
)
