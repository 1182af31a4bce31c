"""What the database itself refuses, as the models name it: each is relied upon by code that two people can race."""

from collections.abc import Iterator

from app.core.orm import Base


def guards() -> Iterator[str]:
    """ "table.name" of every constraint and every unique index."""
    for table in Base.metadata.sorted_tables:
        names = [rule.name for rule in table.constraints] + [index.name for index in table.indexes if index.unique]
        yield from (f"{table.name}.{name}" for name in names if name)
