"""Outgoing messages, written in the same transaction as their cause; a worker delivers each once."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base


class Outbox(Base):
    """One message to one recipient. `priority`: 0 first (codes, bookings), 2 last (broadcasts).

    `data` holds references and encrypted values, never a code or a card number.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("recipient_id IS NOT NULL OR address IS NOT NULL", name="outbox_recipient_check"),
        CheckConstraint("channel ~ '^[a-z][a-z_]*(:[0-9]+)?$'", name="outbox_channel_check"),
        CheckConstraint("priority BETWEEN 0 AND 2", name="outbox_priority_check"),
        Index("outbox_recipient_idx", "recipient_id", postgresql_where=text("recipient_id IS NOT NULL")),
        Index(
            "outbox_due_idx",
            "channel",
            "priority",
            "due_at",
            postgresql_where=text("sent_at IS NULL AND parked_at IS NULL"),
        ),
    )
    channel: Mapped[str] = mapped_column(default="email", server_default="email")
    priority: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    kind: Mapped[str]
    recipient_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    address: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    claimed_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
