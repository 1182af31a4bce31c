"""Load the signed-in user from the session cookie or bearer token; start and end sessions."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from litestar.datastructures import Cookie
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Devices
from app.accounts.session import DEVICE_LIFETIME, IDLE_TIMEOUT, Principal, SessionKind, Sessions
from app.accounts.user import User
from app.core import clock
from app.core.secrets import digest, new_token
from app.web.context import Connection, context_of
from app.web.guards import has_right
from app.web.security import bearer_token
from app.web.services import services_of
from app.web.templating import initials, tint

LAST_SEEN_INTERVAL = timedelta(minutes=10)
FRESH_DURATION = timedelta(minutes=15)
MAX_TOKEN_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Me:
    """The signed-in user. `blocked`: the reason of the active block; `approval_status`: only of professionals."""

    id: int
    role: str
    name: str
    email: str
    verified: bool
    blocked: str | None
    approval_status: str | None
    unread: bool
    session_id: int
    fresh_at: datetime
    right: str  # of an admin: an AdminRight

    @property
    def initials(self) -> str:
        return initials(self.name)

    @property
    def tint(self) -> int:
        return tint(self.name)

    def may(self, right: str) -> bool:
        """Whether this is an admin with that right, or one that includes it."""
        return self.role == "admin" and has_right(self, right)

    @property
    def is_fresh(self) -> bool:
        """Whether the password was given within the last 15 minutes."""
        return clock.now() - self.fresh_at < FRESH_DURATION


async def load(connection: Connection) -> Me | None:
    """The user of the request, without a query if there is no cookie. API routes take a bearer token instead."""
    kind = SessionKind.TOKEN if connection.route_handler.opt.get("api") else SessionKind.BROWSER
    token = bearer_token(connection.scope) if kind == SessionKind.TOKEN else _cookie(connection)
    if not token or len(token) > MAX_TOKEN_LENGTH:
        return None
    sessions = Sessions(services_of(connection).database)
    principal = await sessions.principal(digest(token), clock.now(), kind)
    if principal is None:
        return None
    if clock.now() - principal.last_seen_at > LAST_SEEN_INTERVAL:
        await sessions.touch(principal.session_id, clock.now())
    return _me(principal)


async def sign_in(connection: Connection, db: AsyncSession, user: User) -> None:
    """Start a new session for this browser and end the one of its cookie."""
    await sign_out(connection, db)
    services, token = services_of(connection), new_token()
    await Sessions(services.database).open(
        db, user, digest(token), clock.now(), connection.headers.get("user-agent", "")
    )
    cookies = context_of(connection).cookies
    cookies[:] = [cookie for cookie in cookies if cookie.key != services.cookies.session]
    cookies.append(services.cookies.create(services.cookies.session, token, int(IDLE_TIMEOUT.total_seconds())))
    cookies.append(await remember_device(connection, db, user))


def device_digest(connection: Connection) -> bytes | None:
    """The digest of the device's token, whether an account knows it or not."""
    token = connection.cookies.get(services_of(connection).cookies.device)
    return digest(token) if token and len(token) <= MAX_TOKEN_LENGTH else None


async def remember_device(connection: Connection, db: AsyncSession, user: User) -> Cookie:
    """Know this device as one of the user's for 90 days; the cookie to send.

    A device that the user has not signed in from before gets a new token: another person may know the one that it sent.
    """
    cookies, previous = services_of(connection).cookies, device_digest(connection)
    devices, token = Devices(db), connection.cookies.get(cookies.device)
    if token is None or previous is None or not await devices.is_known_to(user.id, previous):
        token = new_token()
    await devices.remember(user.id, digest(token), previous=previous)
    return cookies.create(cookies.device, token, int(DEVICE_LIFETIME.total_seconds()))


async def issue_token(connection: Connection, db: AsyncSession, user: User) -> str:
    """Issue a bearer token: 256 bits, of which only the digest is stored; it expires as sessions do."""
    token, sessions = new_token(), Sessions(services_of(connection).database)
    await sessions.open(
        db, user, digest(token), clock.now(), connection.headers.get("user-agent", ""), SessionKind.TOKEN
    )
    return token


async def revoke_token(connection: Connection, db: AsyncSession) -> None:
    if token := bearer_token(connection.scope):
        await Sessions(services_of(connection).database).close(db, digest(token))


async def sign_out(connection: Connection, db: AsyncSession) -> None:
    """End this browser's session, and its live streams with it."""
    services = services_of(connection)
    if token := _cookie(connection):
        await Sessions(services.database).close(db, digest(token))
        context_of(connection).cookies.append(services.cookies.removed(services.cookies.session))


def _cookie(connection: Connection) -> str | None:
    return connection.cookies.get(services_of(connection).cookies.session)


def _me(principal: Principal) -> Me:
    return Me(
        id=principal.user_id,
        role=principal.role,
        name=principal.full_name,
        email=principal.email,
        verified=principal.email_verified_at is not None,
        blocked=principal.blocked,
        approval_status=principal.approval_status,
        unread=principal.unread,
        session_id=principal.session_id,
        fresh_at=principal.fresh_at,
        right=principal.right,
    )
