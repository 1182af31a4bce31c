"""Dated rates of what is collected and withheld from professionals, beside those of GST."""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

BEFORE = ("service", "commission")
SUPPLIES = (*BEFORE, "collected", "withheld")


def upgrade() -> None:
    _check(SUPPLIES)


def downgrade() -> None:
    op.execute("DELETE FROM tax_rates WHERE supply IN ('collected', 'withheld')")
    _check(BEFORE)


def _check(supplies: tuple[str, ...]) -> None:
    quoted = ", ".join(f"'{supply}'" for supply in supplies)
    op.drop_constraint("tax_rates_supply_check", "tax_rates")
    op.create_check_constraint("tax_rates_supply_check", "tax_rates", f"supply IN ({quoted})")
