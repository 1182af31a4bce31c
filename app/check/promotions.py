"""Invariants of credit and coupons (W37)."""

from app.check.invariants import Invariant

PROMOTION_INVARIANTS = (
    Invariant(
        "credit-matches-the-ledger",
        "A customer's credit is what the ledger says, never negative, and no other person has any",
        """
        SELECT 'customer ' || coalesce(b.customer_id, l.person_id)
          FROM credit_balances b
          FULL JOIN (SELECT person_id, -sum(amount) AS balance FROM ledger_entries WHERE account = 'credit'
                      GROUP BY person_id) l ON l.person_id = b.customer_id
         WHERE b.balance IS DISTINCT FROM l.balance OR b.balance < 0
        UNION ALL
        SELECT 'customer ' || u.id FROM credit_balances b JOIN users u ON u.id = b.customer_id
         WHERE u.role <> 'customer' AND b.balance <> 0
        """,
    ),
    Invariant(
        "coupons-within-limits",
        "A coupon is counted as used by exactly the bookings that use it, at most as often as it allows in all and for"
        " one person",
        """
        SELECT 'coupon ' || c.code
          FROM coupons c
          LEFT JOIN (SELECT coupon_id, count(*) AS n FROM coupon_uses WHERE freed_at IS NULL GROUP BY coupon_id) u
                 ON u.coupon_id = c.id
         WHERE c.used <> coalesce(u.n, 0) OR c.used > c.total
        UNION ALL
        SELECT 'coupon ' || c.code || ', customer ' || u.customer_id
          FROM coupons c JOIN coupon_uses u ON u.coupon_id = c.id AND u.freed_at IS NULL
         GROUP BY c.code, u.customer_id, c.per_person HAVING count(*) > c.per_person
        """,
    ),
    Invariant(
        "coupons-match-charges",
        "A booking that is not cancelled uses a coupon if and only if one of its charges is the coupon's, for the same"
        " amount, and the ledger takes the captured part from coupons",
        """
        SELECT 'booking ' || b.reference
          FROM bookings b
          LEFT JOIN coupon_uses u ON u.booking_id = b.id AND u.freed_at IS NULL
          LEFT JOIN charges c ON c.booking_id = b.id AND c.method = 'coupon' AND c.state IN ('authorised', 'captured')
         WHERE u.amount IS DISTINCT FROM c.amount AND (u.id IS NOT NULL OR c.id IS NOT NULL)
        UNION ALL
        SELECT 'booking ' || b.reference
          FROM bookings b
          LEFT JOIN (SELECT booking_id, sum(captured) AS paid FROM charges WHERE method = 'coupon'
                      GROUP BY booking_id) c ON c.booking_id = b.id
          LEFT JOIN (SELECT t.booking_id, sum(e.amount) AS paid
                       FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
                      WHERE e.account = 'coupons' AND t.kind <> 'credit' GROUP BY t.booking_id) l
                 ON l.booking_id = b.id
         WHERE coalesce(c.paid, 0) <> coalesce(l.paid, 0)
        """,
    ),
    Invariant(
        "referrals-are-granted-once",
        "A referral that was granted has one grant in the ledger, for the friend and the inviter; no other grant is",
        """
        SELECT 'customer ' || coalesce(r.friend_id, g.friend_id)
          FROM (SELECT friend_id, inviter_id FROM referrals WHERE outcome = 'granted') r
          FULL JOIN (SELECT b.customer_id AS friend_id, count(DISTINCT t.id) AS n,
                            array_agg(e.person_id ORDER BY e.person_id) FILTER (WHERE e.account = 'credit') AS people
                       FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
                       JOIN bookings b ON b.id = t.booking_id
                      WHERE t.kind = 'credit' AND t.charge_id IS NULL
                        AND EXISTS (SELECT 1 FROM ledger_entries c WHERE c.transaction_id = t.id
                                       AND c.account = 'coupons')
                      GROUP BY b.customer_id) g ON g.friend_id = r.friend_id
         WHERE r.friend_id IS NULL OR g.friend_id IS NULL OR g.n <> 1
            OR g.people <> ARRAY[least(r.friend_id, r.inviter_id), greatest(r.friend_id, r.inviter_id)]
        """,
    ),
)
