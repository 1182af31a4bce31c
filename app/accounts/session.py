"""Sessions, known devices, links sent by email, and counted attempts: only digests of secrets are stored."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, delete, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.user import User
from app.core import sql
from app.core.card_numbers import contains_card_number
from app.core.db import Database
from app.core.events import nudge
from app.core.orm import Base, NaturalKeyBase, TextEnum

IDLE_TIMEOUT = timedelta(days=14)
MAX_LIFETIME = timedelta(days=90)
DEVICE_LIFETIME = timedelta(days=90)
CODE_LIFETIME = timedelta(minutes=10)
MAX_CODE_TRIES = 5
CODE_RETENTION = timedelta(days=1)
SESSION_ENDED = "session-ended"  # sent to user:<id>; open streams check their session again


class SessionKind(enum.StrEnum):
    """A browser sends its cookie, a program its bearer token."""

    BROWSER = "browser"
    TOKEN = "token"


class LinkPurpose(enum.StrEnum):
    VERIFY = "verify"
    RESET = "reset"


class Session(Base):
    """A signed-in browser or program: the client has 256 random bits, the row their SHA-256."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("sessions_user_id_idx", "user_id"),
        Index("sessions_expires_at_idx", "expires_at"),
        CheckConstraint("kind IN ('browser', 'token')", name="sessions_kind_check"),
    )
    kind: Mapped[SessionKind] = mapped_column(
        TextEnum(SessionKind), default=SessionKind.BROWSER, server_default=SessionKind.BROWSER
    )
    digest: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    epoch: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    fresh_at: Mapped[datetime]
    user_agent: Mapped[str] = mapped_column(default="", server_default="")


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a session. `blocked`: the reason of the block in force; `unread`: a notification is unread."""

    session_id: int
    last_seen_at: datetime
    fresh_at: datetime
    user_id: int
    role: str
    full_name: str
    email: str
    email_verified_at: datetime | None
    blocked: str | None
    approval_status: str | None
    unread: bool
    right: str


# Every second for all open pages of a process.
CHANGED_SESSIONS = """
    SELECT opened.id FROM unnest($1::bigint[], $2::boolean[]) AS opened (id, is_blocked)
     WHERE NOT EXISTS (
        SELECT FROM sessions s JOIN users u ON u.id = s.user_id AND u.epoch = s.epoch
         WHERE s.id = opened.id AND s.expires_at > $3 AND s.last_seen_at > $4 AND opened.is_blocked = EXISTS (
            SELECT FROM blocks b WHERE b.user_id = s.user_id AND b.lifted_at IS NULL))
"""
# Hand-written: it runs before every page of a signed-in user. It reads the inbox of a higher room, a listed exception.
PRINCIPAL = """
    SELECT s.id AS session_id, s.last_seen_at, s.fresh_at, u.id AS user_id, u.role, u.full_name, u.email,
           u.email_verified_at, b.reason AS blocked, p.approval_status,
           EXISTS (SELECT 1 FROM inbox_items n WHERE n.user_id = u.id AND n.read_at IS NULL) AS unread,
           u.admin_right
    FROM sessions s
    JOIN users u ON u.id = s.user_id AND u.epoch = s.epoch
    LEFT JOIN blocks b ON b.user_id = u.id AND b.lifted_at IS NULL
    LEFT JOIN professionals p ON p.user_id = u.id
    WHERE s.digest = $1 AND s.kind = $2 AND s.expires_at > $3 AND s.last_seen_at > $4
