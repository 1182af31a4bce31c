"""From the session cookie to `me`: the only bridge between HTTP and a User."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.session import BROWSER, IDLE, TOKEN, Principal, Sessions
from app.accounts.user import User
from app.core import clock
from app.core.secrets import digest, new_token
from app.web.context import Connection, visit_of
from app.web.templating import initials, tint

SEEN_EVERY = timedelta(minutes=10)
FRESH_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Me:
    """The signed-in person. `blocked` is the reason given, `standing` a professional's (pending, approved, denied)."""

    id: int
    role: str
    name: str
    initials: str
    tint: int
    email: str
    verified: bool
    blocked: str | None
    standing: str | None
    unread: bool
    session_id: int
    fresh_at: datetime

    @property
    def is_fresh(self) -> bool:
        """Was the password given within the last 15 minutes?"""
        return clock.now() - self.fresh_at < FRESH_FOR


async def load(connection: Connection) -> Me | None:
    """Who sends this request; no cookie, no query. API routes (`api=True`) take a bearer token and never the cookie."""
    kind = TOKEN if connection.route_handler.opt.get("api") else BROWSER
    token = _bearer(connection) if kind == TOKEN else _cookie(connection)
    if not token or len(token) > 100:
        return None
    sessions = Sessions(connection.app.state.database)
    found = await sessions.principal(digest(token), clock.now(), kind)
    if found is None:
        return None
    if clock.now() - found.last_seen_at > SEEN_EVERY:
        await sessions.seen(found.session_id, clock.now())
    return _me(found)


async def sign_in(connection: Connection, db: AsyncSession, user: User) -> None:
    """A new session for this browser, whatever cookie it came with; the old one ends."""
    await sign_out(connection, db)
    state, token = connection.app.state, new_token()
    await Sessions(state.database).open(db, user, digest(token), clock.now(), connection.headers.get("user-agent", ""))
    cookies = visit_of(connection).cookies
    cookies[:] = [cookie for cookie in cookies if cookie.key != state.cookies.session]
    cookies.append(state.cookies.make(state.cookies.session, token, int(IDLE.total_seconds())))


async def give_token(connection: Connection, db: AsyncSession, user: User) -> str:
    """A program's token: 256 bits, of which only the digest is kept; it lives and ends as sessions do."""
    token, sessions = new_token(), Sessions(connection.app.state.database)
    await sessions.open(db, user, digest(token), clock.now(), connection.headers.get("user-agent", ""), TOKEN)
    return token


async def end_token(connection: Connection, db: AsyncSession) -> None:
    if token := _bearer(connection):
        await Sessions(connection.app.state.database).close(db, digest(token))


async def sign_out(connection: Connection, db: AsyncSession) -> None:
    """This browser's session ends, and its live streams with it."""
    state = connection.app.state
    if token := _cookie(connection):
        await Sessions(state.database).close(db, digest(token))
        visit_of(connection).cookies.append(state.cookies.removed(state.cookies.session))


async def still_in(connection: Connection, session_ids: list[int]) -> dict[int, bool]:
    """Which of these sessions live, and whether their person is blocked: asked by open streams."""
    return await Sessions(connection.app.state.database).living(session_ids, clock.now())


def _cookie(connection: Connection) -> str | None:
    return connection.cookies.get(connection.app.state.cookies.session)


def _bearer(connection: Connection) -> str | None:
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _me(found: Principal) -> Me:
    return Me(
        id=found.user_id,
        role=found.role,
        name=found.full_name,
        initials=initials(found.full_name),
        tint=tint(found.full_name),
        email=found.email,
        verified=found.email_verified_at is not None,
        blocked=found.blocked,
        standing=found.standing,
        unread=found.unread,
        session_id=found.session_id,
        fresh_at=found.fresh_at,
    )
