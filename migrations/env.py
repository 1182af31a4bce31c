"""Alembic's environment: one transaction per migration, on a connection that the caller gives."""

from alembic import context

from app.models import metadata


def ours(_object: object, name: str | None, kind: str, *_: object) -> bool:
    """Only what the models know of; extensions' own tables are not ours."""
    return not (kind == "table" and name == "alembic_version")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=ours,
    transaction_per_migration=True,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
