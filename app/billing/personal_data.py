"""Personal data of this room: payments, earnings, bank accounts and payouts."""

from app.core.personal_data import CUSTOMER, ERASED_TEXT, PROFESSIONAL, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "payments",
        "SELECT b.reference AS booking, c.purpose, c.method, c.brand AS card_brand, c.last4 AS card_ends_in,"
        " c.masked_id AS upi_id, c.coupon,"
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
        "tips",
        "SELECT b.reference AS booking, t.amount AS amount_paise, t.state, t.method, t.brand AS card_brand,"
        " t.last4 AS card_ends_in, t.created_at, t.paid_at FROM tips t JOIN bookings b ON b.id = t.booking_id"
        " WHERE t.customer_id = :me ORDER BY t.id",
        CUSTOMER,
    ),
    OwnDataSection(
        "earnings",
        "SELECT b.reference AS job, t.kind, e.account, -e.amount AS amount_paise,"
        " (SELECT coalesce(-sum(c.amount), 0)::bigint FROM ledger_entries c"
        "   WHERE c.transaction_id = t.id AND c.account = 'commission') AS commission_paise, t.at FROM ledger_entries e"
        " JOIN ledger_transactions t ON t.id = e.transaction_id LEFT JOIN bookings b ON b.id = t.booking_id"
        " WHERE e.person_id = :me AND e.account IN ('earnings', 'payout_held', 'tips', 'payouts') ORDER BY e.id",
        PROFESSIONAL,
    ),
    OwnDataSection(
        "bank_accounts",
        "SELECT kind, holder, masked AS account, ifsc, set_at, effective_at AS counts_from, ended_at"
        " FROM bank_accounts WHERE professional_id = :me ORDER BY id",
        PROFESSIONAL,
    ),
    OwnDataSection(
        "payouts",
        "SELECT r.until, p.amount AS amount_paise, p.earnings AS earnings_paise, p.tips AS tips_paise, p.state,"
        " a.masked AS account, p.reference, p.reason, p.decided_at FROM payouts p"
        " JOIN payout_runs r ON r.id = p.run_id JOIN bank_accounts a ON a.id = p.bank_account_id"
        " WHERE p.professional_id = :me ORDER BY p.id",
        PROFESSIONAL,
    ),
)
IN_PROGRESS = "EXISTS (SELECT FROM payouts p WHERE p.bank_account_id = a.id AND p.state = 'pending')"
ERASE = (
    f"UPDATE bank_accounts a SET holder = '{ERASED_TEXT}', masked = '{ERASED_TEXT}', ifsc = NULL,"
    " encrypted_number = NULL, ended_at = coalesce(ended_at, greatest(:now, set_at))"
    f" WHERE professional_id = :id AND NOT {IN_PROGRESS}",
    # The rest goes when the payout that is in progress is settled (app.billing.bank_account_repository).
    "UPDATE bank_accounts SET ended_at = greatest(:now, set_at) WHERE professional_id = :id AND ended_at IS NULL",
    f"UPDATE payouts SET reason = '{ERASED_TEXT}' WHERE professional_id = :id AND reason IS NOT NULL",
)
BILLING_PERSONAL_DATA = PersonalData("billing", own_data=OWN_DATA, erase=ERASE)
