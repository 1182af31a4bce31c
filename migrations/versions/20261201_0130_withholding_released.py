"""A payout that the decision of a case withheld can be released by the next decision, and withheld again."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

KINDS_BEFORE = (
    *("authorise", "capture", "release", "fee", "refund", "receivable", "settle", "payout_free"),
    *("tip", "redo", "credit", "credit_use", "credit_return", "payout", "payout_paid", "payout_failed"),
    "withheld",
)
KINDS = (*KINDS_BEFORE, "withholding_released")
WITHHELD_BEFORE = "(withheld IS NOT NULL) = coalesce('payout_withheld' = ANY (outcomes), false) AND withheld > 0"
WITHHELD = "(state = 'open' OR (withheld IS NOT NULL) = ('payout_withheld' = ANY (outcomes))) AND withheld > 0"
RELEASED = "payout_released IS NULL OR payout_released > 0 AND state = 'decided' AND withheld IS NULL"


# Cases that were reopened before said no more what they withhold.
OPEN_CASES = """
    UPDATE cases c SET withheld = (e.facts ->> 'withheld')::bigint
      FROM bookings b, events e
     WHERE c.state = 'open' AND b.id = c.booking_id AND e.subject = 'booking-' || b.reference
       AND e.name = 'booking.case_decided' AND e.facts ->> 'case' = c.reference AND e.facts ? 'withheld'
"""


def upgrade() -> None:
    repetition = sa.Column("repetition", sa.SmallInteger(), server_default="0", nullable=False)
    op.add_column("ledger_transactions", repetition)
    _allow(KINDS)
    _index(["booking_id", "kind", "repetition"], "kind IN ('withheld', 'withholding_released')")
    op.drop_constraint("cases_withheld_check", "cases")
    op.execute(OPEN_CASES)
    op.add_column("cases", sa.Column("payout_released", sa.BigInteger(), nullable=True))
    op.create_check_constraint("cases_withheld_check", "cases", WITHHELD)
    op.create_check_constraint("cases_payout_released_check", "cases", RELEASED)


def downgrade() -> None:
    """Where a payout was released, the ledger is kept as it is: the way back stops there."""
    _allow(KINDS_BEFORE)
    op.drop_constraint("cases_payout_released_check", "cases")
    op.drop_column("cases", "payout_released")
    op.execute("UPDATE cases SET withheld = NULL WHERE state = 'open'")
    op.drop_constraint("cases_withheld_check", "cases")
    op.create_check_constraint("cases_withheld_check", "cases", WITHHELD_BEFORE)
    _index(["booking_id"], "kind = 'withheld'")
    op.drop_column("ledger_transactions", "repetition")


def _allow(kinds: tuple[str, ...]) -> None:
    quoted = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint("ledger_transactions_kind_check", "ledger_transactions")
    op.create_check_constraint("ledger_transactions_kind_check", "ledger_transactions", f"kind IN ({quoted})")


def _index(columns: list[str], condition: str) -> None:
    name = "ledger_transactions_withheld_key"
    op.drop_index(name, "ledger_transactions")
    op.create_index(name, "ledger_transactions", columns, unique=True, postgresql_where=sa.text(condition))
