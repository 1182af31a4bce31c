"""Check what is kept counted: columns of bookings that triggers maintain, and the bookings of each service."""

from app.check.invariants import Invariant
from app.payments.ledger import REVENUE_SQL

BOOKING_TOTALS_INVARIANT = Invariant(
    "booking-totals-match-ledger",
    "Commission, revenue, rating and whether it is charged match the ledger and the review of a booking",
    f"""
    SELECT 'booking ' || b.reference FROM bookings b
      LEFT JOIN (SELECT t.booking_id, -sum(e.amount) FILTER (WHERE e.account = 'commission') AS commission,
                        sum(e.amount) FILTER (WHERE {REVENUE_SQL}) AS revenue,
                        bool_or(e.account NOT IN ('hold', 'hold_contra')) AS is_charged
                   FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id GROUP BY 1) m
             ON m.booking_id = b.id
      LEFT JOIN reviews r ON r.booking_id = b.id AND r.counts
     WHERE b.commission <> coalesce(m.commission, 0) OR b.revenue <> coalesce(m.revenue, 0)
        OR b.is_charged <> coalesce(m.is_charged, false) OR b.rating IS DISTINCT FROM r.rating
    """,
)
SERVICE_COUNTS_INVARIANT = Invariant(
    "service-counts-match-bookings",
    "The counted bookings of each service are those with the ids that were counted",
    """
    SELECT 'service ' || s.id FROM services s
      LEFT JOIN service_booking_counts c ON c.service_id = s.id
      LEFT JOIN (SELECT service_id, count(*) AS bookings FROM bookings
                  WHERE id <= (SELECT max(counted_to) FROM service_booking_counts) GROUP BY 1) b ON b.service_id = s.id
     WHERE coalesce(c.bookings, 0) <> coalesce(b.bookings, 0)
    """,
)
