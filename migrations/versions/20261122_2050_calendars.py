"""A professional's jobs are read by a calendar program at a secret address."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_feeds",
        sa.Column("professional_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["professional_id"],
            ["professionals.user_id"],
            name=op.f("calendar_feeds_professional_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("professional_id", name=op.f("calendar_feeds_pkey")),
        sa.UniqueConstraint("digest", name=op.f("calendar_feeds_digest_key")),
    )


def downgrade() -> None:
    op.drop_table("calendar_feeds")
