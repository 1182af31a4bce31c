"""Services: parts, preparation, guarantee, questions and answers. Professionals: languages, photo."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("services", sa.Column("parts", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "services", sa.Column("preparation", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
    )
    op.add_column("services", sa.Column("guarantee", sa.Text(), server_default="", nullable=False))
    op.create_check_constraint("services_parts_check", "services", "char_length(parts) <= 600")
    op.create_check_constraint(
        "services_preparation_check",
        "services",
        "cardinality(preparation) <= 12 AND char_length(array_to_string(preparation, '')) <= 1920",
    )
    op.create_check_constraint("services_guarantee_check", "services", "char_length(guarantee) <= 300")
    op.create_table(
        "service_questions",
        sa.Column("service_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.CheckConstraint("position BETWEEN 1 AND 8", name="service_questions_position_check"),
        sa.CheckConstraint("char_length(question) BETWEEN 1 AND 160", name="service_questions_question_check"),
        sa.CheckConstraint("char_length(answer) BETWEEN 1 AND 600", name="service_questions_answer_check"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="service_questions_service_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("service_id", "position", name="service_questions_pkey"),
    )
    op.add_column(
        "professionals", sa.Column("languages", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
    )
    op.create_check_constraint(
        "professionals_languages_check",
        "professionals",
        "languages <@ ARRAY['ta', 'en', 'hi', 'te', 'ml', 'kn', 'ur', 'bn', 'mr', 'gu', 'or', 'pa']::text[]"
        " AND cardinality(languages) <= 12",
    )
    op.drop_constraint("documents_kind_check", "documents", type_="check")
    op.create_check_constraint(
        "documents_kind_check", "documents", "kind IN ('identity', 'certificate', 'address', 'photo')"
    )
    op.create_check_constraint(
        "documents_photo_check", "documents", "kind <> 'photo' OR media_type = 'image/jpeg' AND pages = 1"
    )


def downgrade() -> None:
    op.execute("DELETE FROM documents WHERE kind = 'photo'")
    op.drop_constraint("documents_photo_check", "documents", type_="check")
    op.drop_constraint("documents_kind_check", "documents", type_="check")
    op.create_check_constraint("documents_kind_check", "documents", "kind IN ('identity', 'certificate', 'address')")
    op.drop_constraint("professionals_languages_check", "professionals", type_="check")
    op.drop_column("professionals", "languages")
    op.drop_table("service_questions")
    for name in ("guarantee", "preparation", "parts"):
        op.drop_constraint(f"services_{name}_check", "services", type_="check")
        op.drop_column("services", name)
