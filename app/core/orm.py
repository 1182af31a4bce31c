"""The bases of every row, and which column type a Python type gets."""

from datetime import datetime
from typing import Any

from advanced_alchemy.base import DefaultBase, IdentityBase
from sqlalchemy import BigInteger, DateTime, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

TYPES: dict[Any, TypeEngine[Any]] = {
    int: BigInteger(),
    str: Text(),
    bytes: LargeBinary(),
    datetime: DateTime(timezone=True),
    dict[str, Any]: JSONB(),
}
IdentityBase.registry.update_type_annotation_map(TYPES)
DefaultBase.registry.update_type_annotation_map(TYPES)
metadata = IdentityBase.metadata
metadata.naming_convention = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "ck": "%(constraint_name)s",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
}


class Base(IdentityBase):
    """A row with an integer `id` that the database gives."""

    __abstract__ = True


class Keyed(DefaultBase):
    """A row that has its own natural key."""

    __abstract__ = True
