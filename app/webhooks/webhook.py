"""Webhooks: addresses that admins registered to receive booking events, and every delivery attempt."""

from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.events import Actor, AuditedMixin
from app.core.orm import Base

CHANNEL_PREFIX = "webhook:"  # and the id: each webhook is a channel of its own in the outbox and channel states


class Webhook(Base, AuditedMixin):
    """The previous signing secret stays valid until `previous_secret_until`."""

    __tablename__ = "webhooks"
    __table_args__ = (
        CheckConstraint("url LIKE 'https://%' AND length(url) <= 500", name="webhooks_url_check"),
        CheckConstraint(
            "(previous_encrypted_secret IS NULL) = (previous_secret_until IS NULL)",
            name="webhooks_previous_secret_check",
        ),
        Index("webhooks_active_key", "url", unique=True, postgresql_where=text("ended_at IS NULL")),
    )
    url: Mapped[str]
    encrypted_secret: Mapped[bytes]
    previous_encrypted_secret: Mapped[bytes | None]
    previous_secret_until: Mapped[datetime | None]
    created_by_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def subject(self) -> str:
        return f"webhook-{self.id}"

    @property
    def channel(self) -> str:
        return f"{CHANNEL_PREFIX}{self.id}"

    @property
    def public_url(self) -> str:
        """The address without the parts that may hold a secret (credentials, query)."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"

    @property
    def context(self) -> str:
        """The context in which its secrets are encrypted."""
        return f"webhook {self.url}"

    def registered(self, by: Actor) -> None:
        self.record("webhook.registered", by=by, url=self.public_url)

    def renew(self, by: Actor, encrypted_secret: bytes, valid_until: datetime) -> None:
        self.previous_encrypted_secret, self.previous_secret_until = self.encrypted_secret, valid_until
        self.encrypted_secret = encrypted_secret
        self.record("webhook.secret_renewed", by=by, until=valid_until.isoformat())

    def tested(self, by: Actor) -> None:
        self.record("webhook.tested", by=by)

    def switched_off(self, by: Actor) -> None:
        self.record("webhook.switched_off", by=by, before={"state": "open"}, after={"state": "off"})

    def switched_on(self, by: Actor) -> None:
        self.record("webhook.switched_on", by=by, before={"state": "off"}, after={"state": "open"})

    def end(self, by: Actor, now: datetime) -> None:
        self.ended_at, self.previous_encrypted_secret, self.previous_secret_until = now, None, None
        self.record("webhook.ended", by=by, before={"state": "open"}, after={"state": "ended"})


class WebhookAttempt(Base):
    """One attempt to deliver an outbox row; `status` is None without a response."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (Index("webhook_attempts_outbox_id_idx", "outbox_id", "id"),)
    outbox_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("outbox.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    result: Mapped[str]
    duration_ms: Mapped[int] = mapped_column(Integer)
