"""Check that deleted accounts leave no personal data (W16, W17; docs/decisions/0014-account-deletion.md)."""

from app.check.invariants import Invariant

# Personal data → FROM clause of the rows that still hold it, for the users in the CTE `deleted`.
REMAINS = {
    "name": "users u JOIN deleted ON deleted.id = u.id WHERE u.full_name <> 'Former ' || u.role OR u.phone <> ''",
    "email address": "users u JOIN deleted ON deleted.id = u.id"
    " WHERE u.email <> 'left-' || u.id OR u.email_verified_at IS NOT NULL",
    "password": "users u JOIN deleted ON deleted.id = u.id WHERE u.password_hash <> ''",
    "address book": "addresses t JOIN deleted ON deleted.id = t.user_id",
    "GSTIN": "tax_identities t JOIN deleted ON deleted.id = t.user_id",
    "sessions": "sessions t JOIN deleted ON deleted.id = t.user_id",
    "known devices": "device_tokens t JOIN deleted ON deleted.id = t.user_id",
    "sign-in codes": "sign_in_codes t JOIN deleted ON deleted.id = t.user_id",
    "links": "email_links t JOIN deleted ON deleted.id = t.user_id",
    "submitted forms": "idempotency_keys t JOIN deleted ON deleted.id = t.user_id",
    "emails": "outbox t JOIN deleted ON deleted.id = t.recipient_id"
    " WHERE t.address IS NOT NULL OR t.sent_at IS NOT NULL",
    "inbox": "inbox_items t JOIN deleted ON deleted.id = t.user_id WHERE t.read_at IS NOT NULL",
    "monthly reports": "monthly_reports t JOIN deleted ON deleted.id = t.user_id",
    "muted notifications": "muted_topics t JOIN deleted ON deleted.id = t.user_id",
    "quiet hours": "quiet_hours t JOIN deleted ON deleted.id = t.user_id",
    "exports": "exports t JOIN deleted ON deleted.id = t.requested_by_id"
    " WHERE t.stored_as IS NOT NULL OR t.filters <> '{}'",
    "blocks": "blocks t JOIN deleted ON deleted.id = t.user_id WHERE t.reason <> '–' OR t.lifted_reason <> '–'",
    "messages": "booking_messages t JOIN deleted ON deleted.id = t.author_id"
    " WHERE t.text <> '–' OR t.photo_count <> 0 OR EXISTS (SELECT FROM photos p WHERE p.message_id = t.id)",
    "photos": "photos t JOIN deleted ON deleted.id = t.uploader_id",
    "reports of reviews": "review_reports t JOIN deleted ON deleted.id = t.reporter_id WHERE t.reason <> '–'",
    "reasons of hidden reviews": "reviews t JOIN deleted ON deleted.id = t.customer_id"
    " WHERE t.hidden_reason <> '–' OR t.shown_reason IS NOT NULL",
    "answers to reviews": "reviews t JOIN deleted ON deleted.id = t.professional_id WHERE t.answer IS NOT NULL",
    "appeals": "appeals a JOIN blocks t ON t.id = a.block_id JOIN deleted ON deleted.id = t.user_id"
    " WHERE a.message <> '–' OR a.reason <> '–' OR a.photo_count <> 0",
    "words in cases": "case_messages t JOIN deleted ON deleted.id = t.author_id"
    " WHERE t.text <> '–' OR t.photo_count <> 0",
    "decisions of cases": "cases t JOIN bookings b ON b.id = t.booking_id"
    " JOIN deleted ON deleted.id IN (b.customer_id, t.professional_id) WHERE t.reason <> '–'",
    "open block": "blocks t JOIN deleted ON deleted.id = t.user_id WHERE t.lifted_at IS NULL",
    "bookings": "bookings t JOIN deleted ON deleted.id = t.customer_id"
    " WHERE t.address <> '–' OR t.note <> '' OR t.cancel_reason IS NOT NULL"
    " OR concat(t.floor, t.landmark, t.contact_name, t.contact_phone, t.contact_email) <> ''",
    "open bookings": "bookings t JOIN deleted ON deleted.id IN (t.customer_id, t.professional_id)"
    " WHERE t.state IN ('held', 'requested', 'assigned', 'started')",
    "cards": "charges t JOIN deleted ON deleted.id = t.customer_id"
    " WHERE t.brand IS NOT NULL OR t.last4 IS NOT NULL OR t.masked_id IS NOT NULL",
    "reasons of refunds": "refunds t JOIN bookings b ON b.id = t.booking_id"
    " JOIN deleted ON deleted.id IN (b.customer_id, t.professional_id) WHERE t.reason <> '–'",
    "cards of tips": "tips t JOIN deleted ON deleted.id = t.customer_id"
    " WHERE t.brand IS NOT NULL OR t.last4 IS NOT NULL",
    "bank accounts": "bank_accounts t JOIN deleted ON deleted.id = t.professional_id WHERE t.ended_at IS NULL"
    " OR (t.holder <> '–' OR t.masked <> '–' OR t.ifsc IS NOT NULL OR t.encrypted_number IS NOT NULL)"
    " AND NOT EXISTS (SELECT FROM payouts p WHERE p.bank_account_id = t.id AND p.state = 'pending')",
    "reasons of payouts": "payouts t JOIN deleted ON deleted.id = t.professional_id WHERE t.reason <> '–'",
    "remembered payment methods": "saved_methods t JOIN deleted ON deleted.id = t.customer_id",
    "debts": "charges t JOIN deleted ON deleted.id = t.customer_id WHERE t.state = 'due'",
    "disputes": "disputes t JOIN deleted ON deleted.id = t.customer_id WHERE t.text <> '–'",
    "reasons of declined jobs": "declines t JOIN bookings b ON b.id = t.booking_id"
    " JOIN deleted ON deleted.id IN (t.professional_id, b.customer_id) WHERE t.reason <> ''",
    "offers received": "offer_recipients t JOIN deleted ON deleted.id = t.professional_id",
    "extra work": "extras t JOIN bookings b ON b.id = t.booking_id"
    " JOIN deleted ON deleted.id IN (b.professional_id, b.customer_id) WHERE t.text <> '–' AND t.state <> 'approved'",
    "work": "professionals t JOIN deleted ON deleted.id = t.user_id WHERE t.trade <> '' OR t.experience_years <> 0"
    " OR t.languages <> '{}'"
    " OR t.denial_reason IS NOT NULL OR t.documents_expire_on IS NOT NULL",
    "services": "offered_services t JOIN deleted ON deleted.id = t.professional_id",
    "areas": "coverage t JOIN deleted ON deleted.id = t.professional_id",
    "hours": "working_hours t JOIN deleted ON deleted.id = t.professional_id",
    "calendar": "calendar_feeds t JOIN deleted ON deleted.id = t.user_id",
    "time off": "time_off t JOIN deleted ON deleted.id = t.professional_id",
    "exclusions": "exclusions t JOIN deleted ON deleted.id IN (t.customer_id, t.professional_id)",
    "referrals": "referrals t JOIN deleted ON deleted.id IN (t.friend_id, t.inviter_id)"
    " WHERE t.outcome IS DISTINCT FROM 'granted'",
    "favourites": "favourites t JOIN deleted ON deleted.id = t.customer_id",
    "documents": "documents t JOIN deleted ON deleted.id = t.professional_id"
    " WHERE t.name <> '–' OR t.stored_as IS NOT NULL"
    " OR t.sha256 <> decode(repeat('00', 32), 'hex') OR t.size <> 1 OR t.pages <> 1 OR t.expires_on IS NOT NULL"
    " OR t.denial_reason <> '–'",
    "verifications": "verifications t JOIN deleted ON deleted.id = t.professional_id"
    " WHERE t.state = 'open' OR t.message <> '' OR t.reason <> '–'",
    "values in the history of the account": "event_values v JOIN events e ON e.id = v.event_id"
    " JOIN deleted ON e.subject = 'user-' || deleted.id",
    "values in the history of bookings": "event_values v JOIN events e ON e.id = v.event_id"
    " JOIN bookings b ON e.subject = 'booking-' || b.reference JOIN deleted ON deleted.id = b.customer_id",
    "values in the history of jobs": "event_values v JOIN events e ON e.id = v.event_id"
    " JOIN deleted ON deleted.id = e.actor_id WHERE e.subject LIKE 'booking-%'",
    "reasons of reassigned jobs and messages about jobs": "event_values v JOIN events e ON e.id = v.event_id"
    " JOIN deleted ON e.facts ->> 'professional_id' = deleted.id::text "
    " WHERE e.name IN ('booking.offered_again', 'booking.admin_message')",
    "values in the history of documents": "event_values v JOIN events e ON e.id = v.event_id"
    " JOIN documents d ON e.subject = 'document-' || d.id JOIN deleted ON deleted.id = d.professional_id",
}

DELETION_INVARIANT = Invariant(
    "deleted-accounts-are-erased",
    "Deleted accounts have no personal data and no open bookings or debts",
    "WITH deleted AS (SELECT id FROM users WHERE deleted_at IS NOT NULL)\n"
    + "\nUNION ALL\n".join(
        f"SELECT 'user ' || deleted.id || ': {what}' FROM {where}"  # constants of this file
        for what, where in REMAINS.items()
    ),
)
