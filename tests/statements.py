"""Record the statements that an engine sends, and how many rows they return."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.core.db import Database


@contextmanager
def count_statements(database: Database) -> Iterator[list[str]]:
    """Yield the list to which every statement is added while the block runs, savepoints among them."""
    sent: list[str] = []
    engine = database.engine.sync_engine

    def add(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    def savepoint(_connection: object, name: str, *_: object) -> None:
        sent.append(name)

    event.listen(engine, "before_cursor_execute", add)
    event.listen(engine, "savepoint", savepoint)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", add)
        event.remove(engine, "savepoint", savepoint)


@contextmanager
def returned_rows(database: Database) -> Iterator[list[int]]:
    """Yield the list to which the number of rows of every statement is added while the block runs."""
    numbers: list[int] = []
    engine = database.engine.sync_engine

    def add(_connection: object, cursor: Any, *_: object) -> None:
        numbers.append(cursor.rowcount)

    event.listen(engine, "after_cursor_execute", add)
    try:
        yield numbers
    finally:
        event.remove(engine, "after_cursor_execute", add)
