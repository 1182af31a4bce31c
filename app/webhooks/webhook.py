"""Where a program of the firm's hears about bookings: an address that an admin registered, and how each try went."""

from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.events import Actor, Chronicle
from app.core.orm import Base

CHANNEL = "webhook:"  # and the id: each has rows of the outbox, failures and waits of its own


class Webhook(Base, Chronicle):
    """`sealed` is the secret that signs; the one before it signs as well until `old_until`."""

    __tablename__ = "webhooks"
    __table_args__ = (
        CheckConstraint("url LIKE 'https://%' AND length(url) <= 500", name="webhooks_url_check"),
        CheckConstraint("(old_sealed IS NULL) = (old_until IS NULL)", name="webhooks_old_check"),
        Index("webhooks_living_key", "url", unique=True, postgresql_where=text("ended_at IS NULL")),
    )
    url: Mapped[str]
    sealed: Mapped[bytes]
    old_sealed: Mapped[bytes | None]
    old_until: Mapped[datetime | None]
    by_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def subject(self) -> str:
        return f"webhook-{self.id}"

    @property
    def channel(self) -> str:
        return f"{CHANNEL}{self.id}"

    @property
    def shown(self) -> str:
        """The address without what may be secret in it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"

    @property
    def context(self) -> str:
        """What its secrets are sealed for."""
        return f"webhook {self.url}"

    def registered(self, by: Actor) -> None:
        self.record("webhook.registered", by=by, url=self.shown)

    def renew(self, by: Actor, sealed: bytes, old_until: datetime) -> None:
        self.sealed, self.old_sealed, self.old_until = sealed, self.sealed, old_until
        self.record("webhook.secret_renewed", by=by, until=old_until.isoformat())

    def tested(self, by: Actor) -> None:
        self.record("webhook.tested", by=by)

    def switched_off(self, by: Actor) -> None:
        self.record("webhook.switched_off", by=by, before={"state": "open"}, after={"state": "off"})

    def switched_on(self, by: Actor) -> None:
        self.record("webhook.switched_on", by=by, before={"state": "off"}, after={"state": "open"})

    def end(self, by: Actor, now: datetime) -> None:
        self.ended_at, self.old_sealed, self.old_until = now, None, None
        self.record("webhook.ended", by=by, before={"state": "open"}, after={"state": "ended"})


class WebhookTry(Base):
    """One attempt to deliver a row of the outbox: `status` is None without an answer, `took` in milliseconds."""

    __tablename__ = "webhook_tries"
    __table_args__ = (Index("webhook_tries_outbox_id_idx", "outbox_id", "id"),)
    outbox_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("outbox.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    told: Mapped[str]
    took: Mapped[int] = mapped_column(Integer)
