"""Personal data of this room: reviews."""

from app.core.personal_data import CUSTOMER, ERASED_TEXT, PROFESSIONAL, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "reviews_written",
        "SELECT b.reference AS booking, b.service_name AS service, r.rating AS stars, r.comment AS words, r.created_at,"
        " r.edited_at, r.answer, r.hidden_at, r.hidden_reason, r.shown_reason"
        " FROM reviews r JOIN bookings b ON b.id = r.booking_id"
        " WHERE b.customer_id = :me ORDER BY r.id",
        CUSTOMER,
    ),
    OwnDataSection(
        "reviews_about_you",
        "SELECT b.reference AS job, r.rating AS stars, r.comment AS words, u.full_name AS who_wrote, r.created_at,"
        " r.answer AS your_answer, r.answered_at"
        " FROM reviews r JOIN bookings b ON b.id = r.booking_id JOIN users u ON u.id = r.customer_id"
        " WHERE r.professional_id = :me AND r.hidden_at IS NULL ORDER BY r.id",
        PROFESSIONAL,
    ),
    OwnDataSection(
        "reviews_reported",
        "SELECT review_id AS review, reason, created_at, settled_at FROM review_reports WHERE reporter_id = :me"
        " ORDER BY created_at",
    ),
)
REVIEWS_PERSONAL_DATA = PersonalData(
    "reviews",
    own_data=OWN_DATA,
    erase=(
        f"UPDATE review_reports SET reason = '{ERASED_TEXT}' WHERE reporter_id = :id",
        f"UPDATE reviews SET hidden_reason = '{ERASED_TEXT}' WHERE customer_id = :id AND hidden_at IS NOT NULL",
        "UPDATE reviews SET shown_reason = NULL WHERE customer_id = :id",
        "UPDATE reviews SET answer = NULL, answered_at = NULL WHERE professional_id = :id",
    ),
    erase_reviews=(
        "UPDATE reviews SET comment = '' WHERE booking_id IN (SELECT id FROM bookings WHERE customer_id = :id)",
    ),
)
