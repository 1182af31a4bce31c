"""Doorstep's legal name and GSTIN among the settings."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

NAMES_BEFORE = (
    "support_email",
    "support_phone",
    "support_whatsapp",
    "grievance_name",
    "grievance_email",
    "grievance_hours",
)
NAMES = (*NAMES_BEFORE, "legal_name", "gstin")
VALUES_BEFORE = (
    "length(value) <= 254"
    " AND (name NOT IN ('support_phone', 'support_whatsapp') OR value ~ '^([+]91[0-9]{8,12})?$')"
    " AND (name NOT IN ('support_email', 'grievance_email') OR value ~ '^([^@ ]+@[^@ ]+)?$')"
)
VALUES = f"{VALUES_BEFORE} AND (name <> 'gstin' OR value ~ '^([0-9]{{2}}[A-Z]{{5}}[0-9]{{4}}[A-Z][0-9A-Z]Z[0-9A-Z])?$')"


def upgrade() -> None:
    _check(NAMES, VALUES)


def downgrade() -> None:
    op.execute("DELETE FROM settings WHERE name IN ('legal_name', 'gstin')")
    _check(NAMES_BEFORE, VALUES_BEFORE)


def _check(names: tuple[str, ...], values: str) -> None:
    quoted = ", ".join(f"'{name}'" for name in names)
    for name, condition in (("settings_name_check", f"name IN ({quoted})"), ("settings_value_check", values)):
        op.drop_constraint(name, "settings")
        op.create_check_constraint(name, "settings", condition)
