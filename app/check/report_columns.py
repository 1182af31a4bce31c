"""What reports count of a booking follows from the ledger and its review (add_up_money, copy_rating)."""

from app.check.invariants import Invariant

RECOUNTED = Invariant(
    "reports-are-a-recount",
    "What reports count of a booking is what the ledger and its review say",
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
