"""Personal data of this room: none that names anyone; receipts are in the archive and stay (decision 43)."""

from app.core.personal_data import CUSTOMER, PROFESSIONAL, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "receipts_of_handovers",
        "SELECT b.reference AS booking, r.receipt, r.issued_at FROM handover_receipts r"
        " JOIN bookings b ON b.id = r.booking_id"
        " WHERE b.customer_id = :me OR b.professional_id = :me ORDER BY r.booking_id",
        CUSTOMER + PROFESSIONAL,
    ),
)
RECEIPTS_PERSONAL_DATA = PersonalData("receipts", own_data=OWN_DATA)
