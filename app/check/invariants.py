"""Invariants of bookings and money. Each query selects the rows that violate its rule, so each result must be empty."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule of the stored data. `query` selects one column, the name of each violation ("booking 7K3MQ9WD")."""

    name: str
    description: str
    query: str


BOOKING_INVARIANTS = (
    Invariant(
        "no-double-booking",
        "No two open bookings reserve the same time of a professional",
        """
        SELECT 'bookings ' || a.reference || ' and ' || b.reference
          FROM reservations r JOIN bookings a ON a.id = r.booking_id
          JOIN reservations s ON s.professional_id = r.professional_id AND s.span && r.span
          JOIN bookings b ON b.id = s.booking_id AND a.id < b.id
        """,
    ),
    Invariant(
        "reservations-match-bookings",
        "A booking takes its professional's time for its slot while it is open, and none afterwards",
        """
        SELECT 'booking ' || b.reference
          FROM bookings b LEFT JOIN reservations r ON r.booking_id = b.id
         WHERE (r.booking_id IS NULL AND (b.state IN ('assigned', 'started')
                                          OR b.state = 'held' AND b.held_until > now()))
            OR (r.booking_id IS NOT NULL AND (
                   b.state IN ('completed', 'closed', 'cancelled')
                OR r.pincode <> b.pincode
                OR r.span <> tstzrange(b.starts_at, b.ends_at + interval '10 minutes')
                OR r.is_committed <> (b.state IN ('assigned', 'started'))
                OR r.is_committed AND r.professional_id IS DISTINCT FROM b.professional_id
                OR r.expires_at IS DISTINCT FROM CASE WHEN b.state = 'held' THEN b.held_until END))
        """,
    ),
    Invariant(
        "no-booking-after-exclusion",
        "No booking is reserved for, or was accepted by, a professional after the two were kept from each other",
        """
        SELECT 'booking ' || b.reference
          FROM exclusions x JOIN bookings b ON b.customer_id = x.customer_id
          LEFT JOIN reservations r ON r.booking_id = b.id AND NOT r.is_committed
         WHERE b.state IN ('held', 'requested') AND r.professional_id = x.professional_id
               AND (r.expires_at IS NULL OR r.expires_at > now())
            OR b.state IN ('assigned', 'started') AND b.professional_id = x.professional_id AND b.assigned_at > x.at
        """,
    ),
    Invariant(
        "codes-in-order",
        "Work starts with the start code and ends with the finish code, or is completed automatically",
        """
        SELECT 'booking ' || b.reference
          FROM bookings b
          LEFT JOIN codes s ON s.booking_id = b.id AND s.phase = 'start' AND s.used_at IS NOT NULL
          LEFT JOIN codes f ON f.booking_id = b.id AND f.phase = 'finish' AND f.used_at IS NOT NULL
         WHERE (b.state IN ('started', 'completed', 'closed') AND s.id IS NULL)
            OR (b.state IN ('completed', 'closed') AND (f.id IS NULL) <> b.completed_automatically)
            OR f.used_at < s.used_at OR (s.id IS NULL AND f.id IS NOT NULL)
        """,
    ),
    Invariant(
        "codes-within-attempt-limit",
        "No code was used while its entry was locked, after its tenth attempt, or before it was issued",
        """
        SELECT 'booking ' || b.reference || ', ' || c.phase || ' code'
          FROM codes c JOIN bookings b ON b.id = c.booking_id
         WHERE c.used_at IS NOT NULL AND (c.locked_until > c.used_at OR c.attempts > 10 OR c.used_at < c.issued_at)
        """,
    ),
    Invariant(
        "codes-readable-only-while-due",
        "Only a valid code can be decrypted",
        """
        SELECT 'booking ' || b.reference || ', ' || c.phase || ' code'
          FROM codes c JOIN bookings b ON b.id = c.booking_id
         WHERE c.encrypted_code IS NOT NULL AND (
               (c.phase = 'start' AND b.state <> 'assigned') OR (c.phase = 'finish' AND b.state <> 'started'))
        """,
    ),
    Invariant(
        "booking-states-match-history",
        "The state of a booking matches the last state change in its history",
        """
        SELECT 'booking ' || b.reference || ': ' || b.state
          FROM bookings b
          LEFT JOIN LATERAL (
               SELECT e.name FROM events e
                WHERE e.subject = 'booking-' || b.reference AND e.name = ANY(:moves)
                ORDER BY e.seq DESC LIMIT 1) last ON true
         WHERE CASE last.name
               WHEN 'booking.held' THEN 'held' WHEN 'booking.requested' THEN 'requested'
               WHEN 'booking.returned' THEN 'requested' WHEN 'booking.offered_again' THEN 'requested'
               WHEN 'booking.moved' THEN 'requested' WHEN 'booking.redo_granted' THEN 'requested'
               WHEN 'booking.assigned' THEN 'assigned' WHEN 'booking.given' THEN 'assigned'
               WHEN 'booking.reassigned' THEN 'assigned'
               WHEN 'booking.started' THEN 'started' WHEN 'booking.completed' THEN 'completed'
               WHEN 'booking.closed' THEN 'closed' WHEN 'booking.cancelled' THEN 'cancelled'
               END IS DISTINCT FROM b.state
        """,
    ),
    Invariant(
        "moves-are-allowed",
        "Each state change of a booking is allowed after the previous one, and has an actor",
        """
        SELECT subject || ': ' || coalesce(before, 'nothing') || ' → ' || name
          FROM (SELECT subject, name, actor_id, actor_role,
                       lag(name) OVER (PARTITION BY subject ORDER BY seq) AS before
                  FROM events WHERE subject LIKE 'booking-%' AND name = ANY(:moves)) moves
         WHERE (coalesce(before, ''), name) NOT IN
               (SELECT * FROM unnest(CAST(:sources AS text[]), CAST(:targets AS text[])))
            OR (actor_id IS NULL AND actor_role <> 'platform')
        """,
    ),
    Invariant(
        "participants-have-roles",
        "Customers book, professionals work, and a review is by the customer about the professional of its booking",
        """
        SELECT 'booking ' || b.reference FROM bookings b JOIN users u ON u.id = b.customer_id WHERE u.role <> 'customer'
        UNION ALL
        SELECT 'professional ' || p.user_id FROM professionals p JOIN users u ON u.id = p.user_id
         WHERE u.role <> 'professional'
        UNION ALL
        SELECT 'review ' || r.id FROM reviews r JOIN bookings b ON b.id = r.booking_id
         WHERE b.state NOT IN ('completed', 'closed') OR r.customer_id <> b.customer_id
            OR r.professional_id <> b.professional_id OR r.service_id <> b.service_id
        """,
    ),
    Invariant(
        "only-approved-professionals-assigned",
        "No job was assigned to a blocked or never approved professional, and only admins assign jobs to others",
        """
        WITH taken AS (
            SELECT subject, at, CASE name WHEN 'booking.assigned' THEN actor_id
                                          ELSE (facts ->> 'professional_id')::bigint END AS who
              FROM events WHERE name IN ('booking.assigned', 'booking.given', 'booking.reassigned'))
        SELECT t.subject FROM taken t JOIN blocks k ON k.user_id = t.who
         WHERE t.at >= k.created_at AND (k.lifted_at IS NULL OR t.at < k.lifted_at)
        UNION ALL
        SELECT t.subject FROM taken t LEFT JOIN professionals p ON p.user_id = t.who
         WHERE p.user_id IS NULL OR p.approval_status = 'pending'
        UNION ALL
        SELECT subject FROM events WHERE name IN ('booking.given', 'booking.reassigned') AND actor_role <> 'admin'
        """,
    ),
)

