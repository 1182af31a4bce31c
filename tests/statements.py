"""Record the statements that a database is sent, and how many rows they return."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.core.db import Database
from app.payments.tax_repository import TAX_ON_SQL
from app.site_settings.repository import SELECT_VALUES
from bench.statements import observe_statements

CONTACT_STATEMENTS = (SELECT_VALUES, TAX_ON_SQL)  # of app.site_settings.contacts.load_contacts


@contextmanager
def count_statements(database: Database, *, with_contacts: bool = False) -> Iterator[list[str]]:
    """Yield the list to which every statement is added while the block runs, savepoints among them.

    Without the reading of the contacts: the process does it after a change, or without Redis every few seconds, in
    whichever request comes then.
    """
    sent: list[str] = []

    def add(statement: str, _parameters: object, _rows: int) -> None:
        if with_contacts or statement not in CONTACT_STATEMENTS:
            sent.append(statement)

    with observe_statements(database, add):
        yield sent


@contextmanager
def returned_rows(database: Database) -> Iterator[list[int]]:
    """Yield the list to which the number of rows of every statement is added while the block runs."""
    numbers: list[int] = []
    with observe_statements(database, lambda _statement, _parameters, rows: numbers.append(rows)):
        yield numbers
