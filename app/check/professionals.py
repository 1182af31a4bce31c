"""Check the columns of professionals and their areas that triggers maintain."""

from app.accounts.ratings import RATING_SUM_SQL, REVIEW_COUNT_SQL
from app.check.invariants import Invariant

PROFESSIONAL_INVARIANT = Invariant(
    "professional-totals-match",
    "The status, jobs and stars that admins see match approvals, blocks, jobs and reviews",
    f"""
    SELECT 'professional ' || p.user_id FROM professionals p JOIN users u ON u.id = p.user_id
      LEFT JOIN professional_ratings r ON r.professional_id = p.user_id
     WHERE p.jobs <> coalesce(r.jobs, 0)
        OR p.stars <> coalesce(round(100.0 * {RATING_SUM_SQL}
                                     / nullif({REVIEW_COUNT_SQL}, 0)), 0)
        OR p.admin_status <> CASE
             WHEN u.deleted_at IS NOT NULL THEN 4
             WHEN EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = u.id AND b.lifted_at IS NULL) THEN 3
             WHEN p.approval_status = 'pending' THEN 0
             WHEN EXISTS (SELECT 1 FROM verifications v WHERE v.professional_id = u.id AND v.state = 'open') THEN 0
             WHEN p.approval_status = 'approved' THEN 1 ELSE 2 END
    """,
)

CANDIDATE_INVARIANT = Invariant(
    "candidates-are-current",
    "What candidates are found by matches the working hours, homes, stars and areas of professionals",
    """
    SELECT 'professional ' || p.user_id FROM professionals p
     WHERE p.week <> working_week(p.user_id)
        OR EXISTS (SELECT 1 FROM coverage c WHERE c.professional_id = p.user_id
                      AND (c.metres IS DISTINCT FROM pincode_distance(p.home_pincode, c.pincode)
                           OR NOT EXISTS (SELECT 1 FROM coverage_homes h
                                           WHERE h.pincode = c.pincode AND h.home_pincode = p.home_pincode
                                             AND h.metres IS NOT DISTINCT FROM c.metres)))
        OR EXISTS (SELECT 1 FROM offered_services o WHERE o.professional_id = p.user_id
                      AND (o.home_pincode <> p.home_pincode OR o.stars <> p.stars))
        OR EXISTS (SELECT 1 FROM week_stretches(p.week) s, offered_services o, coverage c
                    WHERE o.professional_id = p.user_id AND c.professional_id = p.user_id
                      AND o.approval_status = 'approved'
                      AND NOT EXISTS (SELECT 1 FROM offered_hours h
                                       WHERE h.service_id = o.service_id AND h.pincode = c.pincode
                                         AND h.opens <= s.opens AND h.closes >= s.closes))
    """,
)
