"""What the history says and what stands in the tables are the same; and what must follow from a block."""

from app.bookings.moves import MOVES
from app.check.invariants import Invariant

# The event by which each move of a booking is told.
TOLD = {
    "pay": "booking.requested",
    "accept": "booking.assigned",
    "give": "booking.given",
    "hand_back": "booking.returned",
    "offer_again": "booking.offered_again",
    "reschedule": "booking.moved",
    "start": "booking.started",
    "complete": "booking.completed",
    "close": "booking.closed",
    "cancel": "booking.cancelled",
}
MAY = sorted((TOLD[move], role) for move, rule in MOVES.items() for role in rule.by)
_PAIRS = ", ".join(f"('{name}', '{role}')" for name, role in [("booking.held", "customer"), *MAY])
_STATES = ", ".join(f"('{TOLD[move]}', '{rule.target}')" for move, rule in MOVES.items())

HISTORY = (
    Invariant(
        "states-follow-one-another",
        "Each move begins in the state in which the one before it ended, and ends where such a move ends",
        f"""
        SELECT told.subject || ', event ' || told.seq
          FROM (SELECT subject, seq, name, facts #>> '{{before,state}}' AS was, facts #>> '{{after,state}}' AS now,
                       lag(facts #>> '{{after,state}}') OVER (PARTITION BY subject ORDER BY seq) AS before
                  FROM events WHERE subject LIKE 'booking-%' AND name = ANY(:moves)) told
          LEFT JOIN (VALUES ('booking.held', 'held'), {_STATES}) ends(name, state) USING (name)
         WHERE told.now IS NOT NULL
           AND (told.now <> ends.state OR (told.before IS NOT NULL AND told.was IS DISTINCT FROM told.before))
        """,
    ),
    Invariant(
        "moves-by-those-who-may",
        "Each move of a booking was made by somebody whose role may, and who has it",
        f"""
        SELECT e.subject || ', event ' || e.seq FROM events e
         WHERE e.subject LIKE 'booking-%' AND e.name = ANY(:moves)
           AND (e.name, e.actor_role) NOT IN (VALUES {_PAIRS})
        UNION ALL
        SELECT e.subject || ', event ' || e.seq FROM events e LEFT JOIN users u ON u.id = e.actor_id
         WHERE e.subject LIKE 'booking-%' AND e.actor_id IS NOT NULL AND u.id IS NULL
        """,
    ),
    Invariant(
        "papers-follow-history",
        "A paper is what the last decision in its history made it; an erased one may have been given up",
        """
        SELECT 'document ' || d.id FROM documents d
          LEFT JOIN LATERAL (
               SELECT split_part(e.name, '.', 2) AS state FROM events e
                WHERE e.subject = 'document-' || d.id
                  AND e.name IN ('document.submitted', 'document.approved', 'document.denied', 'document.replaced')
                ORDER BY e.seq DESC LIMIT 1) last ON true
         WHERE last.state IS DISTINCT FROM d.state AND NOT (d.state = 'replaced' AND d.stored_as IS NULL)
        """,
    ),
    Invariant(
        "standings-follow-history",
        "A professional's standing is what the last decision in their history made it",
        """
        SELECT 'professional ' || p.user_id FROM professionals p
          JOIN LATERAL (
               SELECT e.facts #>> '{after,standing}' AS standing FROM events e
                WHERE e.subject = 'user-' || p.user_id AND e.facts #>> '{after,standing}' IS NOT NULL
                ORDER BY e.seq DESC LIMIT 1) told ON true
         WHERE told.standing <> p.standing
        """,
    ),
    Invariant(
        "blocks-follow-history",
        "Whoever is blocked was blocked by an event that nothing has ended since, and nobody else",
        """
        SELECT 'user ' || u.id FROM users u
          LEFT JOIN blocks k ON k.user_id = u.id AND k.lifted_at IS NULL
          LEFT JOIN LATERAL (
               SELECT e.name FROM events e
                WHERE e.subject = 'user-' || u.id AND e.name IN ('person.blocked', 'person.unblocked')
                ORDER BY e.seq DESC LIMIT 1) last ON true
         WHERE (k.id IS NOT NULL) <> (coalesce(last.name, '') = 'person.blocked') AND u.left_at IS NULL
        """,
    ),
    Invariant(
        "blocks-end-sessions",
        "Nobody who is blocked is still in a browser or a program from before (W2)",
        """
        SELECT 'session ' || s.id FROM sessions s JOIN blocks k ON k.user_id = s.user_id AND k.lifted_at IS NULL
         WHERE s.created_at < k.created_at
        """,
    ),
    Invariant(
        "somebody-looks-after-it",
        "Where there are admins, one of them is not blocked (W18)",
        """
        SELECT 'all admins are blocked' FROM users u LEFT JOIN blocks k ON k.user_id = u.id AND k.lifted_at IS NULL
         WHERE u.role = 'admin' AND u.left_at IS NULL HAVING count(*) > 0 AND count(k.id) = count(*)
        """,
    ),
    Invariant(
        "sent-forms-made-something",
        "A form's key that is kept tells what the form made: none is still being worked on",
        """
        SELECT 'key of user ' || user_id || ' for a ' || purpose FROM idempotency_keys WHERE result = ''
        """,
    ),
    Invariant(
        "customers-hear-who-comes",
        "Whatever job somebody got at a door since yesterday has its mail to the customer, of the same transaction",
        """
        SELECT e.subject || ', event ' || e.seq FROM events e
          JOIN bookings b ON e.subject = 'booking-' || b.reference
          JOIN users u ON u.id = b.customer_id AND u.left_at IS NULL
         WHERE e.name IN ('booking.assigned', 'booking.given') AND e.at > now() - interval '1 day'
           AND e.facts ->> 'channel' IN ('page', 'api') AND NOT EXISTS (
               SELECT 1 FROM outbox o WHERE o.dedupe_key LIKE e.subject || ':' || e.seq || ':booking_assigned:%')
        """,
    ),
    Invariant(
        "kept-words-are-true",
        "A personal value of an event is the one whose digest its chain holds, or it is erased",
        """
        SELECT e.subject || ', event ' || e.seq || ', ' || v.name FROM event_values v JOIN events e ON e.id = v.event_id
         WHERE encode(sha256(v.salt || convert_to(v.value, 'UTF8')), 'hex')
               IS DISTINCT FROM e.facts #>> ARRAY[v.name, 'digest']
        """,
    ),
)
