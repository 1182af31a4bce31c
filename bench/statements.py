"""Record the statements that a process sends to PostgreSQL: SQLAlchemy's, and the driver's own (app.core.sql)."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from asyncpg import Connection
from sqlalchemy import event

from app.core.db import Database

Record = Callable[[str, Any, int], None]
DRIVER_METHODS = ("fetch", "fetchrow", "fetchval", "execute")
TRANSACTION_COMMANDS = ("BEGIN", "COMMIT", "ROLLBACK;")  # one of each, whatever the statements between them


@contextmanager
def record_statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Yield the list to which every statement is added with its parameters, savepoints among them."""
    recorded: list[tuple[str, Any]] = []
    with observe_statements(database, lambda statement, parameters, _rows: recorded.append((statement, parameters))):
        yield recorded


@contextmanager
def observe_statements(database: Database, record: Record) -> Iterator[None]:
    """Call `record` with each statement, its parameters and the number of rows it returned or changed."""
    engine = database.engine.sync_engine

    def executed(_connection: object, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        record(statement, parameters, cursor.rowcount)

    def begun(_connection: object, name: str | None, *_: object) -> None:
        record(f"begin of {name}", (), 0)

    def ended(_connection: object, name: str | None, *_: object) -> None:
        record(f"end of {name}", (), 0)

    listeners: dict[str, Callable[..., None]] = {
        "after_cursor_execute": executed,
        "savepoint": begun,
        "release_savepoint": ended,
        "rollback_savepoint": ended,
    }
    with ExitStack() as stack:
        for name, listener in listeners.items():
            event.listen(engine, name, listener)
            stack.callback(event.remove, engine, name, listener)
        for name in DRIVER_METHODS:
            stack.enter_context(patch.object(Connection, name, _observed(getattr(Connection, name), record)))
        yield


def _observed(method: Callable[..., Awaitable[Any]], record: Record) -> Callable[..., Awaitable[Any]]:
    async def call(connection: object, query: str, *args: object, **options: Any) -> Any:
        result = await method(connection, query, *args, **options)
        if not query.startswith(TRANSACTION_COMMANDS):
            record(query, args, len(result) if isinstance(result, list) else 1)
        return result

    return call