MONEY_INVARIANTS = (
    Invariant(
        "ledger-sums-to-zero",
        "Every ledger transaction has two or more entries, and they sum to zero",
        """
        SELECT 'ledger transaction ' || t.id
          FROM ledger_transactions t LEFT JOIN ledger_entries e ON e.transaction_id = t.id
         GROUP BY t.id HAVING count(e.id) < 2 OR sum(e.amount) <> 0
        """,
    ),
    Invariant(
        "money-is-whole-paise",
        "Every column for money is a whole number",
        """
        SELECT table_name || '.' || column_name FROM information_schema.columns
         WHERE table_schema = 'public' AND data_type IN ('real', 'double precision', 'numeric', 'money')
           AND (table_name, column_name) NOT IN (('pincodes', 'latitude'), ('pincodes', 'longitude'))
        """,
    ),
    Invariant(
        "charges-match-the-ledger",
        "The charges of each booking match its earnings in the ledger",
        """
        SELECT 'booking ' || b.reference
          FROM bookings b
          LEFT JOIN (SELECT booking_id, sum(captured - refunded + CASE state WHEN 'due' THEN amount ELSE 0 END) AS taken
                       FROM charges GROUP BY booking_id) c ON c.booking_id = b.id
          LEFT JOIN (SELECT t.booking_id, -sum(e.amount) AS earned
                       FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
                      WHERE t.kind <> 'redo' AND (e.account = 'guarantee' AND t.kind IN (
                            'withheld', 'withholding_released') OR e.account IN (
                            'earnings', 'payout_held', 'commission', 'tax', 'tax_collected', 'tax_withheld'))
                      GROUP BY t.booking_id) l ON l.booking_id = b.id
         WHERE coalesce(c.taken, 0) <> coalesce(l.earned, 0)
        """,
    ),
    Invariant(
        "held-payouts-are-marked",
        "A booking has a charge that is marked as held if and only if the ledger holds its earning",
        """
        SELECT 'booking ' || b.reference
          FROM bookings b
          LEFT JOIN (SELECT t.booking_id, sum(e.amount) AS held
                       FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
                      WHERE e.account = 'payout_held' GROUP BY t.booking_id) l ON l.booking_id = b.id
         WHERE (coalesce(l.held, 0) < 0) <> (b.id IN (
                SELECT booking_id FROM charges WHERE payout_held_until IS NOT NULL))
        """,
    ),
    Invariant(
        "completed-jobs-charged-once",
        "A completed job is charged once, for its price and approved extra work less what refunds released before;"
        " other jobs are not charged",
        """
        SELECT 'booking ' || b.reference
          FROM bookings b
          LEFT JOIN (SELECT t.booking_id, sum(e.amount) AS taken
                       FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
                      WHERE t.kind IN ('capture', 'receivable')
                        AND e.account IN ('gateway', 'receivable', 'customer_funds', 'coupons')
                      GROUP BY t.booking_id) l ON l.booking_id = b.id
          LEFT JOIN (SELECT booking_id, sum(price) AS more FROM extras WHERE state = 'approved'
                      GROUP BY booking_id) x ON x.booking_id = b.id
          LEFT JOIN (SELECT booking_id, sum(released) AS less FROM refunds WHERE state = 'done'
                      GROUP BY booking_id) r ON r.booking_id = b.id
         WHERE coalesce(l.taken, 0) <>
               CASE WHEN b.state IN ('completed', 'closed') THEN b.price + coalesce(x.more, 0) - coalesce(r.less, 0)
                    ELSE 0 END
        """,
    ),
    Invariant(
        "no-money-held-after-end",
        "No money is held for a booking that has ended",
        """
        SELECT 'booking ' || b.reference
          FROM bookings b
          JOIN ledger_transactions t ON t.booking_id = b.id
          JOIN ledger_entries e ON e.transaction_id = t.id
         WHERE b.state IN ('completed', 'closed', 'cancelled') AND e.account = 'hold'
         GROUP BY b.reference HAVING sum(e.amount) <> 0
        """,
    ),
    Invariant(
        "authorised-money-is-captured-or-released",
        "What was authorised is held, captured or released, to the paisa, in the charges and in the ledger",
        """
        SELECT 'charge ' || id FROM charges
         WHERE state IN ('captured', 'released', 'refunded') AND method <> 'after' AND captured + released <> amount
        UNION ALL
        SELECT 'booking ' || b.reference
          FROM bookings b
          LEFT JOIN (SELECT booking_id,
                            sum(amount - captured - released) FILTER (WHERE method NOT IN ('credit', 'coupon')) AS held,
                            sum(amount - captured - released) FILTER (WHERE method = 'credit') AS credit
                       FROM charges WHERE state = 'authorised' GROUP BY booking_id) c ON c.booking_id = b.id
          LEFT JOIN (SELECT t.booking_id, sum(e.amount) FILTER (WHERE e.account = 'hold') AS held,
                            -sum(e.amount) FILTER (WHERE e.account = 'customer_funds') AS credit
                       FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
                      WHERE e.account IN ('hold', 'customer_funds') GROUP BY t.booking_id) l ON l.booking_id = b.id
         WHERE coalesce(c.held, 0) <> coalesce(l.held, 0) OR coalesce(c.credit, 0) <> coalesce(l.credit, 0)
        """,
    ),
    Invariant(
        "refunds-match-charges",
        "Refunds that are done are what the charges of their bookings and the ledger say; others are in neither (W29)",
        """
        SELECT 'booking ' || b.reference
          FROM bookings b
          LEFT JOIN (SELECT booking_id, sum(amount - released) AS given, sum(released) AS released
                       FROM refunds WHERE state = 'done' GROUP BY booking_id) r ON r.booking_id = b.id
          LEFT JOIN (SELECT booking_id, sum(refunded) AS given, sum(released) AS released
                       FROM charges GROUP BY booking_id) c ON c.booking_id = b.id
         WHERE coalesce(r.given, 0) <> coalesce(c.given, 0) OR r.released > c.released
        UNION ALL
        SELECT 'refund ' || r.id
          FROM refunds r
          LEFT JOIN (SELECT t.refund_id, -sum(e.amount) AS given
                       FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
                      WHERE t.refund_id IS NOT NULL AND e.account IN ('hold', 'gateway', 'credit')
                      GROUP BY t.refund_id) l ON l.refund_id = r.id
         WHERE coalesce(l.given, 0) <> CASE r.state WHEN 'done' THEN r.amount ELSE 0 END
        """,
    ),
    Invariant(
        "large-refunds-are-confirmed",
        "Above ₹5,000 of a booking in all, a refund was confirmed by a second admin, or made by the only one (W29)",
        """
        SELECT 'refund ' || id
          FROM (SELECT id, confirmed_by_id, only_admin,
                       sum(amount) OVER (PARTITION BY booking_id ORDER BY sent_at, id) AS total
                  FROM refunds WHERE state = 'done') done
         WHERE total > 500000 AND confirmed_by_id IS NULL AND NOT only_admin
        """,
    ),
    Invariant(
        "open-bookings-are-authorised",
        "From requested to started the price is authorised, unless the customer pays after the job",
        """
        SELECT 'booking ' || b.reference
          FROM bookings b
         WHERE b.state IN ('requested', 'assigned', 'started') AND b.payment <> 'after' AND b.price > (
               SELECT coalesce(sum(c.amount), 0) FROM charges c
                WHERE c.booking_id = b.id AND c.purpose = 'booking' AND c.state = 'authorised')
        """,
    ),
)

