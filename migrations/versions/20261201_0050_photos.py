"""Photos in cases and appeals, one table for all photos; payouts that the decision of a case withholds."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

KINDS = (
    *("authorise", "capture", "release", "fee", "refund", "receivable", "settle", "payout_free"),
    *("tip", "redo", "credit", "credit_use", "credit_return", "payout", "payout_paid", "payout_failed"),
)
OUTCOMES = ("none", "refund", "redo", "fee_returned")
RENAMED = ("position_check", "size_check", "pkey", "stored_as_key")


def upgrade() -> None:
    op.rename_table("message_photos", "photos")
    op.execute("ALTER SEQUENCE message_photos_id_seq RENAME TO photos_id_seq")
    for name in RENAMED:
        op.execute(f"ALTER TABLE photos RENAME CONSTRAINT message_photos_{name} TO photos_{name}")
    op.execute("ALTER TABLE photos RENAME CONSTRAINT message_photos_position_key TO photos_message_id_key")
    op.execute("ALTER TABLE photos RENAME CONSTRAINT message_photos_message_id_fkey TO photos_message_id_fkey")
    op.alter_column("photos", "message_id", nullable=True)
    op.add_column("photos", sa.Column("uploader_id", sa.BigInteger(), nullable=True))
    op.execute("UPDATE photos p SET uploader_id = m.author_id FROM booking_messages m WHERE m.id = p.message_id")
    op.alter_column("photos", "uploader_id", nullable=False)
    op.create_foreign_key("photos_uploader_id_fkey", "photos", "users", ["uploader_id"], ["id"])
    op.create_index("photos_uploader_id_idx", "photos", ["uploader_id"])
    for column, table in (("case_message_id", "case_messages"), ("appeal_id", "appeals")):
        op.add_column("photos", sa.Column(column, sa.BigInteger(), nullable=True))
        op.create_foreign_key(f"photos_{column}_fkey", "photos", table, [column], ["id"], ondelete="CASCADE")
        op.create_unique_constraint(f"photos_{column}_key", "photos", [column, "position"])
        op.add_column(table, sa.Column("photo_count", sa.SmallInteger(), server_default="0", nullable=False))
    op.create_check_constraint(
        "photos_owner_check", "photos", "num_nonnulls(message_id, case_message_id, appeal_id) = 1"
    )
    op.create_check_constraint("appeals_photo_count_check", "appeals", "photo_count BETWEEN 0 AND 5")
    op.drop_constraint("case_messages_text_check", "case_messages")
    op.create_check_constraint("case_messages_text_check", "case_messages", "length(text) <= 2000")
    op.create_check_constraint(
        "case_messages_content_check",
        "case_messages",
        "photo_count BETWEEN 0 AND 5 AND (text <> '' OR photo_count > 0)",
    )

    _allow((*KINDS, "withheld"), (*OUTCOMES, "payout_withheld"))
    op.create_index(
        "ledger_transactions_withheld_key",
        "ledger_transactions",
        ["booking_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'withheld'"),
    )
    op.add_column("cases", sa.Column("withheld", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        "cases_withheld_check",
        "cases",
        "(withheld IS NOT NULL) = coalesce('payout_withheld' = ANY (outcomes), false) AND withheld > 0",
    )


def downgrade() -> None:
    """Photos of cases and appeals go; a message that had nothing else says so with a dash.

    Where a payout was withheld, the ledger is kept as it is: the way back stops there.
    """
    op.drop_constraint("cases_withheld_check", "cases")
    op.drop_column("cases", "withheld")
    op.drop_index("ledger_transactions_withheld_key", "ledger_transactions")
    _allow(KINDS, OUTCOMES)
    op.drop_constraint("case_messages_content_check", "case_messages")
    op.drop_constraint("case_messages_text_check", "case_messages")
    op.execute("UPDATE case_messages SET text = '–' WHERE text = ''")
    op.create_check_constraint("case_messages_text_check", "case_messages", "length(text) BETWEEN 1 AND 2000")
    op.drop_constraint("appeals_photo_count_check", "appeals")
    op.drop_constraint("photos_owner_check", "photos")
    op.execute("DELETE FROM photos WHERE message_id IS NULL")
    for column, table in (("case_message_id", "case_messages"), ("appeal_id", "appeals")):
        op.drop_column("photos", column)
        op.drop_column(table, "photo_count")
    op.drop_column("photos", "uploader_id")
    op.alter_column("photos", "message_id", nullable=False)
    op.execute("ALTER TABLE photos RENAME CONSTRAINT photos_message_id_fkey TO message_photos_message_id_fkey")
    op.execute("ALTER TABLE photos RENAME CONSTRAINT photos_message_id_key TO message_photos_position_key")
    for name in RENAMED:
        op.execute(f"ALTER TABLE photos RENAME CONSTRAINT photos_{name} TO message_photos_{name}")
    op.execute("ALTER SEQUENCE photos_id_seq RENAME TO message_photos_id_seq")
    op.rename_table("photos", "message_photos")


def _allow(kinds: tuple[str, ...], outcomes: tuple[str, ...]) -> None:
    op.drop_constraint("ledger_transactions_kind_check", "ledger_transactions")
    op.create_check_constraint("ledger_transactions_kind_check", "ledger_transactions", f"kind IN ({_quoted(kinds)})")
    op.drop_constraint("cases_outcomes_check", "cases")
    op.create_check_constraint(
        "cases_outcomes_check", "cases", f"outcomes <@ ARRAY[{_quoted(outcomes)}] AND cardinality(outcomes) IN (1, 2)"
    )


def _quoted(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)
