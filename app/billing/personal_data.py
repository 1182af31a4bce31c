"""Personal data of this room: payments and earnings."""

from app.core.personal_data import CUSTOMER, PROFESSIONAL, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "payments",
        "SELECT b.reference AS booking, c.purpose, c.method, c.brand AS card_brand, c.last4 AS card_ends_in,"
        " c.amount AS amount_paise, c.captured AS taken_paise, c.released AS released_paise,"
        " c.refunded AS given_back_paise, c.state,"
        " c.created_at, c.updated_at FROM charges c JOIN bookings b ON b.id = c.booking_id"
        " WHERE c.customer_id = :me ORDER BY c.id",
        CUSTOMER,
    ),
    OwnDataSection(
        "refunds",
        "SELECT b.reference AS booking, r.amount AS amount_paise, r.borne_by, r.reason, r.done_at FROM refunds r"
        " JOIN bookings b ON b.id = r.booking_id"
        " WHERE r.state = 'done' AND (b.customer_id = :me OR r.professional_id = :me) ORDER BY r.id",
        CUSTOMER + PROFESSIONAL,
    ),
    OwnDataSection(
        "earnings",
        "SELECT b.reference AS job, t.kind, e.account, -e.amount AS amount_paise,"
        " (SELECT coalesce(-sum(c.amount), 0)::bigint FROM ledger_entries c"
        "   WHERE c.transaction_id = t.id AND c.account = 'commission') AS commission_paise, t.at FROM ledger_entries e"
        " JOIN ledger_transactions t ON t.id = e.transaction_id JOIN bookings b ON b.id = t.booking_id"
        " WHERE e.person_id = :me AND e.account IN ('earnings', 'payout_held') ORDER BY e.id",
        PROFESSIONAL,
    ),
)
BILLING_PERSONAL_DATA = PersonalData("billing", own_data=OWN_DATA)
