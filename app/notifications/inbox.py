"""What a person was told, kept for the list in the app until they have read it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base


class Notice(Base):
    """One line of a person's list. `data` holds references, as in the outbox; the words are made when it is read."""

    __tablename__ = "notices"
    __table_args__ = (
        Index("notices_user_idx", "user_id", "id"),
        Index("notices_unread_idx", "user_id", postgresql_where=text("read_at IS NULL")),
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
