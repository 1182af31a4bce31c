"""Admin tables find the newest lines of the ledger, and how often services were booked, without reading all."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UPDATE_BOOKING_TOTALS = """
CREATE OR REPLACE FUNCTION update_booking_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bookings b SET commission = b.commission + s.commission, revenue = b.revenue + s.revenue{set}
      FROM (SELECT t.booking_id, coalesce(-sum(a.amount) FILTER (WHERE a.account = 'commission'), 0) AS commission,
                   coalesce(sum(a.amount) FILTER (WHERE a.account IN ('gateway', 'receivable')), 0) AS revenue{column}
              FROM added a JOIN ledger_transactions t ON t.id = a.transaction_id GROUP BY 1) s
     WHERE b.id = s.booking_id AND (s.commission <> 0 OR s.revenue <> 0{condition});
    RETURN NULL;
END $$
"""
IS_CHARGED = "bool_or(a.account NOT IN ('hold', 'hold_contra'))"
# Far fewer bookings are not charged than are.
UNMARK_OTHERS = """
    UPDATE bookings b SET is_charged = false WHERE NOT EXISTS (
        SELECT FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
         WHERE t.booking_id = b.id AND e.account NOT IN ('hold', 'hold_contra'))
"""


def upgrade() -> None:
    op.add_column("bookings", sa.Column("is_charged", sa.Boolean(), server_default="true", nullable=False))
    op.execute(UNMARK_OTHERS)
    op.alter_column("bookings", "is_charged", server_default="false")
    op.execute(
        UPDATE_BOOKING_TOTALS.format(
            set=", is_charged = b.is_charged OR s.is_charged",
            column=f",\n                   {IS_CHARGED} AS is_charged",
            condition=" OR s.is_charged AND NOT b.is_charged",
        )
    )
    op.create_index("bookings_charged_idx", "bookings", ["starts_at", "id"], postgresql_where=sa.text("is_charged"))
    op.create_table(
        "service_booking_counts",
        sa.Column("service_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("bookings", sa.BigInteger(), nullable=False),
        sa.Column("counted_to", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("service_id", name="service_booking_counts_pkey"),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name="service_booking_counts_service_id_fkey"),
    )


def downgrade() -> None:
    op.drop_table("service_booking_counts")
    op.execute(UPDATE_BOOKING_TOTALS.format(set="", column="", condition=""))
    op.drop_index("bookings_charged_idx", "bookings")
    op.drop_column("bookings", "is_charged")
