"""Personal data of this room: invoices, which the law has us keep (docs/decisions/0014-account-deletion.md)."""

from app.core.personal_data import CUSTOMER, PROFESSIONAL, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "invoices",
        "SELECT i.number, i.kind, b.reference AS booking, i.issued_at, i.total AS total_paise, i.tax AS tax_paise,"
        " i.content ->> 'recipient' AS issued_to FROM invoices i"
        " JOIN bookings b ON b.id = i.booking_id WHERE i.person_id = :me ORDER BY i.id",
        CUSTOMER + PROFESSIONAL,
    ),
)
INVOICES_PERSONAL_DATA = PersonalData("invoices", own_data=OWN_DATA)
