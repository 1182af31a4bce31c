"""Check the columns of bookings that triggers maintain for reports: commission, revenue and rating."""

from app.check.invariants import Invariant

BOOKING_TOTALS_INVARIANT = Invariant(
    "booking-totals-match-ledger",
    "Commission, revenue and rating of a booking match the ledger and its review",
    """
    SELECT 'booking ' || b.reference FROM bookings b
      LEFT JOIN (SELECT t.booking_id, -sum(e.amount) FILTER (WHERE e.account = 'commission') AS commission,
                        sum(e.amount) FILTER (WHERE e.account IN ('gateway', 'receivable')) AS revenue
                   FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id GROUP BY 1) m
             ON m.booking_id = b.id
      LEFT JOIN reviews r ON r.booking_id = b.id
     WHERE b.commission <> coalesce(m.commission, 0) OR b.revenue <> coalesce(m.revenue, 0)
        OR b.rating IS DISTINCT FROM r.rating
    """,
)
