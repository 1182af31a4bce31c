"""Check the issued documents: numbers without gaps, the ledger's figures, and that none is missing."""

from app.check.invariants import Invariant

INVOICE_INVARIANTS = (
    Invariant(
        "invoice-numbers-have-no-gaps",
        "The numbers of every series and financial year are 1, 2, 3 …, up to its counter",
        """
        SELECT 'series ' || coalesce(i.series, c.series) || '/' || coalesce(i.year, c.year)
          FROM (SELECT series, year, count(*) AS issued, max(sequence) AS last FROM invoices GROUP BY 1, 2) i
          FULL JOIN invoice_counters c ON c.series = i.series AND c.year = i.year
         WHERE i.issued IS DISTINCT FROM i.last OR i.last IS DISTINCT FROM c.last
        """,
    ),
    Invariant(
        "invoices-match-the-ledger",
        "Every document says what the ledger's transactions that it is about say",
        """
        SELECT 'invoice ' || i.number
          FROM invoices i
          JOIN ledger_entries e ON e.transaction_id = ANY (i.transaction_ids)
         GROUP BY i.id
        HAVING i.total <> CASE
                   WHEN i.kind IN ('invoice', 'credit_note') THEN
                        CASE i.kind WHEN 'invoice' THEN 1 ELSE -1 END * sum(e.amount) FILTER (
                            WHERE e.account IN ('gateway', 'receivable', 'customer_funds', 'credit', 'coupons'))
                   ELSE CASE i.kind WHEN 'commission' THEN -1 ELSE 1 END * sum(e.amount) FILTER (
                            WHERE e.account = 'commission' OR e.account = 'tax' AND e.person_id IS NOT NULL) END
            OR i.content ->> 'form' <> '52' AND i.tax <> coalesce(
                   CASE WHEN i.kind IN ('invoice', 'commission') THEN -1 ELSE 1 END * sum(e.amount) FILTER (WHERE
                        e.account = 'tax' AND (e.person_id IS NULL) = (i.kind IN ('invoice', 'credit_note'))), 0)
            OR i.total <> (i.content ->> 'total')::bigint OR i.tax <> (i.content ->> 'tax')::bigint
        """,
    ),
    Invariant(
        "finished-jobs-have-invoices",
        "Since the first invoice, each job that was charged and each kept fee has one",
        """
        SELECT 'booking ' || b.reference
          FROM ledger_transactions t JOIN bookings b ON b.id = t.booking_id
         WHERE t.kind IN ('capture', 'receivable', 'fee') AND t.id > (SELECT min(transaction_id) FROM invoices)
           AND NOT EXISTS (SELECT 1 FROM invoices i WHERE i.booking_id = b.id AND i.kind = 'invoice'
                              AND t.id = ANY (i.transaction_ids))
           AND EXISTS (SELECT 1 FROM ledger_entries e WHERE e.transaction_id = t.id
                          AND e.account IN ('gateway', 'receivable', 'customer_funds', 'credit', 'coupons'))
        """,
    ),
)
