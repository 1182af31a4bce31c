"""Invariants of the event history: tables agree with it, and a block has its effects."""

from app.bookings.moves import MOVES
from app.check.invariants import Invariant

# The event that records each move of a booking.
MOVE_EVENTS = {
    "pay": "booking.requested",
    "accept": "booking.assigned",
    "give": "booking.given",
    "hand_back": "booking.returned",
    "offer_again": "booking.offered_again",
    "reschedule": "booking.moved",
    "reassign": "booking.reassigned",
    "start": "booking.started",
    "complete": "booking.completed",
    "close": "booking.closed",
    "cancel": "booking.cancelled",
}
PERMITTED_MOVES = sorted((MOVE_EVENTS[move], role) for move, rule in MOVES.items() for role in rule.by)
FIRST_EVENTS = [("booking.held", "customer"), ("booking.redo_granted", "admin")]
_EVENT_ROLES = ", ".join(f"('{name}', '{role}')" for name, role in [*FIRST_EVENTS, *PERMITTED_MOVES])
FIRST_STATES = [("booking.held", "held"), ("booking.redo_granted", "requested")]
MOVE_STATES = [(MOVE_EVENTS[move], str(rule.target)) for move, rule in MOVES.items()]
_EVENT_STATES = ", ".join(f"('{name}', '{state}')" for name, state in [*FIRST_STATES, *MOVE_STATES])

HISTORY_INVARIANTS = (
    Invariant(
        "booking-states-are-continuous",
        "Each state change of a booking starts in the state in which the previous one ended",
        f"""
        SELECT moves.subject || ', event ' || moves.seq
          FROM (SELECT subject, seq, name, facts #>> '{{before,state}}' AS was, facts #>> '{{after,state}}' AS now,
                       lag(facts #>> '{{after,state}}') OVER (PARTITION BY subject ORDER BY seq) AS before
                  FROM events WHERE subject LIKE 'booking-%' AND name = ANY(:moves)) moves
          LEFT JOIN (VALUES {_EVENT_STATES}) ends(name, state) USING (name)
         WHERE moves.now IS NOT NULL
           AND (moves.now <> ends.state OR (moves.before IS NOT NULL AND moves.was IS DISTINCT FROM moves.before))
        """,
    ),
    Invariant(
        "moves-by-permitted-roles",
        "Each state change of a booking was made by an existing user with a permitted role",
        f"""
        SELECT e.subject || ', event ' || e.seq FROM events e
         WHERE e.subject LIKE 'booking-%' AND e.name = ANY(:moves)
           AND (e.name, e.actor_role) NOT IN (VALUES {_EVENT_ROLES})
        UNION ALL
        SELECT e.subject || ', event ' || e.seq FROM events e LEFT JOIN users u ON u.id = e.actor_id
         WHERE e.subject LIKE 'booking-%' AND e.actor_id IS NOT NULL AND u.id IS NULL
        """,
    ),
    Invariant(
        "documents-match-history",
        "The state of a document matches its last decision; an erased document may be replaced",
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
        "approvals-match-history",
        "The approval status of a professional matches the last decision in their history",
        """
        SELECT 'professional ' || p.user_id FROM professionals p
          JOIN LATERAL (
               SELECT e.facts #>> '{after,standing}' AS standing FROM events e
                WHERE e.subject = 'user-' || p.user_id AND e.facts #>> '{after,standing}' IS NOT NULL
                ORDER BY e.seq DESC LIMIT 1) latest ON true
         WHERE latest.standing <> p.approval_status
        """,
    ),
    Invariant(
        "blocks-match-history",
        "A user is blocked exactly if their last block was not lifted",
        """
        SELECT 'user ' || u.id FROM users u
          LEFT JOIN blocks k ON k.user_id = u.id AND k.lifted_at IS NULL
          LEFT JOIN LATERAL (
               SELECT e.name FROM events e
                WHERE e.subject = 'user-' || u.id AND e.name IN ('person.blocked', 'person.unblocked')
                ORDER BY e.seq DESC LIMIT 1) last ON true
         WHERE (k.id IS NOT NULL) <> (coalesce(last.name, '') = 'person.blocked') AND u.deleted_at IS NULL
        """,
    ),
    Invariant(
        "blocks-end-sessions",
        "A block ends every earlier session (W2)",
        """
        SELECT 'session ' || s.id FROM sessions s JOIN blocks k ON k.user_id = s.user_id AND k.lifted_at IS NULL
         WHERE s.created_at < k.created_at
        """,
    ),
    Invariant(
        "an-admin-is-active",
        "If there are admins, at least one is not blocked (W18)",
        """
        SELECT 'all admins are blocked' FROM users u LEFT JOIN blocks k ON k.user_id = u.id AND k.lifted_at IS NULL
         WHERE u.role = 'admin' AND u.deleted_at IS NULL HAVING count(*) > 0 AND count(k.id) = count(*)
        """,
    ),
    Invariant(
        "idempotency-keys-have-results",
        "Every stored idempotency key has a result",
        """
        SELECT 'key of user ' || user_id || ' for a ' || purpose FROM idempotency_keys WHERE result = ''
        """,
    ),
    Invariant(
        "assignment-emails-exist",
        "Every job assigned on a page or by the API since yesterday has an email to the customer",
        """
        SELECT e.subject || ', event ' || e.seq FROM events e
          JOIN bookings b ON e.subject = 'booking-' || b.reference
          JOIN users u ON u.id = b.customer_id AND u.deleted_at IS NULL
         WHERE e.name IN ('booking.assigned', 'booking.given') AND e.at > now() - interval '1 day'
           AND e.facts ->> 'channel' IN ('page', 'api') AND NOT EXISTS (
               SELECT 1 FROM outbox o WHERE o.dedupe_key LIKE e.subject || ':' || e.seq || ':booking_assigned:%')
        """,
    ),
    Invariant(
        "event-values-match-digests",
        "A personal value of an event matches the digest in its chain, or is erased",
        """
        SELECT e.subject || ', event ' || e.seq || ', ' || v.name FROM event_values v JOIN events e ON e.id = v.event_id
         WHERE encode(sha256(v.salt || convert_to(v.value, 'UTF8')), 'hex')
               IS DISTINCT FROM e.facts #>> ARRAY[v.name, 'digest']
        """,
    ),
)
