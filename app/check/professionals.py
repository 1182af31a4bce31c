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
    "The week and the distances by which candidates are found match working hours and homes",
    """
    SELECT 'professional ' || p.user_id FROM professionals p
     WHERE p.week <> working_week(p.user_id)
        OR EXISTS (SELECT 1 FROM coverage c WHERE c.professional_id = p.user_id
                      AND c.metres IS DISTINCT FROM pincode_distance(p.home_pincode, c.pincode))
    """,
)
