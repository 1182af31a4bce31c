"""What is due, and what relies on one professional, is found without reading the history."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Earnings of bookings whose held entries have not been released yet.
MARK_HELD_PAYOUTS = """
    UPDATE charges c SET payout_held_until = held.since + interval '7 days'
      FROM (SELECT t.booking_id, min(t.at) AS since
              FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
             WHERE e.account = 'payout_held' GROUP BY t.booking_id HAVING sum(e.amount) < 0) held
     WHERE c.booking_id = held.booking_id
"""


def upgrade() -> None:
    op.create_index(
        "bookings_requested_professional_idx",
        "bookings",
        ["requested_professional_id"],
        postgresql_where=sa.text("state IN ('held', 'requested') AND requested_professional_id IS NOT NULL"),
    )
    op.create_index(
        "bookings_priority_offers_idx", "bookings", ["exclusive_until"], postgresql_where=sa.text("state = 'requested'")
    )
    op.create_index(
        "outbox_recipient_idx", "outbox", ["recipient_id"], postgresql_where=sa.text("recipient_id IS NOT NULL")
    )
    op.create_index("charges_customer_id_idx", "charges", ["customer_id"])
    op.add_column("charges", sa.Column("payout_held_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "charges_held_payouts_idx",
        "charges",
        ["payout_held_until"],
        postgresql_where=sa.text("payout_held_until IS NOT NULL"),
    )
    op.execute(MARK_HELD_PAYOUTS)


def downgrade() -> None:
    op.drop_index("charges_held_payouts_idx", "charges")
    op.drop_column("charges", "payout_held_until")
    op.drop_index("charges_customer_id_idx", "charges")
    op.drop_index("outbox_recipient_idx", "outbox")
    op.drop_index("bookings_priority_offers_idx", "bookings")
    op.drop_index("bookings_requested_professional_idx", "bookings")
