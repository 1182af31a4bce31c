"""Browser sessions, links sent by mail, and counted tries: only digests of secrets are stored."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.rows import Base, Keyed


class Session(Base):
    """One signed-in browser: 256 random bits in the cookie, their SHA-256 here."""

    __tablename__ = "sessions"
    __table_args__ = (Index("sessions_user_id_idx", "user_id"), Index("sessions_expires_at_idx", "expires_at"))
    digest: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    epoch: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    fresh_at: Mapped[datetime]
    user_agent: Mapped[str] = mapped_column(default="", server_default="")


class MailLink(Base):
    """A single-use link: to verify `address` (which is the account's from then on), or to set a new password."""

    __tablename__ = "mail_links"
    __table_args__ = (
        CheckConstraint("purpose IN ('verify', 'reset')", name="mail_links_purpose_check"),
        Index("mail_links_user_id_idx", "user_id"),
    )
    digest: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str]
    address: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Attempts(Keyed):
    """Wrong tries under one key (an account, an address of the network): they slow down, they never lock out."""

    __tablename__ = "attempts"
    key: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    first_at: Mapped[datetime]
    wait_until: Mapped[datetime]
