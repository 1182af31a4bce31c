"""Statements on the driver's connection, inside the session's transaction: `$1` placeholders, plain rows.

They cost a fraction of the CPU of the same statement through SQLAlchemy. Pending changes of entities are flushed first,
as SQLAlchemy does.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Column, Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import SessionTransaction

Row = TypeVar("Row")
DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
DRIVER = "driver connection of a transaction"


async def rows(db: AsyncSession, row_type: Callable[..., Row], query: str, *args: object) -> list[Row]:
    """The rows of a query, each as `row_type` with the columns by position."""
    return [row_type(*record) for record in await fetch(db, query, *args)]


async def fetch(db: AsyncSession, query: str, *args: object) -> "list[asyncpg.Record]":
    connection = await _driver_connection(db)
    with as_database_errors(query):
        return await connection.fetch(query, *args)


async def fetch_row(db: AsyncSession, query: str, *args: object) -> "asyncpg.Record | None":
    connection = await _driver_connection(db)
    with as_database_errors(query):
        return await connection.fetchrow(query, *args)


async def fetch_value(db: AsyncSession, query: str, *args: object) -> Any:
    """The first column of the first row; None when there is none."""
    connection = await _driver_connection(db)
    with as_database_errors(query):
        return await connection.fetchval(query, *args)


async def execute(db: AsyncSession, query: str, *args: object) -> int:
    """Run a statement; return how many rows it touched."""
    connection = await _driver_connection(db)
    with as_database_errors(query):
        status: str = await connection.execute(query, *args)
    count = status.rpartition(" ")[2]
    return int(count) if count.isdecimal() else 0


@dataclass(slots=True)
class Savepoint:
    """Where `savepoint` began; `count` is how many rows its first statement touched."""

    db: AsyncSession
    count: int
    is_over: bool = False

    async def roll_back(self) -> None:
        """Undo the statements since then, give back the locks they took, and end the savepoint."""
        self.is_over = True
        await execute(self.db, "ROLLBACK TO SAVEPOINT of_statements; RELEASE SAVEPOINT of_statements")


@asynccontextmanager
async def savepoint(db: AsyncSession, first: str = "", *, release: bool = True) -> AsyncIterator[Savepoint]:
    """Roll back the block's statements when it raises. Changes of entities do not belong in it.

    `first`: a statement without arguments, sent along with the savepoint and undone with it. Without `release` a block
    that succeeds leaves its savepoint to the end of the transaction, which is a statement less; not for loops.
    """
    point = Savepoint(db, await execute(db, f"SAVEPOINT of_statements; {first}"))
    try:
        yield point
    except Exception:
        await point.roll_back()
        raise
    if release and not point.is_over:
        await execute(db, "RELEASE SAVEPOINT of_statements")


async def _driver_connection(db: AsyncSession) -> "asyncpg.Connection[asyncpg.Record]":
    """The connection of the session's transaction, which has begun, and so has the savepoint that it is in."""
    if db.sync_session.autoflush and (db.new or db.dirty or db.deleted):
        await db.flush()
    known = db.info.get(DRIVER)
    if known is not None and known[0] is _innermost(db) is not None:
        return known[1]  # type: ignore[no-any-return]  # `info` is untyped
    # SQLAlchemy begins savepoints when it hands out the connection, but its adapter begins a transaction with the first
    # statement that passes through it: without that the driver would commit each by itself.
    raw = await (await db.connection()).get_raw_connection()
    adapter: Any = raw.dbapi_connection
    driver: Any = raw.driver_connection
    if not driver.is_in_transaction() and adapter.isolation_level != "autocommit":
        await adapter._start_transaction()
    db.info[DRIVER] = (_innermost(db), driver)
    return driver  # type: ignore[no-any-return]  # SQLAlchemy names no driver


def _innermost(db: AsyncSession) -> SessionTransaction | None:
    return db.sync_session.get_nested_transaction() or db.sync_session.get_transaction()


@contextmanager
def as_database_errors(query: str) -> Iterator[None]:
    """Raise the driver's errors as SQLAlchemy does, without the values."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError(query, None, error, hide_parameters=True) from error
    except asyncpg.PostgresError as error:
        raise DBAPIError(query, None, error, hide_parameters=True) from error


def insertion(table: Table, first: int = 1) -> str:
    """An INSERT of any number of rows: placeholders from $`first` on, each the array of one of `insertable(table)`."""
    columns = insertable(table)
    arrays = ", ".join(f"${first + n}::{_array_type(column)}[]" for n, column in enumerate(columns))
    names = ", ".join(f'"{column.name}"' for column in columns)
    values = ", ".join(f'"{column.name}"::jsonb' if _is_json(column) else f'"{column.name}"' for column in columns)
    return (
        f"INSERT INTO {table.name} ({names}) SELECT {values}"
        f" FROM unnest({arrays}) WITH ORDINALITY AS sent ({names}, place) ORDER BY place"
    )


def arrays_of(table: Table, objects: Sequence[object]) -> list[list[object]]:
    """The values of `insertion`, from entities that are not in a session; defaults are filled in."""
    return [[_value(item, column) for item in objects] for column in insertable(table)]


async def copy(db: AsyncSession, entities: Sequence[Any]) -> None:
    """Write entities of one table that are not in a session, in bulk and with the ids that they have.

    Columns that none of them has a value for get their default.
    """
    if not entities:
        return
    table: Table = entities[0].__table__
    columns = [
        column
        for column in table.columns
        if column.computed is None and any(_value(entity, column) is not None for entity in entities)
    ]
    records = [[_value(entity, column) for column in columns] for entity in entities]
    connection = await _driver_connection(db)
    with as_database_errors(table.name):
        names = [column.name for column in columns]
        await connection.copy_records_to_table(table.name, records=records, columns=names)


@cache
def insertable(table: Table) -> tuple[Column[Any], ...]:
    """All columns but those that the database generates."""
    return tuple(column for column in table.columns if column.identity is None and column.computed is None)


def _value(item: object, column: Column[Any]) -> object:
    value = getattr(item, column.key)
    if value is None and column.default is not None:
        default = column.default.arg  # type: ignore[attr-defined]  # a scalar or a callable of the context
        value = default(None) if callable(default) else default
    return json.dumps(value) if _is_json(column) and value is not None else value


def _is_json(column: Column[Any]) -> bool:
    return isinstance(column.type, JSONB)


def _array_type(column: Column[Any]) -> str:
    return "text" if _is_json(column) else column.type.compile(dialect=DIALECT)
