"""One unit of work per request: an answer below 400 commits before it leaves, everything else undoes."""

from collections.abc import AsyncGenerator
from contextvars import ContextVar
from typing import Any

from litestar import Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.web.http import Request

_status: ContextVar[int] = ContextVar("status", default=200)


class _Undone(Exception):
    """The door answered with a refusal instead of raising one."""


async def unit_of_work(request: Request) -> AsyncGenerator[AsyncSession, None]:
    """The dependency `db`. After the yield the door has returned and its page is drawn, but nothing is sent yet.

    It is the only dependency that may be a generator: two would be closed side by side.
    """
    database: Database = request.app.state.database
    after: AfterCommit = request.app.state.after
    try:
        async with database.work(after) as session:
            yield session
            if _status.get() >= 400:
                raise _Undone
    except _Undone:
        pass


async def note_status(response: Any) -> Any:
    """Application-wide `after_request`: runs between the door and the commit, in the same task."""
    _status.set((response.status_code or 200) if isinstance(response, Response) else 200)
    return response
