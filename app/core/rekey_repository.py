"""Move the encrypted values of a table to the present SECRET_KEY, in batches by ascending id."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.encrypted_column import EncryptedColumn
from app.core.encryption import Encryption
from app.core.sql import execute, fetch

BATCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class RekeyedBatch:
    """`last_id` is None at the end of the table; `unreadable` values fit neither key and stay as they are."""

    last_id: int | None
    moved: int = 0
    current: int = 0
    unreadable: int = 0


async def rekey_batch(
    db: AsyncSession, encryption: Encryption, column: EncryptedColumn, after: int, size: int = BATCH_SIZE
) -> RekeyedBatch:
    """Move the values of the next rows. Values that have moved already are left alone, so it may run again."""
    rows = await fetch(db, _selection(column), after, size)
    if not rows:
        return RekeyedBatch(None)
    ids, values, digests, current, unreadable = [], [], [], 0, 0
    for row_id, value, context in rows:
        if encryption.is_current(value, context):
            current += 1
        elif (plain := encryption.decrypt(value, context)) is None:
            unreadable += 1
        else:
            ids.append(row_id)
            values.append(encryption.encrypt(plain, context))
            digests.append(encryption.digest(plain, context))
    if ids:
        await execute(db, _change(column), ids, values, digests)
    return RekeyedBatch(rows[-1][0], len(ids), current, unreadable)


def _selection(column: EncryptedColumn) -> str:
    """Locks in ascending order, as everyone does who writes several of these rows."""
    return (
        f"SELECT t.id, {column.value}, {column.context} FROM {column.table} t {column.join}"
        f" WHERE t.id > $1 AND {column.value} IS NOT NULL ORDER BY t.id LIMIT $2 FOR UPDATE OF t"
    )


def _change(column: EncryptedColumn) -> str:
    return (
        f"UPDATE {column.table} t SET {column.assignment}"
        " FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS moved (id, value, digest) WHERE t.id = moved.id"
    )
