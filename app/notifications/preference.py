"""What somebody does not want to hear, through which channel, and when they want quiet."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Keyed

TOPICS = ("bookings", "reminders", "reports", "reviews")  # account and codes cannot be muted
CHANNELS = ("inbox", "email", "chat")


class Muted(Keyed):
    """A topic that this person does not want through this channel."""

    __tablename__ = "muted"
    __table_args__ = (
        CheckConstraint("topic IN ('bookings', 'reminders', 'reports', 'reviews')", name="muted_topic_check"),
        CheckConstraint("channel IN ('inbox', 'email', 'chat')", name="muted_channel_check"),
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)


class QuietHours(Keyed):
    """Minutes after midnight, Asia/Kolkata; `since` after `until` goes over midnight. What can wait goes out after."""

    __tablename__ = "quiet_hours"
    __table_args__ = (
        CheckConstraint(
            "since BETWEEN 0 AND 1439 AND until BETWEEN 0 AND 1439 AND since <> until", name="quiet_hours_span_check"
        ),
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[int] = mapped_column(SmallInteger)
    until: Mapped[int] = mapped_column(SmallInteger)
