"""The context of one request: the signed-in user, response cookies and headers, how the response may be cached."""

from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from app.core.rate_limiter import RateLimitResult

Connection = ASGIConnection[Any, Any, Any, Any]


class CurrentUser(Protocol):
    """What the web layer reads of the signed-in user."""

    @property
    def id(self) -> int: ...
    @property
    def role(self) -> str: ...
    @property
    def blocked(self) -> str | None: ...
    @property
    def session_id(self) -> int: ...
    @property
    def fresh_at(self) -> datetime: ...
    @property
    def is_fresh(self) -> bool: ...
    @property
    def right(self) -> str: ...


@dataclass(slots=True)
class RequestContext:
    """`cacheable`: (max age in seconds, tags) when visitors may share the response.

    `cookies` and `headers` are added to the response, whatever it is. `follow_ups` run after the request's commit and
    before the response is sent; one that fails is logged and changes nothing else (app.web.unit_of_work).
    """

    user: CurrentUser | None = None
    cookies: list[Cookie] = field(default_factory=list)
    cacheable: tuple[float, tuple[str, ...]] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    csrf_token: tuple[str, str] | None = None  # the seed and the token of all forms of the response
    rate_limit: RateLimitResult | None = None  # of a request that was counted before its handler was found
    follow_ups: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    pre_session: str | None = None  # a visitor's random cookie, which CSRF tokens are bound to (app.web.security.Csrf)


# Set while a template renders, so that macros reach the CSRF token without being passed the request.
current_request: ContextVar[Connection | None] = ContextVar("current_request", default=None)


def context_of(connection: Connection) -> RequestContext:
    return context_of_scope(connection.scope)


def context_of_scope(scope: MutableMapping[str, Any] | Any) -> RequestContext:
    state = scope.setdefault("state", {})
    context: RequestContext = state.setdefault("request_context", RequestContext())
    return context
