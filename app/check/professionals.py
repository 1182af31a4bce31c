"""How the desk sorts professionals follows from papers, blocks and reviews (settle_shown, copy_record)."""

from app.check.invariants import Invariant

SHOWN = Invariant(
    "the-desk-shows-professionals-as-they-stand",
    "How a professional stands on the desk, jobs and stars follow from papers, blocks and reviews",
    """
    SELECT 'professional ' || p.user_id FROM professionals p JOIN users u ON u.id = p.user_id
      LEFT JOIN professional_ratings r ON r.professional_id = p.user_id
     WHERE p.jobs <> coalesce(r.jobs, 0)
        OR p.stars <> coalesce(round(100.0 * (r.one + 2 * r.two + 3 * r.three + 4 * r.four + 5 * r.five)
                                     / nullif(r.one + r.two + r.three + r.four + r.five, 0)), 0)
        OR p.shown_as <> CASE
             WHEN u.left_at IS NOT NULL THEN 4
             WHEN EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = u.id AND b.lifted_at IS NULL) THEN 3
             WHEN p.standing = 'pending' THEN 0
             WHEN EXISTS (SELECT 1 FROM verifications v WHERE v.professional_id = u.id AND v.state = 'open') THEN 0
             WHEN p.standing = 'approved' THEN 1 ELSE 2 END
    """,
)
