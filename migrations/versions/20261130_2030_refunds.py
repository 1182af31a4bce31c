"""Refunds by admins: a row for each, what charges released, and which ledger transactions belong to a refund."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# What refunds gave back is what the charges of the booking say, whoever writes either.
CHECK_REFUNDS = """
CREATE FUNCTION check_refunds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    given bigint;
    let_go bigint;
BEGIN
    SELECT coalesce(sum(amount - released), 0), coalesce(sum(released), 0) INTO given, let_go
      FROM refunds WHERE booking_id = NEW.booking_id AND state = 'done';
    IF given <> (SELECT coalesce(sum(refunded), 0) FROM charges WHERE booking_id = NEW.booking_id)
       OR let_go > (SELECT coalesce(sum(released), 0) FROM charges WHERE booking_id = NEW.booking_id) THEN
        RAISE EXCEPTION 'refunds of booking % do not match its charges', NEW.booking_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'refunds_match_charges';
    END IF;
    RETURN NULL;
END $$
"""
# Charges that ended before: what was authorised and not captured was released.
RELEASED = """
    UPDATE charges SET released = amount - captured
     WHERE state IN ('captured', 'released', 'refunded') AND captured < amount AND method <> 'after'
"""


def upgrade() -> None:
    op.add_column("charges", sa.Column("released", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(RELEASED)
    op.create_check_constraint("charges_released_check", "charges", "released BETWEEN 0 AND amount - captured")
    op.create_table(
        "refunds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("borne_by", sa.Text(), server_default="doorstep", nullable=False),
        sa.Column("professional_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by_id", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by_id", sa.BigInteger(), nullable=True),
        sa.Column("only_admin", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.CheckConstraint("amount > 0", name="refunds_amount_check"),
        sa.CheckConstraint("released BETWEEN 0 AND amount", name="refunds_released_check"),
        sa.CheckConstraint("borne_by IN ('doorstep', 'shares')", name="refunds_borne_by_check"),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="refunds_reason_check"),
        sa.CheckConstraint("state IN ('requested', 'sent', 'done', 'failed')", name="refunds_state_check"),
        sa.CheckConstraint(
            "(state = 'done') = (done_at IS NOT NULL) AND (state = 'failed') = (failed_at IS NOT NULL)"
            " AND (failed_at IS NULL) = (failure IS NULL)"
            " AND (state NOT IN ('sent', 'done') OR sent_at IS NOT NULL)",
            name="refunds_times_check",
        ),
        sa.CheckConstraint(
            "(confirmed_at IS NULL) = (confirmed_by_id IS NULL) AND (confirmed_by_id <> requested_by_id OR only_admin)",
            name="refunds_confirmed_check",
        ),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name="refunds_booking_id_fkey"),
        sa.ForeignKeyConstraint(["professional_id"], ["users.id"], name="refunds_professional_id_fkey"),
        sa.ForeignKeyConstraint(["requested_by_id"], ["users.id"], name="refunds_requested_by_id_fkey"),
        sa.ForeignKeyConstraint(["confirmed_by_id"], ["users.id"], name="refunds_confirmed_by_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="refunds_pkey"),
    )
    op.create_index("refunds_booking_id_idx", "refunds", ["booking_id"])
    op.create_index("refunds_requested_at_idx", "refunds", ["requested_at", "id"])
    op.create_index(
        "refunds_waiting_idx",
        "refunds",
        ["state", "requested_at"],
        postgresql_where=sa.text("state IN ('requested', 'failed')"),
    )
    op.add_column("ledger_transactions", sa.Column("refund_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key("ledger_transactions_refund_id_fkey", "ledger_transactions", "refunds", ["refund_id"], ["id"])
    op.create_index(
        "ledger_transactions_refund_id_idx",
        "ledger_transactions",
        ["refund_id"],
        postgresql_where=sa.text("refund_id IS NOT NULL"),
    )
    op.execute(CHECK_REFUNDS)
    op.execute(
        "CREATE CONSTRAINT TRIGGER refunds_match_charges AFTER INSERT OR UPDATE ON refunds"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_refunds()"
    )


def downgrade() -> None:
    op.drop_column("ledger_transactions", "refund_id")
    op.drop_table("refunds")
    op.execute("DROP FUNCTION check_refunds()")
    op.drop_column("charges", "released")
