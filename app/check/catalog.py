"""Of the catalogue: what must be true of services, their prices and their doors (W5, W6)."""

from app.check.invariants import Invariant

CATALOGUE = (
    Invariant(
        "retired-is-retired",
        "Nothing is paid for after its service was retired (W5), and nothing is offered behind a door that is gone",
        """
        SELECT 'booking ' || b.reference FROM bookings b JOIN services s ON s.id = b.service_id
         WHERE b.requested_at > s.retired_at
        UNION ALL
        SELECT 'service ' || s.id FROM services s JOIN categories c ON c.id = s.category_id
         WHERE s.retired_at IS NULL AND c.retired_at IS NOT NULL
        """,
    ),
    Invariant(
        "prices-follow-history",
        "A service costs and takes what the last event that set it says",
        """
        SELECT 'service ' || s.id FROM services s
          JOIN LATERAL (
               SELECT e.facts -> 'after' AS said FROM events e
                WHERE e.subject = 'service-' || s.id AND e.facts -> 'after' ? 'price'
                ORDER BY e.seq DESC LIMIT 1) told ON true
         WHERE (told.said ->> 'price')::bigint <> s.price
        UNION ALL
        SELECT 'service ' || s.id FROM services s
          JOIN LATERAL (
               SELECT e.facts -> 'after' AS said FROM events e
                WHERE e.subject = 'service-' || s.id AND e.facts -> 'after' ? 'minutes'
                ORDER BY e.seq DESC LIMIT 1) told ON true
         WHERE (told.said ->> 'minutes')::bigint <> s.minutes
        """,
    ),
)
