"""Personal data of this room: charges, refunds and remembered payment methods."""

from app.core.personal_data import CUSTOMER, ERASED_TEXT, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "saved_payment_methods",
        "SELECT method, brand, last4 AS last_digits, masked_id AS upi_id, expires_on, created_at AS saved_at,"
        " used_at AS last_used_at FROM saved_methods WHERE customer_id = :me ORDER BY id",
        CUSTOMER,
    ),
)
ERASE = (
    "UPDATE charges SET brand = NULL, last4 = NULL, masked_id = NULL WHERE customer_id = :id",
    f"UPDATE refunds SET reason = '{ERASED_TEXT}' WHERE professional_id = :id"
    " OR booking_id IN (SELECT booking_id FROM charges WHERE customer_id = :id)",
    "UPDATE tips SET brand = NULL, last4 = NULL WHERE customer_id = :id",
    "DELETE FROM saved_methods WHERE customer_id = :id",
)
PAYMENTS_PERSONAL_DATA = PersonalData("payments", own_data=OWN_DATA, erase=ERASE)
