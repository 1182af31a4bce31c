"""A professional's jobs at a secret address that a calendar program reads by itself: only its digest is kept."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Keyed


class CalendarFeed(Keyed):
    """At most one for each professional; a new one takes the old one's place."""

    __tablename__ = "calendar_feeds"
    professional_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("professionals.user_id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
