"""Personal data of this room: cases, and what one wrote in them."""

from app.core.personal_data import CUSTOMER, ERASED_TEXT, PROFESSIONAL, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "cases",
        "SELECT c.reference, b.reference AS booking, c.side AS opened_by,"
        " CASE WHEN c.topic IN ('safety', 'unsafe') AND c.opened_by_id <> :me THEN NULL ELSE c.topic END AS topic,"
        " c.state, c.opened_at, c.answer_due_at, c.decide_due_at, c.decided_at, c.outcomes,"
        " c.amount AS amount_paise, CASE WHEN c.professional_id = :me THEN c.withheld END AS withheld_paise,"
        " CASE WHEN c.professional_id = :me THEN c.payout_released END AS payout_released_paise,"
        " c.borne_by, c.reason FROM cases c JOIN bookings b ON b.id = c.booking_id"
        " WHERE b.customer_id = :me OR c.professional_id = :me ORDER BY c.id",
        CUSTOMER + PROFESSIONAL,
    ),
    OwnDataSection(
        "messages_in_cases",
        "SELECT c.reference AS of_case, m.text, m.photo_count AS photos, m.created_at AS sent_at FROM case_messages m"
        " JOIN cases c ON c.id = m.case_id WHERE m.author_id = :me ORDER BY m.id",
        CUSTOMER + PROFESSIONAL,
    ),
)
ERASE = (
    f"UPDATE case_messages SET text = '{ERASED_TEXT}', photo_count = 0 WHERE author_id = :id",
    f"UPDATE cases SET reason = '{ERASED_TEXT}' WHERE reason IS NOT NULL AND (professional_id = :id"
    " OR booking_id IN (SELECT id FROM bookings WHERE customer_id = :id))",
)
CASES_PERSONAL_DATA = PersonalData("cases", own_data=OWN_DATA, erase=ERASE)
