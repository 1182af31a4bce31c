"""Personal data of this room: reviews."""

from app.core.personal_data import CUSTOMER, PROFESSIONAL, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "reviews_written",
        "SELECT b.reference AS booking, b.service_name AS service, r.rating AS stars, r.comment AS words, r.created_at,"
        " r.edited_at FROM reviews r JOIN bookings b ON b.id = r.booking_id WHERE b.customer_id = :me ORDER BY r.id",
        CUSTOMER,
    ),
    OwnDataSection(
        "reviews_about_you",
        "SELECT b.reference AS job, r.rating AS stars, r.comment AS words, u.full_name AS who_wrote, r.created_at"
        " FROM reviews r JOIN bookings b ON b.id = r.booking_id JOIN users u ON u.id = r.customer_id"
        " WHERE r.professional_id = :me ORDER BY r.id",
        PROFESSIONAL,
    ),
)
REVIEWS_PERSONAL_DATA = PersonalData(
    "reviews",
    own_data=OWN_DATA,
    erase_reviews=(
        "UPDATE reviews SET comment = '' WHERE booking_id IN (SELECT id FROM bookings WHERE customer_id = :id)",
    ),
)