NEXT_EVENTS = {
    "": ("booking.held", "booking.redo_granted"),
    "booking.redo_granted": ("booking.assigned", "booking.given", "booking.moved", "booking.cancelled"),
    "booking.held": ("booking.requested", "booking.cancelled"),
    "booking.requested": ("booking.assigned", "booking.given", "booking.moved", "booking.cancelled"),
    "booking.moved": ("booking.assigned", "booking.given", "booking.moved", "booking.cancelled"),
    "booking.returned": ("booking.assigned", "booking.given", "booking.moved", "booking.cancelled"),
    "booking.offered_again": ("booking.assigned", "booking.given", "booking.moved", "booking.cancelled"),
    "booking.assigned": (
        "booking.returned",
        "booking.offered_again",
        "booking.moved",
        "booking.started",
        "booking.reassigned",
        "booking.cancelled",
    ),
    "booking.given": (
        "booking.returned",
        "booking.offered_again",
        "booking.moved",
        "booking.started",
        "booking.reassigned",
        "booking.cancelled",
    ),
    "booking.reassigned": (
        "booking.returned",
        "booking.offered_again",
        "booking.moved",
        "booking.started",
        "booking.reassigned",
        "booking.cancelled",
    ),
    "booking.started": ("booking.completed", "booking.reassigned"),
    "booking.completed": ("booking.closed",),
}
