"""What a person does not want to be notified of, by which channel; quiet hours; one-click unsubscribing."""

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.user import Role
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Missing
from app.core.i18n import N_
from app.core.orm import NaturalKeyBase
from app.notifications.kinds import NotificationKind

# What can be muted, each with at least one kind (app.notifications.kinds); account and codes cannot.
TOPICS = {
    "bookings": N_("Bookings and jobs"),
    "reminders": N_("Reminders"),
    "reports": N_("Monthly report"),
}
TOPIC_ROLES = {"reports": (Role.CUSTOMER,)}  # roles that a topic is for; every other topic is for all
UNSUBSCRIBE_PURPOSE = "unsubscribe"


class MutedTopic(NaturalKeyBase):
    """A topic that this person does not want through this channel."""

    __tablename__ = "muted_topics"
    __table_args__ = (
        CheckConstraint("topic IN ('bookings', 'reminders', 'reports', 'reviews')", name="muted_topics_topic_check"),
        CheckConstraint("channel ~ '^[a-z][a-z_]*(:[0-9]+)?$'", name="muted_topics_channel_check"),
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)


class QuietHours(NaturalKeyBase):
    """Minutes after midnight, Asia/Kolkata; `since` after `until` spans midnight. Deferrable kinds wait for the end."""

    __tablename__ = "quiet_hours"
    __table_args__ = (
        CheckConstraint(
            "since BETWEEN 0 AND 1439 AND until BETWEEN 0 AND 1439 AND since <> until", name="quiet_hours_span_check"
        ),
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[int] = mapped_column(SmallInteger)
    until: Mapped[int] = mapped_column(SmallInteger)


@dataclass(frozen=True, slots=True)
class NotificationPreferences:
    """`muted` are (topic, channel); `quiet` is (since, until) in minutes after midnight, Asia/Kolkata."""

    muted: frozenset[tuple[str, str]]
    quiet: tuple[int, int] | None

    def allows(self, kind: NotificationKind, channel: str) -> bool:
        return (kind.topic, channel) not in self.muted

    def quiet_until(self, now: datetime) -> datetime | None:
        """The end of the quiet hours in force at `now`, or None outside them."""
        if self.quiet is None:
            return None
        local = now.astimezone(clock.IST)
        minute, (since, until) = local.hour * 60 + local.minute, self.quiet
        is_quiet = since <= minute < until if since < until else minute >= since or minute < until
        if not is_quiet:
            return None
        return clock.at(local.date() + timedelta(days=minute >= until), until)


def unsubscribe_token(encryption: Encryption, user_id: int, topic: str) -> str:
    """The part of an unsubscribe address that names user and topic, signed."""
    value = f"{user_id}.{topic}"
    return f"{value}.{_signatures(encryption, value)[0]}"


def parse_unsubscribe_token(encryption: Encryption, token: str) -> tuple[int, str]:
    """Return (user id, topic). Raises Missing for a token that was not made here."""
    value, _dot, signature = token.rpartition(".")
    number, _separator, topic = value.partition(".")
    valid = number.isascii() and number.isdigit() and len(number) < 19 and topic in TOPICS
    known = [candidate.encode() for candidate in _signatures(encryption, value)]
    if not valid or not any(hmac.compare_digest(signature.encode(), candidate) for candidate in known):
        raise Missing
    return int(number), topic


def _signatures(encryption: Encryption, value: str) -> list[str]:
    """With the present key, then with the previous one."""
    digests = encryption.digests(value, UNSUBSCRIBE_PURPOSE)
    return [base64.urlsafe_b64encode(digest[:18]).decode() for digest in digests]
