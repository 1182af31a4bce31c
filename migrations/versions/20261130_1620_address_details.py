"""Floor, landmark and contact person of addresses and bookings; calendar feeds of customers too."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

DETAILS = {
    "addresses": ("label", "floor", "landmark", "contact_name", "contact_phone"),
    "bookings": ("floor", "landmark", "contact_name", "contact_phone", "contact_email"),
}
CONTACT = (
    "(contact_name = '') = (contact_phone = '') AND length(contact_name) <= 120"
    " AND contact_phone ~ '^([+][0-9]{8,15})?$'"
)
CHECKS = {
    "addresses": {
        "addresses_details_check": "length(label) <= 40 AND length(floor) <= 40 AND length(landmark) <= 120",
        "addresses_contact_check": CONTACT,
    },
    "bookings": {
        "bookings_place_check": "length(floor) <= 40 AND length(landmark) <= 120",
        "bookings_contact_check": CONTACT
        + " AND length(contact_email) <= 254 AND (contact_email = '' OR contact_name <> '')",
    },
}


def upgrade() -> None:
    for table, columns in DETAILS.items():
        for column in columns:
            op.add_column(table, sa.Column(column, sa.Text(), server_default="", nullable=False))
        for name, condition in CHECKS[table].items():
            op.create_check_constraint(name, table, condition)
    op.create_index(
        "bookings_contact_idx", "bookings", ["ends_at"], postgresql_where=sa.text("contact_name <> ''::text")
    )
    op.drop_constraint("calendar_feeds_professional_id_fkey", "calendar_feeds", type_="foreignkey")
    op.alter_column("calendar_feeds", "professional_id", new_column_name="user_id")
    op.create_foreign_key(
        "calendar_feeds_user_id_fkey", "calendar_feeds", "users", ["user_id"], ["id"], ondelete="CASCADE"
    )


def downgrade() -> None:
    op.drop_constraint("calendar_feeds_user_id_fkey", "calendar_feeds", type_="foreignkey")
    op.execute("DELETE FROM calendar_feeds WHERE user_id NOT IN (SELECT user_id FROM professionals)")
    op.alter_column("calendar_feeds", "user_id", new_column_name="professional_id")
    op.create_foreign_key(
        "calendar_feeds_professional_id_fkey",
        "calendar_feeds",
        "professionals",
        ["professional_id"],
        ["user_id"],
        ondelete="CASCADE",
    )
    op.drop_index("bookings_contact_idx", "bookings")
    for table, columns in DETAILS.items():
        for name in CHECKS[table]:
            op.drop_constraint(name, table, type_="check")
        for column in reversed(columns):
            op.drop_column(table, column)
