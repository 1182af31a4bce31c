"""One unit of work per request: a response below 400 commits before it is sent, everything else rolls back.

A request that only reads needs no transaction: each of its statements sees what is committed, as it would in one.
"""

from collections.abc import AsyncGenerator, Mapping
from contextvars import ContextVar
from typing import Any

from litestar import Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import logs
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.web.context import context_of
from app.web.http import Request
from app.web.security import SAFE_METHODS
from app.web.services import services_of

log = logs.get_logger("unit_of_work")
_status: ContextVar[int] = ContextVar("status", default=200)


class _RolledBack(Exception):
    """The handler returned an error response instead of raising."""


async def unit_of_work(request: Request) -> AsyncGenerator[AsyncSession, None]:
    """The dependency `db`. After the yield the handler has returned and rendered its page, and nothing is sent yet.

    No other dependency may be a generator: Litestar would close the two concurrently.
    """
    database: Database = services_of(request).database
    if only_reads(request.method, request.route_handler.opt):
        async with database.reading() as session:
            yield session
        return
    after: AfterCommit = services_of(request).after_commit
    try:
        async with database.work(after) as session:
            yield session
            if _status.get() >= 400:
                raise _RolledBack
    except _RolledBack:
        return
    await _follow_up(request)


async def _follow_up(request: Request) -> None:
    """Run what the handler left for after the commit, each in a transaction of its own. Best effort."""
    for follow_up in context_of(request).follow_ups:
        try:
            await follow_up()
        except Exception:
            log.exception("follow-up failed")


def only_reads(method: str, opt: Mapping[str, Any]) -> bool:
    return method in SAFE_METHODS and not opt.get("in_transaction")


async def record_status(response: Any) -> Any:
    """Application-wide `after_request`: runs between the handler and the commit, in the same task."""
    _status.set((response.status_code or 200) if isinstance(response, Response) else 200)
    return response
