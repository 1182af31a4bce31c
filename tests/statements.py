"""Record the statements that a database is sent, and how many rows they return."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.core.db import Database
from bench.statements import observe_statements


@contextmanager
def count_statements(database: Database) -> Iterator[list[str]]:
    """Yield the list to which every statement is added while the block runs, savepoints among them."""
    sent: list[str] = []
    with observe_statements(database, lambda statement, _parameters, _rows: sent.append(statement)):
        yield sent


@contextmanager
def returned_rows(database: Database) -> Iterator[list[int]]:
    """Yield the list to which the number of rows of every statement is added while the block runs."""
    numbers: list[int] = []
    with observe_statements(database, lambda _statement, _parameters, rows: numbers.append(rows)):
        yield numbers
