"""Whether a channel outside works: after ten failures in an hour it is switched off, and says so to the admins."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Keyed


class ChannelState(Keyed):
    __tablename__ = "channel_states"
    __table_args__ = (CheckConstraint("failures >= 0", name="channel_states_failures_check"),)
    channel: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    counted_since: Mapped[datetime | None]
    wait_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(default="", server_default="")
