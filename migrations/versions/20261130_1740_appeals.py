"""Appeals of blocks; answers to reviews, reports of them, and reviews that an admin hides."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


# A hidden review does not count; shown again, it counts unless its booking is flagged.
SET_REVIEW_COUNTS = """
CREATE OR REPLACE FUNCTION set_review_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT NEW.hidden_at IS NULL AND coalesce(b.flag = 'counts',
           TG_OP = 'UPDATE' OR self_booking_signs(b.customer_id, b.professional_id, b.address, b.pincode) = '{}')
      INTO NEW.counts FROM bookings b WHERE b.id = NEW.booking_id;
    RETURN NEW;
END $$
"""
SET_REVIEW_COUNTS_BEFORE = """
CREATE OR REPLACE FUNCTION set_review_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT coalesce(b.flag = 'counts',
                    self_booking_signs(b.customer_id, b.professional_id, b.address, b.pincode) = '{}')
      INTO NEW.counts FROM bookings b WHERE b.id = NEW.booking_id;
    RETURN NEW;
END $$
"""
TRIGGERS = (
    "CREATE TRIGGER reviews_counts BEFORE INSERT OR UPDATE OF {counts} ON reviews"
    " FOR EACH ROW EXECUTE FUNCTION set_review_counts()",
    "CREATE TRIGGER reviews_booking_rating AFTER INSERT OR DELETE OR UPDATE OF rating, {counts} ON reviews"
    " FOR EACH ROW EXECUTE FUNCTION update_booking_rating()",
)


def upgrade() -> None:
    _create_appeals()
    op.add_column("reviews", sa.Column("answer", sa.Text(), nullable=True))
    op.add_column("reviews", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("reviews", sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("reviews", sa.Column("hidden_by_id", sa.BigInteger(), nullable=True))
    op.add_column("reviews", sa.Column("hidden_reason", sa.Text(), nullable=True))
    op.add_column("reviews", sa.Column("shown_reason", sa.Text(), nullable=True))
    op.create_foreign_key("reviews_hidden_by_id_fkey", "reviews", "users", ["hidden_by_id"], ["id"])
    op.create_check_constraint(
        "reviews_answer_check",
        "reviews",
        "(answer IS NULL) = (answered_at IS NULL) AND length(answer) BETWEEN 1 AND 2000",
    )
    op.create_check_constraint(
        "reviews_hidden_check",
        "reviews",
        "num_nonnulls(hidden_at, hidden_by_id, hidden_reason) IN (0, 3)"
        " AND num_nonnulls(hidden_at, shown_reason) < 2"
        " AND length(coalesce(hidden_reason, shown_reason, '-')) BETWEEN 1 AND 1000",
    )
    op.create_index(
        "reviews_hidden_at_idx", "reviews", ["hidden_at", "id"], postgresql_where=sa.text("hidden_at IS NOT NULL")
    )
    op.create_table(
        "review_reports",
        sa.Column("review_id", sa.BigInteger(), nullable=False),
        sa.Column("reporter_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="review_reports_reason_check"),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name="review_reports_review_id_fkey"),
        sa.ForeignKeyConstraint(["reporter_id"], ["users.id"], name="review_reports_reporter_id_fkey"),
        sa.PrimaryKeyConstraint("review_id", "reporter_id", name="review_reports_pkey"),
    )
    op.create_index(
        "review_reports_waiting_idx",
        "review_reports",
        ["review_id", "created_at"],
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_index("review_reports_reporter_id_idx", "review_reports", ["reporter_id"])
    op.execute(SET_REVIEW_COUNTS)
    _replace_triggers("counts, hidden_at")


def downgrade() -> None:
    op.execute(SET_REVIEW_COUNTS_BEFORE)
    _replace_triggers("counts")
    op.drop_table("review_reports")
    for column in ("shown_reason", "hidden_reason", "hidden_by_id", "hidden_at", "answered_at", "answer"):
        op.drop_column("reviews", column)
    op.drop_table("appeals")


def _create_appeals() -> None:
    op.create_table(
        "appeals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("block_id", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("only_admin", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("length(message) BETWEEN 1 AND 2000", name="appeals_message_check"),
        sa.CheckConstraint("outcome IN ('lift', 'keep')", name="appeals_outcome_check"),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="appeals_reason_check"),
        sa.CheckConstraint(
            "num_nonnulls(decided_at, decided_by_id, outcome, reason) IN (0, 4)"
            " AND (decided_at IS NOT NULL OR NOT only_admin)",
            name="appeals_decided_check",
        ),
        sa.ForeignKeyConstraint(["block_id"], ["blocks.id"], name="appeals_block_id_fkey"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name="appeals_decided_by_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="appeals_pkey"),
        sa.UniqueConstraint("block_id", name="appeals_block_id_key"),
    )
    op.create_index("appeals_created_at_idx", "appeals", ["created_at", "id"])


def _replace_triggers(counts: str) -> None:
    for trigger in TRIGGERS:
        op.execute(f"DROP TRIGGER {trigger.split()[2]} ON reviews")
        op.execute(trigger.format(counts=counts))
