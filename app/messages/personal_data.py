"""Personal data of this room: messages."""

from app.core.personal_data import CUSTOMER, ERASED_TEXT, PROFESSIONAL, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "messages",
        "SELECT b.reference AS booking, CASE WHEN m.author_id = :me THEN 'you'"
        " WHEN m.author_id = b.customer_id THEN 'customer' ELSE 'professional' END AS written_by,"
        " m.text, m.photo_count AS photos, m.created_at AS sent_at, m.read_at"
        " FROM booking_messages m JOIN bookings b ON b.id = m.booking_id"
        " WHERE b.customer_id = :me OR m.professional_id = :me ORDER BY m.id",
        CUSTOMER + PROFESSIONAL,
    ),
)
MESSAGES_PERSONAL_DATA = PersonalData(
    "messages",
    own_data=OWN_DATA,
    erase=(f"UPDATE booking_messages SET text = '{ERASED_TEXT}', photo_count = 0 WHERE author_id = :id",),
)
