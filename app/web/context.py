"""What one request knows about itself: who came, which cookies go back, how its answer may be kept."""

from collections.abc import MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

Connection = ASGIConnection[Any, Any, Any, Any]


class Person(Protocol):
    """All that the web needs to know about whoever is signed in."""

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


@dataclass(slots=True)
class Visit:
    """Lives as long as its request. `kept` is (seconds, names) when visitors may share the answer.

    `headers` go out with the answer, whatever it is.
    """

    person: Any = None
    cookies: list[Cookie] = field(default_factory=list)
    kept: tuple[float, tuple[str, ...]] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    pre_session: str | None = None


# Set while a page is drawn, so that macros reach the form's token without being handed the request.
drawing: ContextVar[Connection | None] = ContextVar("drawing", default=None)


def visit_of(connection: Connection) -> Visit:
    return visit_in(connection.scope)


def visit_in(scope: MutableMapping[str, Any] | Any) -> Visit:
    state = scope.setdefault("state", {})
    made: Visit = state.setdefault("visit", Visit())
    return made
