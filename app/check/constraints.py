"""List the constraints that the models declare, because code relies on them under concurrency."""

from collections.abc import Iterator

from sqlalchemy import Constraint, Index

from app.core.orm import Base


def constraint_names() -> Iterator[str]:
    """Yield "table.name" of every constraint and every unique index."""
    for table in Base.metadata.sorted_tables:
        unique_indexes = [index for index in table.indexes if index.unique]
        rules: list[Constraint | Index] = [*table.constraints, *unique_indexes]
        names = [rule.name for rule in rules]
        yield from (f"{table.name}.{name}" for name in names if name)
