"""Browser sessions, links sent by mail, and counted tries: only digests of secrets are stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.user import Block, User
from app.core.card_numbers import holds_card_number
from app.core.db import Database
from app.core.events import nudge
from app.core.orm import Base, Keyed

IDLE = timedelta(days=14)
ABSOLUTE = timedelta(days=90)
BROWSER, TOKEN = "browser", "token"
SESSION_ENDED = "session-ended"  # nudge to user:<id>: open streams ask again whether they may go on


class Session(Base):
    """One signed-in browser: 256 random bits in the cookie, their SHA-256 here."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("sessions_user_id_idx", "user_id"),
        Index("sessions_expires_at_idx", "expires_at"),
        CheckConstraint("kind IN ('browser', 'token')", name="sessions_kind_check"),
    )
    kind: Mapped[str] = mapped_column(default=BROWSER, server_default=BROWSER)
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
    """One row about whoever holds a session; `blocked` is the reason in force, `unread`: a notice waits."""

    session_id: int
    last_seen_at: datetime
    fresh_at: datetime
    user_id: int
    role: str
    full_name: str
    email: str
    email_verified_at: datetime | None
    blocked: str | None
    standing: str | None
    unread: bool


# By hand: this runs before every page of everybody who is signed in, and `professionals` belongs to a higher feature.
PRINCIPAL = text("""
    SELECT s.id AS session_id, s.last_seen_at, s.fresh_at, u.id AS user_id, u.role, u.full_name, u.email,
           u.email_verified_at, b.reason AS blocked, p.standing,
           EXISTS (SELECT 1 FROM notices n WHERE n.user_id = u.id AND n.read_at IS NULL) AS unread
    FROM sessions s
    JOIN users u ON u.id = s.user_id AND u.epoch = s.epoch
    LEFT JOIN blocks b ON b.user_id = u.id AND b.lifted_at IS NULL
    LEFT JOIN professionals p ON p.user_id = u.id
    WHERE s.digest = :digest AND s.kind = :kind AND s.expires_at > :now AND s.last_seen_at > :idle
""")


class Sessions:
    """Reading is done beside the request's own transaction; opening and closing belong to it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def principal(self, digest: bytes, now: datetime, kind: str = BROWSER) -> Principal | None:
        """Whoever holds the token of this digest, if the session lives: 14 days idle, 90 in all.

        A browser's cookie is no program's token, nor the other way round: each is found as its own `kind` alone.
        """
        asked = {"digest": digest, "kind": kind, "now": now, "idle": now - IDLE}
        async with self._database.reading() as db:
            found = await db.execute(PRINCIPAL, asked)
            row = found.one_or_none()
        return Principal(*row) if row else None

    async def seen(self, session_id: int, now: datetime) -> None:
        async with self._database.work() as db:
            await db.execute(update(Session).where(Session.id == session_id).values(last_seen_at=now))

    async def open(
        self, db: AsyncSession, user: User, digest: bytes, now: datetime, user_agent: str, kind: str = BROWSER
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
                expires_at=now + ABSOLUTE,
                user_agent="" if holds_card_number(user_agent) else user_agent[:200],
            )
        )
        await db.flush()

    async def close(self, db: AsyncSession, digest: bytes) -> None:
        closed = await db.execute(delete(Session).where(Session.digest == digest).returning(Session.user_id))
        for user_id in closed.scalars():
            nudge(db, f"user:{user_id}", SESSION_ENDED)

    async def close_all(self, db: AsyncSession, user_id: int, *, but: int | None = None) -> None:
        """Blocked, new password, "sign out everywhere": each browser's session ends, `but` one if given."""
        await db.execute(delete(Session).where(Session.user_id == user_id, Session.id.is_distinct_from(but)))
        nudge(db, f"user:{user_id}", SESSION_ENDED)

    async def living(self, session_ids: list[int], now: datetime) -> dict[int, bool]:
        """Those of `session_ids` that live, each with: is its person blocked?"""
        blocked = select(Block.id).where(Block.user_id == Session.user_id, Block.lifted_at.is_(None)).exists()
        question = (
            select(Session.id, blocked)
            .join(User, (User.id == Session.user_id) & (User.epoch == Session.epoch))
            .where(Session.id.in_(session_ids), Session.expires_at > now, Session.last_seen_at > now - IDLE)
        )
        async with self._database.reading() as db:
            rows = await db.execute(question)
            return {row[0]: row[1] for row in rows}


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


async def prune(db: AsyncSession, now: datetime) -> int:
    """Forget sessions that are over, links that are a week past and tries that no longer slow anybody down."""
    over = delete(Session).where(Session.expires_at <= now)
    gone = (await db.scalars(over.returning(Session.id))).all()
    await db.execute(delete(MailLink).where(MailLink.expires_at <= now - timedelta(days=7)))
    await db.execute(delete(Attempts).where(Attempts.wait_until <= now - timedelta(days=1)))
    return len(gone)
