"""The same form sent twice has one effect: a key per person, remembered with what it made."""

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
from app.core.orm import Keyed

LONGEST = 100


class IdempotencyKey(Keyed):
    """`digest` is of the form that came with the key: the same key with another form is refused (422)."""

    __tablename__ = "idempotency_keys"
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    digest: Mapped[bytes]
    result: Mapped[str]
    created_at: Mapped[datetime]


async def made_by(
    db: AsyncSession, user_id: int, key: str, purpose: str, form: Mapping[str, object]
) -> IdempotencyKey | None:
    """The key's row, for `result`: empty when it is new, and then this transaction's until its end. None without a key.

    Two at once: the second waits here for the first. Invalid when the key came with another form.
    """
    if not key:
        return None
    if len(key) > LONGEST:
        raise Invalid({"idempotency_key": _("This key is too long.")})
    digest = _digest(purpose, form)
    claim = {"user_id": user_id, "key": key, "purpose": purpose, "digest": digest, "result": ""}
    await db.execute(insert(IdempotencyKey).values(**claim, created_at=clock.now()).on_conflict_do_nothing())
    mine = select(IdempotencyKey).where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
    row = (await db.scalars(mine.with_for_update().execution_options(populate_existing=True))).one()
    if row.digest != digest:
        raise Invalid({"idempotency_key": _("This form was sent already, with something else in it.")})
    return row


async def forget(db: AsyncSession, row: IdempotencyKey | None) -> None:
    """Nothing was made in the end: the key may come again with another form."""
    if row is not None:
        await db.delete(row)


def _digest(purpose: str, form: Mapping[str, object]) -> bytes:
    said = json.dumps([purpose, form], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(said.encode()).digest()


async def prune(db: AsyncSession, now: datetime) -> int:
    """A key is remembered for a week: nobody sends a form again after that."""
    old = delete(IdempotencyKey).where(IdempotencyKey.created_at <= now - timedelta(days=7))
    return len((await db.scalars(old.returning(IdempotencyKey.key))).all())
