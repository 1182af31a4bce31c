"""Invariants of tips, bank accounts and payouts."""

from app.check.invariants import Invariant

PAYOUT_INVARIANTS = (
    Invariant(
        "payouts-match-the-ledger",
        "Each payout took its earnings and tips from the ledger once, and the ledger has no other payouts",
        """
        SELECT 'payout ' || p.id
          FROM payouts p
          LEFT JOIN LATERAL (
               SELECT coalesce(sum(e.amount) FILTER (WHERE e.account = 'earnings'), 0) AS earnings,
                      coalesce(sum(e.amount) FILTER (WHERE e.account = 'tips'), 0) AS tips,
                      bool_and(t.kind = 'payout' AND e.person_id = p.professional_id) AS own
                 FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
                WHERE t.id = p.transaction_id) l ON true
         WHERE l.earnings <> p.earnings OR l.tips <> p.tips OR l.own IS NOT TRUE
        UNION ALL
        SELECT 'ledger transaction ' || t.id
          FROM ledger_transactions t LEFT JOIN payouts p ON p.transaction_id = t.id
         WHERE t.kind = 'payout' AND p.id IS NULL
        """,
    ),
    Invariant(
        "payout-runs-match-payouts",
        "A run counts its payouts and their sum",
        """
        SELECT 'payout run ' || r.id FROM payout_runs r
          LEFT JOIN (SELECT run_id, count(*) AS people, sum(amount) AS amount FROM payouts GROUP BY run_id) p
                 ON p.run_id = r.id
         WHERE r.people IS DISTINCT FROM p.people OR r.amount IS DISTINCT FROM p.amount
        """,
    ),
    Invariant(
        "counted-ledger-matches-entries",
        "What is counted by account and day, and for each professional, are the entries with the ids that were counted",
        """
        SELECT 'ledger account ' || coalesce(d.account, l.account) || ' on ' || coalesce(d.day, l.day)
          FROM ledger_days d
          FULL JOIN (SELECT (t.at AT TIME ZONE 'Asia/Kolkata')::date AS day, e.account,
                            coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0) AS debit,
                            coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0) AS credit
                       FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
                      WHERE e.id <= (SELECT max(counted_to) FROM ledger_days) GROUP BY 1, 2) l
                 ON l.day = d.day AND l.account = d.account
         WHERE d.debit IS DISTINCT FROM l.debit OR d.credit IS DISTINCT FROM l.credit
        UNION ALL
        SELECT 'professional ' || coalesce(b.professional_id, l.person_id)
          FROM earnings_balances b
          FULL JOIN (SELECT person_id, coalesce(-sum(amount) FILTER (WHERE account = 'earnings'), 0) AS earnings,
                            coalesce(-sum(amount) FILTER (WHERE account = 'tips'), 0) AS tips,
                            coalesce(-sum(amount) FILTER (WHERE account = 'payout_held'), 0) AS on_hold
                       FROM ledger_entries
                      WHERE account IN ('earnings', 'tips', 'payout_held') AND person_id IS NOT NULL
                        AND id <= (SELECT max(counted_to) FROM ledger_days) GROUP BY person_id) l
                 ON l.person_id = b.professional_id
         WHERE (b.earnings, b.tips, b.on_hold) IS DISTINCT FROM (l.earnings, l.tips, l.on_hold)
        """,
    ),
    Invariant(
        "balances-match-payouts",
        "What is on its way to a professional are the payouts in progress, what left the ledger those that are paid",
        """
        SELECT 'professional ' || coalesce(l.person_id, p.professional_id)
          FROM (SELECT person_id, -sum(amount) AS pending, coalesce(sum(amount) FILTER (WHERE kind = 'payout_paid'), 0)
                       AS paid
                  FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
                 WHERE account = 'payouts' GROUP BY person_id) l
          FULL JOIN (SELECT professional_id, coalesce(sum(amount) FILTER (WHERE state = 'pending'), 0) AS pending,
                            coalesce(sum(amount) FILTER (WHERE state = 'paid'), 0) AS paid
                       FROM payouts GROUP BY professional_id) p ON p.professional_id = l.person_id
         WHERE coalesce(l.pending, 0) <> coalesce(p.pending, 0) OR coalesce(l.paid, 0) <> coalesce(p.paid, 0)
        """,
    ),
    Invariant(
        "tips-match-the-ledger",
        "Each tip that was paid is in the ledger once, for the professional of its booking; no other tips are there",
        """
        SELECT 'booking ' || b.reference
          FROM bookings b
          LEFT JOIN tips i ON i.booking_id = b.id AND i.state = 'paid'
          LEFT JOIN (SELECT t.booking_id, -sum(e.amount) AS amount, min(e.person_id) AS person_id
                       FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
                      WHERE t.kind = 'tip' AND e.account = 'tips' GROUP BY t.booking_id) l ON l.booking_id = b.id
         WHERE coalesce(i.amount, 0) <> coalesce(l.amount, 0)
            OR i.id IS NOT NULL AND (i.professional_id <> b.professional_id OR l.person_id <> i.professional_id
                                     OR i.customer_id <> b.customer_id OR b.state NOT IN ('completed', 'closed'))
        """,
    ),
    Invariant(
        "numbers-of-earlier-accounts-are-erased",
        "The number of an earlier bank account is kept only while a payout to it is in progress",
        """
        SELECT 'bank account ' || a.id FROM bank_accounts a
         WHERE a.ended_at IS NOT NULL AND a.encrypted_number IS NOT NULL
           AND NOT EXISTS (SELECT FROM payouts p WHERE p.bank_account_id = a.id AND p.state = 'pending')
        """,
    ),
)
