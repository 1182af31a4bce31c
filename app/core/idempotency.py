"""Idempotency keys: the same form sent twice by a user has one effect, and the first result is returned."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ForeignKey, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.orm import NaturalKeyBase

MAX_KEY_LENGTH = 100


class IdempotencyKey(NaturalKeyBase):
    """`digest` identifies the form sent with the key; the same key with another form is refused (422)."""

    __tablename__ = "idempotency_keys"
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    digest: Mapped[bytes]
    result: Mapped[str]
    created_at: Mapped[datetime]


async def claim_key(
    db: AsyncSession, user_id: int, key: str, purpose: str, form: Mapping[str, object]
) -> IdempotencyKey | None:
    """Lock and return the key's row; None without a key. Its `result` is empty the first time, to be filled in.

    A concurrent request with the same key waits here. Invalid when the key was used with another form.
    """
    if not key:
        return None
    if len(key) > MAX_KEY_LENGTH:
        raise Invalid({"idempotency_key": _("This key is too long.")})
    digest = _digest(purpose, form)
    claim = {"user_id": user_id, "key": key, "purpose": purpose, "digest": digest, "result": ""}
    await db.execute(insert(IdempotencyKey).values(**claim, created_at=clock.now()).on_conflict_do_nothing())
    query = select(IdempotencyKey).where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
    row = (await db.scalars(query.with_for_update().execution_options(populate_existing=True))).one()
    if row.digest != digest:
        raise Invalid({"idempotency_key": _("This form was already sent with different details.")})
    return row


async def release_key(db: AsyncSession, row: IdempotencyKey | None) -> None:
    """Delete a key that had no effect, so that it can be used again with another form."""
    if row is not None:
        await db.delete(row)


async def prune(db: AsyncSession, now: datetime) -> int:
    """Delete keys after a week; return how many."""
    query = delete(IdempotencyKey).where(IdempotencyKey.created_at <= now - timedelta(days=7))
    return len((await db.scalars(query.returning(IdempotencyKey.key))).all())


def _digest(purpose: str, form: Mapping[str, object]) -> bytes:
    canonical = json.dumps([purpose, form], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode()).digest()
