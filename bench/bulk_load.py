"""Write many rows into tables without their indexes, foreign keys and triggers, which are restored afterwards."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

_INDEXES = """SELECT format('DROP INDEX %I', i.indexname) AS drop_statement,
    i.indexdef AS create_statement, 1 AS turn FROM pg_indexes i
    WHERE i.schemaname = 'public' AND i.tablename = ANY($1)
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)"""
_KEYS = """SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)), 2
    FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text = ANY($1)"""
_TRIGGERS = """SELECT format('ALTER TABLE %I DISABLE TRIGGER USER', name),
    format('ALTER TABLE %I ENABLE TRIGGER USER', name), 3
    FROM unnest($1::text[]) name"""
_ALL = f"{_INDEXES} UNION ALL {_KEYS} UNION ALL {_TRIGGERS}"
DROP_STATEMENTS, CREATE_STATEMENTS = (
    f"SELECT drop_statement FROM ({_ALL}) a ORDER BY turn DESC",
    f"SELECT create_statement FROM ({_ALL}) a ORDER BY turn",
)


@asynccontextmanager
async def without_indexes(owner: Any, tables: Sequence[str]) -> AsyncIterator[None]:
    """`owner` is an asyncpg connection. Foreign keys are validated when they are restored."""
    drop_statements = [row["drop_statement"] for row in await owner.fetch(DROP_STATEMENTS, tables)]
    create_statements = [row["create_statement"] for row in await owner.fetch(CREATE_STATEMENTS, tables)]
    for statement in drop_statements:
        await owner.execute(statement)
    yield
    await owner.execute("SET maintenance_work_mem = '512MB'")
    for statement in create_statements:
        await owner.execute(statement)
