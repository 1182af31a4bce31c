"""Who may work: one rule as SQL functions that every reader shares.

The functions are plain selects, so that PostgreSQL inlines them into the statement that reads them. `today` is the
day in Asia/Kolkata, given by the application's clock.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Approved, documents valid (W7), not blocked (W2).
PROFESSIONALS = """
CREATE FUNCTION eligible_professionals(today date) RETURNS TABLE (professional_id bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT p.user_id FROM professionals p
     WHERE p.standing = 'approved' AND (p.papers_expire_on IS NULL OR p.papers_expire_on > today)
       AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = p.user_id AND b.lifted_at IS NULL);
END
"""
# The services that they are approved for.
OFFERINGS = """
CREATE FUNCTION eligible_offerings(today date) RETURNS TABLE (professional_id bigint, service_id bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT o.professional_id, o.service_id
      FROM offerings o JOIN eligible_professionals(today) p ON p.professional_id = o.professional_id
     WHERE o.standing = 'approved';
END
"""
# The pincodes where they work.
COVERAGE = """
CREATE FUNCTION eligible_coverage(today date)
RETURNS TABLE (professional_id bigint, service_id bigint, pincode varchar)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT o.professional_id, o.service_id, c.pincode
      FROM eligible_offerings(today) o JOIN coverage c ON c.professional_id = o.professional_id;
END
"""


def upgrade() -> None:
    for function in (PROFESSIONALS, OFFERINGS, COVERAGE):
        op.execute(function)


def downgrade() -> None:
    for name in ("eligible_coverage", "eligible_offerings", "eligible_professionals"):
        op.execute(f"DROP FUNCTION {name}(date)")
