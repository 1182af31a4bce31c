"""Invariants of cases and of visits at no price (W27, W28)."""

from app.check.invariants import Invariant

CASE_INVARIANTS = (
    Invariant(
        "cases-have-their-people",
        "A case is opened, with a message, by the customer or the professional whose side it is",
        """
        SELECT 'case ' || c.reference FROM cases c JOIN bookings b ON b.id = c.booking_id
         WHERE c.opened_by_id <> CASE c.side WHEN 'customer' THEN b.customer_id ELSE c.professional_id END
            OR c.side = 'professional' AND c.professional_id IS NULL
            OR NOT EXISTS (SELECT FROM case_messages m WHERE m.case_id = c.id AND m.author_id = c.opened_by_id)
        """,
    ),
    Invariant(
        "cases-keep-their-clock",
        "A case is to be answered within 24 hours and decided within 72, and safety comes first",
        """
        SELECT 'case ' || c.reference FROM cases c
         WHERE c.answer_due_at < c.opened_at + interval '24 hours'
            OR c.decide_due_at <> c.answer_due_at + interval '48 hours'
            OR (c.queue_at <> c.decide_due_at) <> (c.topic IN ('safety', 'unsafe'))
            OR c.decided_at < c.opened_at OR c.first_answer_at < c.opened_at
            OR EXISTS (SELECT FROM case_messages m WHERE m.case_id = c.id AND m.created_at < c.opened_at)
        """,
    ),
    Invariant(
        "disputes-settled-with-their-case",
        "A dispute waits only while its customer has an open case of the booking",
        """
        SELECT 'booking ' || b.reference FROM disputes d JOIN bookings b ON b.id = d.booking_id
         WHERE d.settled_at IS NULL AND NOT EXISTS (
               SELECT FROM cases c WHERE c.booking_id = d.booking_id AND c.side = 'customer' AND c.state = 'open')
        """,
    ),
    Invariant(
        "withheld-payouts-leave-nothing",
        "What a decision withheld is all that the job had brought its professional, as its case says",
        """
        SELECT 'booking ' || b.reference
          FROM ledger_transactions w JOIN bookings b ON b.id = w.booking_id
          JOIN ledger_entries l ON l.transaction_id = w.id AND l.person_id IS NOT NULL
         WHERE w.kind = 'withheld' AND w.repetition = (
               SELECT count(*) FROM ledger_transactions r
                WHERE r.booking_id = w.booking_id AND r.kind = 'withholding_released') AND 0 <> (
               SELECT sum(e.amount) FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
                WHERE t.booking_id = w.booking_id AND e.person_id = l.person_id
                  AND e.account IN ('earnings', 'payout_held'))
        UNION ALL
        SELECT 'case ' || c.reference FROM cases c
         WHERE c.withheld <> coalesce((
               SELECT sum(e.amount) FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
                WHERE t.booking_id = c.booking_id AND t.kind IN ('withheld', 'withholding_released')
                  AND e.person_id = c.professional_id), 0)
        """,
    ),
    Invariant(
        "withheld-payouts-have-their-case",
        "What is withheld of a job is so by the decision of one case, and released at most once for each time",
        """
        SELECT 'booking ' || b.reference
          FROM (SELECT booking_id, count(*) FILTER (WHERE kind = 'withheld') AS times,
                       count(*) FILTER (WHERE kind = 'withholding_released') AS released, max(at) AS at
                  FROM ledger_transactions WHERE kind IN ('withheld', 'withholding_released') GROUP BY booking_id) w
          JOIN bookings b ON b.id = w.booking_id
         WHERE w.times - w.released NOT IN (0, 1)
            OR w.at > now() - interval '1095 days' AND w.times - w.released <> (
               SELECT count(*) FROM cases c WHERE c.booking_id = w.booking_id AND c.withheld IS NOT NULL)
        UNION ALL
        SELECT 'case ' || c.reference FROM cases c
         WHERE c.payout_released IS NOT NULL AND NOT EXISTS (
               SELECT FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
                WHERE t.booking_id = c.booking_id AND t.kind = 'withholding_released'
                  AND e.person_id = c.professional_id AND e.amount = -c.payout_released)
        """,
    ),
    Invariant(
        "redos-repeat-their-booking",
        "A visit at no price is of the same customer and service as the job, which was done, that it puts right",
        """
        SELECT 'booking ' || r.reference FROM bookings r JOIN bookings b ON b.id = r.redo_of_id
         WHERE r.customer_id <> b.customer_id OR r.service_id <> b.service_id OR r.price <> 0
            OR b.completed_at IS NULL OR r.created_at < b.completed_at
        """,
    ),
)
