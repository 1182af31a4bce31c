"""Invariants of the catalogue: services, their prices and their categories (W5, W6)."""

from app.check.invariants import Invariant

CATALOGUE_INVARIANTS = (
    Invariant(
        "retired-services-not-booked",
        "No booking is requested after its service was retired (W5), and no service is offered in a retired category",
        """
        SELECT 'booking ' || b.reference FROM bookings b JOIN services s ON s.id = b.service_id
         WHERE b.requested_at > s.retired_at
           AND NOT EXISTS (  -- rescheduled, which W5 allows
               SELECT 1 FROM events e WHERE e.subject = 'booking-' || b.reference AND e.name = 'booking.moved')
        UNION ALL
        SELECT 'service ' || s.id FROM services s JOIN categories c ON c.id = s.category_id
         WHERE s.retired_at IS NULL AND c.retired_at IS NOT NULL
        """,
    ),
    Invariant(
        "service-prices-match-history",
        "The price and duration of a service match the last change in its history",
        """
        SELECT 'service ' || s.id FROM services s
          JOIN LATERAL (
               SELECT e.facts -> 'after' AS value FROM events e
                WHERE e.subject = 'service-' || s.id AND e.facts -> 'after' ? 'price'
                ORDER BY e.seq DESC LIMIT 1) latest ON true
         WHERE (latest.value ->> 'price')::bigint <> s.price
        UNION ALL
        SELECT 'service ' || s.id FROM services s
          JOIN LATERAL (
               SELECT e.facts -> 'after' AS value FROM events e
                WHERE e.subject = 'service-' || s.id AND e.facts -> 'after' ? 'minutes'
                ORDER BY e.seq DESC LIMIT 1) latest ON true
         WHERE (latest.value ->> 'minutes')::bigint <> s.minutes
        """,
    ),
)
