"""Cases of bookings, opened from the disputes that wait; visits at no price that put a job right."""

import secrets
import string

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

ALPHABET = string.digits + "ABCDEFGHJKMNPQRSTVWXYZ"
# A dispute becomes a case of its customer, with the words as its first message.
OPEN_CASE = sa.text("""
    WITH opened AS (
        INSERT INTO cases (reference, booking_id, opened_by_id, side, professional_id, topic, state, opened_at,
                           answer_due_at, decide_due_at, queue_at)
        SELECT :reference, d.booking_id, d.customer_id, 'customer', b.professional_id,
               CASE b.cancelled_as WHEN 'no_show' THEN 'no_show_fee' ELSE 'absent' END, 'open', d.at,
               d.at + interval '24 hours', d.at + interval '72 hours', d.at + interval '72 hours'
          FROM disputes d JOIN bookings b ON b.id = d.booking_id WHERE d.booking_id = :booking_id
        RETURNING id, opened_by_id, booking_id
    )
    INSERT INTO case_messages (case_id, author_id, text, created_at)
    SELECT opened.id, opened.opened_by_id, d.text, d.at FROM opened JOIN disputes d USING (booking_id)
""")
TOPICS = (
    "'late', 'absent', 'quality', 'price', 'damage', 'safety', 'no_show_fee', 'completed_by_clock', 'customer_absent',"
    " 'unsafe', 'unpaid', 'other'"
)
PRICE_CHECK = "(price > 0 OR price = 0 AND redo_of_id IS NOT NULL) AND fee BETWEEN 0 AND price"


def upgrade() -> None:
    _create_cases()
    _create_messages()
    op.add_column("disputes", sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
    _allow_redos()
    _open_cases()


def downgrade() -> None:
    op.drop_index("bookings_redo_of_id_key", "bookings")
    op.drop_constraint("bookings_money_check", "bookings")
    op.execute("UPDATE bookings SET price = 1 WHERE price = 0")  # before, no visit is free: one paisa
    op.create_check_constraint("bookings_money_check", "bookings", "price > 0 AND fee BETWEEN 0 AND price")
    op.drop_column("bookings", "contact_ended_at")
    op.drop_column("bookings", "redo_of_id")
    op.drop_column("disputes", "settled_at")
    op.drop_table("case_messages")
    op.drop_table("cases")


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("reference", sa.String(8), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_by_id", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("professional_id", sa.BigInteger(), nullable=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assigned_to_id", sa.BigInteger(), nullable=True),
        sa.Column("answer_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decide_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queue_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_answer_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("outcomes", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("borne_by", sa.Text(), nullable=True),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("only_admin", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("side IN ('customer', 'professional')", name="cases_side_check"),
        sa.CheckConstraint(f"topic IN ({TOPICS})", name="cases_topic_check"),
        sa.CheckConstraint(
            "outcomes <@ ARRAY['none', 'refund', 'redo', 'fee_returned'] AND cardinality(outcomes) IN (1, 2)",
            name="cases_outcomes_check",
        ),
        sa.CheckConstraint("amount > 0 AND borne_by IN ('doorstep', 'shares')", name="cases_amount_check"),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="cases_reason_check"),
        sa.CheckConstraint(
            "(state = 'open' AND num_nonnulls(decided_at, decided_by_id, outcomes, reason, amount, borne_by) = 0)"
            " OR (state = 'decided' AND num_nonnulls(decided_at, decided_by_id, outcomes, reason) = 4"
            " AND (amount IS NULL) = (borne_by IS NULL))",
            name="cases_state_check",
        ),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name="cases_booking_id_fkey"),
        sa.ForeignKeyConstraint(["opened_by_id"], ["users.id"], name="cases_opened_by_id_fkey"),
        sa.ForeignKeyConstraint(["professional_id"], ["professionals.user_id"], name="cases_professional_id_fkey"),
        sa.ForeignKeyConstraint(["assigned_to_id"], ["users.id"], name="cases_assigned_to_id_fkey"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name="cases_decided_by_id_fkey"),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.id"], name="cases_refund_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="cases_pkey"),
        sa.UniqueConstraint("reference", name="cases_reference_key"),
    )
    is_open, is_decided = sa.text("state = 'open'"), sa.text("state = 'decided'")
    op.create_index("cases_open_key", "cases", ["booking_id", "side"], unique=True, postgresql_where=is_open)
    op.create_index("cases_queue_idx", "cases", ["queue_at", "id"], postgresql_where=is_open)
    op.create_index("cases_decided_idx", "cases", ["decided_at", "id"], postgresql_where=is_decided)
    op.create_index("cases_booking_id_idx", "cases", ["booking_id"])
    op.create_index("cases_professional_id_idx", "cases", ["professional_id"])


def _create_messages() -> None:
    op.create_table(
        "case_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(text) BETWEEN 1 AND 2000", name="case_messages_text_check"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="case_messages_case_id_fkey", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="case_messages_author_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="case_messages_pkey"),
    )
    op.create_index("case_messages_case_id_idx", "case_messages", ["case_id", "id"])
    op.create_index("case_messages_author_id_idx", "case_messages", ["author_id", "created_at"])


def _allow_redos() -> None:
    op.add_column("bookings", sa.Column("redo_of_id", sa.BigInteger(), nullable=True))
    op.add_column("bookings", sa.Column("contact_ended_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key("bookings_redo_of_id_fkey", "bookings", "bookings", ["redo_of_id"], ["id"])
    op.create_index(
        "bookings_redo_of_id_key",
        "bookings",
        ["redo_of_id"],
        unique=True,
        postgresql_where=sa.text("redo_of_id IS NOT NULL"),
    )
    op.drop_constraint("bookings_money_check", "bookings")
    op.create_check_constraint("bookings_money_check", "bookings", PRICE_CHECK)


def _open_cases() -> None:
    """Open one case for each dispute and print how many; raises when the counts differ."""
    connection = op.get_bind()
    booking_ids = connection.scalars(sa.text("SELECT booking_id FROM disputes ORDER BY at, booking_id")).all()
    for booking_id in booking_ids:
        reference = "".join(secrets.choice(ALPHABET) for _ in range(8))
        connection.execute(OPEN_CASE, {"reference": reference, "booking_id": booking_id})
    opened = connection.scalar(sa.text("SELECT count(*) FROM cases"))
    if opened != len(booking_ids):
        raise RuntimeError(f"{opened} cases for {len(booking_ids)} disputes")
    if opened and (config := op.get_context().config):
        config.print_stdout("Cases opened from disputes: %d", opened)