"""


class Sessions:
    """Sessions are read outside the request's own transaction, and opened and closed in it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def principal(
        self, digest: bytes, now: datetime, kind: SessionKind = SessionKind.BROWSER
    ) -> Principal | None:
        """The holder of an active session: at most 14 days idle and 90 days in all.

        A browser's cookie is not accepted as a program's token, nor the other way round.
        """
        row = await self._database.fetch_row(PRINCIPAL, digest, kind, now, now - IDLE_TIMEOUT)
        return Principal(*row) if row else None

    async def touch(self, session_id: int, now: datetime) -> None:
        async with self._database.work() as db:
            await db.execute(update(Session).where(Session.id == session_id).values(last_seen_at=now))

    async def open(
        self,
        db: AsyncSession,
        user: User,
        digest: bytes,
        now: datetime,
        user_agent: str,
        kind: SessionKind = SessionKind.BROWSER,
    ) -> None:
        db.add(
            Session(
                kind=kind,
                digest=digest,
                user_id=user.id,
                epoch=user.epoch,
                created_at=now,
                last_seen_at=now,
                fresh_at=now,
                expires_at=now + MAX_LIFETIME,
                user_agent="" if contains_card_number(user_agent) else user_agent[:200],
            )
        )
        await db.flush()

    async def close(self, db: AsyncSession, digest: bytes) -> None:
        closed = await db.execute(delete(Session).where(Session.digest == digest).returning(Session.user_id))
        for user_id in closed.scalars():
            nudge(db, f"user:{user_id}", SESSION_ENDED)

    async def close_all(self, db: AsyncSession, user_id: int, *, except_id: int | None = None) -> None:
        """End every session of a user except `except_id`: after a block, a new password, or "sign out everywhere"."""
        await db.execute(delete(Session).where(Session.user_id == user_id, Session.id.is_distinct_from(except_id)))
        nudge(db, f"user:{user_id}", SESSION_ENDED)

    async def changed(self, session_ids: list[int], are_blocked: list[bool], now: datetime) -> list[int]:
        """Those of `session_ids` that have ended, or whose user is no longer blocked or not, as `are_blocked` says."""
        async with self._database.reading() as db:
            rows = await sql.fetch(db, CHANGED_SESSIONS, session_ids, are_blocked, now, now - IDLE_TIMEOUT)
            return [row["id"] for row in rows]


class DeviceToken(Base):
    """An account that a browser or program signed in to: the client has 256 random bits, the rows their SHA-256."""

    __tablename__ = "device_tokens"
    __table_args__ = (
        UniqueConstraint("user_id", "digest", name="device_tokens_user_id_digest_key"),
        Index("device_tokens_digest_idx", "digest"),
        Index("device_tokens_expires_at_idx", "expires_at"),
        CheckConstraint("length(digest) = 32", name="device_tokens_digest_check"),
        CheckConstraint(
            "expires_at > last_used_at AND expires_at <= last_used_at + interval '90 days'",
            name="device_tokens_expires_at_check",
        ),
    )
    digest: Mapped[bytes]
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class EmailLink(Base):
    """A single-use link: to verify `address` (which is the account's from then on), or to set a new password."""

    __tablename__ = "email_links"
    __table_args__ = (
        CheckConstraint("purpose IN ('verify', 'reset')", name="email_links_purpose_check"),
        Index("email_links_user_id_idx", "user_id"),
    )
    digest: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[LinkPurpose] = mapped_column(TextEnum(LinkPurpose))
    address: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInCode(Base):
    """A six-digit code that was sent to an address: the row has its keyed digest.

    `browser`: the digest of the cookie of the browser that asked; `device`: of the known device that it was, if it was
    one; `user_id`: the account of the address, if it has one; `ended_at`: when it was replaced, given up or, by a new
    account, used.
    """

    __tablename__ = "sign_in_codes"
    __table_args__ = (
        CheckConstraint("length(digest) = 32 AND length(browser) = 32", name="sign_in_codes_digest_check"),
        CheckConstraint("attempts BETWEEN 0 AND 5", name="sign_in_codes_attempts_check"),
        CheckConstraint(
            "expires_at > created_at AND expires_at <= created_at + interval '10 minutes'",
            name="sign_in_codes_expires_at_check",
        ),
        Index(
            "sign_in_codes_live_key",
            "browser",
            "email",
            unique=True,
            postgresql_where=text("used_at IS NULL AND ended_at IS NULL"),
        ),
        Index("sign_in_codes_email_idx", "email", "created_at"),
        Index("sign_in_codes_user_id_idx", "user_id"),
        Index("sign_in_codes_created_at_idx", "created_at"),
    )
    email: Mapped[str]
    browser: Mapped[bytes]
    device: Mapped[bytes | None]
    user_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    digest: Mapped[bytes]
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Attempts(NaturalKeyBase):
    """Counted attempts under one key, such as an account or a network (app.accounts.attempts)."""

    __tablename__ = "attempts"
    key: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    first_at: Mapped[datetime]
    wait_until: Mapped[datetime]


async def prune(db: AsyncSession, now: datetime) -> int:
    """Delete expired sessions and devices, links after a week, attempts and codes after a day.

    Return the number of sessions.
    """
    expired = delete(Session).where(Session.expires_at <= now)
    deleted = (await db.scalars(expired.returning(Session.id))).all()
    await db.execute(delete(DeviceToken).where(DeviceToken.expires_at <= now))
    await db.execute(delete(EmailLink).where(EmailLink.expires_at <= now - timedelta(days=7)))
    await db.execute(delete(SignInCode).where(SignInCode.created_at <= now - CODE_RETENTION))
    await db.execute(delete(Attempts).where(Attempts.wait_until <= now - timedelta(days=1)))
    return len(deleted)
