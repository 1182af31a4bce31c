"""Of who has left nothing personal remains (W16, W17): what docs/decisions/0014-account-deletion.md decides, asked by piece."""

from app.check.invariants import Invariant

# What is found there belongs to one of `gone`, and should not be there.
REMAINS = {
    "name": "users u JOIN gone ON gone.id = u.id WHERE u.full_name <> 'Former ' || u.role OR u.phone <> ''",
    "e-mail": "users u JOIN gone ON gone.id = u.id WHERE u.email <> 'left-' || u.id OR u.email_verified_at IS NOT NULL",
    "password": "users u JOIN gone ON gone.id = u.id WHERE u.password_hash <> ''",
    "address book": "addresses t JOIN gone ON gone.id = t.user_id",
    "browsers": "sessions t JOIN gone ON gone.id = t.user_id",
    "links": "mail_links t JOIN gone ON gone.id = t.user_id",
    "sent forms": "idempotency_keys t JOIN gone ON gone.id = t.user_id",
    "mails": "outbox t JOIN gone ON gone.id = t.recipient_id WHERE t.address IS NOT NULL OR t.sent_at IS NOT NULL",
    "notices": "notices t JOIN gone ON gone.id = t.user_id WHERE t.read_at IS NOT NULL",
    "monthly reports": "monthly_reports t JOIN gone ON gone.id = t.user_id",
    "what they did not want to hear": "muted t JOIN gone ON gone.id = t.user_id",
    "quiet hours": "quiet_hours t JOIN gone ON gone.id = t.user_id",
    "exports": "exports t JOIN gone ON gone.id = t.by_id WHERE t.stored_as IS NOT NULL OR t.filters <> '{}'",
    "blocks": "blocks t JOIN gone ON gone.id = t.user_id WHERE t.reason <> '–' OR t.lifted_reason <> '–'",
    "open block": "blocks t JOIN gone ON gone.id = t.user_id WHERE t.lifted_at IS NULL",
    "bookings": "bookings t JOIN gone ON gone.id = t.customer_id"
    " WHERE t.address <> '–' OR t.note <> '' OR t.cancel_reason IS NOT NULL",
    "open bookings": "bookings t JOIN gone ON gone.id IN (t.customer_id, t.professional_id)"
    " WHERE t.state IN ('held', 'requested', 'assigned', 'started')",
    "cards": "charges t JOIN gone ON gone.id = t.customer_id WHERE t.brand IS NOT NULL OR t.last4 IS NOT NULL",
    "debts": "charges t JOIN gone ON gone.id = t.customer_id WHERE t.state = 'due'",
    "objections": "disputes t JOIN gone ON gone.id = t.customer_id WHERE t.text <> '–'",
    "words about jobs not taken": "declines t JOIN bookings b ON b.id = t.booking_id"
    " JOIN gone ON gone.id IN (t.professional_id, b.customer_id) WHERE t.reason <> ''",
    "extra work": "extras t JOIN bookings b ON b.id = t.booking_id"
    " JOIN gone ON gone.id IN (b.professional_id, b.customer_id) WHERE t.text <> '–' AND t.state <> 'approved'",
    "work": "professionals t JOIN gone ON gone.id = t.user_id WHERE t.trade <> '' OR t.experience_years <> 0"
    " OR t.denial_reason IS NOT NULL OR t.papers_expire_on IS NOT NULL",
    "services": "offerings t JOIN gone ON gone.id = t.professional_id",
    "areas": "coverage t JOIN gone ON gone.id = t.professional_id",
    "hours": "working_hours t JOIN gone ON gone.id = t.professional_id",
    "calendar": "calendar_feeds t JOIN gone ON gone.id = t.professional_id",
    "time off": "time_off t JOIN gone ON gone.id = t.professional_id",
    "papers": "documents t JOIN gone ON gone.id = t.professional_id WHERE t.name <> '–' OR t.stored_as IS NOT NULL"
    " OR t.sha256 <> decode(repeat('00', 32), 'hex') OR t.size <> 1 OR t.pages <> 1 OR t.expires_on IS NOT NULL"
    " OR t.denial_reason <> '–'",
    "verifications": "verifications t JOIN gone ON gone.id = t.professional_id"
    " WHERE t.state = 'open' OR t.message <> '' OR t.reason <> '–'",
    "values in the history of the account": "event_values v JOIN events e ON e.id = v.event_id"
    " JOIN gone ON e.subject = 'user-' || gone.id",
    "values in the history of bookings": "event_values v JOIN events e ON e.id = v.event_id"
    " JOIN bookings b ON e.subject = 'booking-' || b.reference JOIN gone ON gone.id = b.customer_id",
    "words in the history of jobs": "event_values v JOIN events e ON e.id = v.event_id"
    " JOIN gone ON gone.id = e.actor_id WHERE e.subject LIKE 'booking-%'",
    "words about jobs taken away": "event_values v JOIN events e ON e.id = v.event_id"
    " JOIN gone ON e.facts ->> 'professional_id' = gone.id::text WHERE e.name = 'booking.offered_again'",
    "values in the history of papers": "event_values v JOIN events e ON e.id = v.event_id"
    " JOIN documents d ON e.subject = 'document-' || d.id JOIN gone ON gone.id = d.professional_id",
}

FORGOTTEN = Invariant(
    "who-left-is-forgotten",
    "Of who has left nothing personal remains, and nothing of theirs is open",
    "WITH gone AS (SELECT id FROM users WHERE left_at IS NOT NULL)\n"
    + "\nUNION ALL\n".join(
        f"SELECT 'user ' || gone.id || ': {what}' FROM {where}"  # both are written above
        for what, where in REMAINS.items()
    ),
)
