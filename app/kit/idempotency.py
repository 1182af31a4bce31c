"""The same form sent twice has one effect: a key per person, remembered with what it made."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.rows import Keyed


class IdempotencyKey(Keyed):
    """`digest` is of the form that came with the key: the same key with another form is refused (422)."""

    __tablename__ = "idempotency_keys"
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    digest: Mapped[bytes]
    result: Mapped[str]
    created_at: Mapped[datetime]
