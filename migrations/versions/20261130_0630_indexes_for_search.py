"""Search finds the services of a category, and the few that are retired, in indexes alone."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("services_retired_idx", "services", ["id"], postgresql_where=sa.text("retired_at IS NOT NULL"))
    op.drop_index("services_category_id_idx", "services")
    op.create_index("services_category_id_idx", "services", ["category_id"], postgresql_include=["id"])


def downgrade() -> None:
    op.drop_index("services_category_id_idx", "services")
    op.create_index("services_category_id_idx", "services", ["category_id"])
    op.drop_index("services_retired_idx", "services")
