"""Send one request to the application and report which tables it changed."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode

from litestar import Litestar
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, async_sessionmaker

from app.core.db import Database, ReadingSession
from tests.vetting.samples import a_picture

PICTURE = a_picture(size=(40, 30))
WRITES = text("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    location: str
    body: str


@asynccontextmanager
async def rolled_back(database: Database, connection: AsyncConnection) -> AsyncIterator[None]:
    """Run everything that the application does in one transaction, and roll it back."""
    before = database.sessions, database.readers
    outer = await connection.begin()
    on_connection: dict[str, Any] = {"bind": connection, "join_transaction_mode": "create_savepoint"}
    database.sessions = async_sessionmaker(**on_connection, expire_on_commit=False)
    database.readers = async_sessionmaker(**on_connection, sync_session_class=ReadingSession)
    try:
        yield
    finally:
        database.sessions, database.readers = before
        await outer.rollback()


async def writes(connection: AsyncConnection) -> dict[str, int]:
    """Count the rows written per table on this connection, also if rolled back."""
    return {table: count for table, count in await connection.execute(WRITES) if count}


async def last_event(connection: AsyncConnection) -> int:
    return await connection.scalar(text("SELECT coalesce(max(id), 0) FROM events")) or 0


async def events_after(connection: AsyncConnection, last: int) -> set[str]:
    """The names of the events recorded since."""
    return set(await connection.scalars(text("SELECT name FROM events WHERE id > :last"), {"last": last}))


async def contents(connection: AsyncConnection, tables: Iterable[str]) -> dict[str, list[str]]:
    """Every row of these tables, without the columns of their hash chains."""
    statement = "SELECT (to_jsonb(t) - 'event_count' - 'event_head')::text FROM {} t ORDER BY 1"
    return {table: list(await connection.scalars(text(statement.format(table)))) for table in tables}


Fields = dict[str, str] | list[tuple[str, str]]


# The API's limit is 1,200 requests a minute for each address.
REQUESTS_OF_ONE_CLIENT = 500
_requests = itertools.count()


async def send_request(
    app: Litestar, method: str, address: str, *, cookies: dict[str, str], sends: Fields | bytes, bearer: str = ""
) -> Answer:
    """Send a request. `address` is percent-encoded, as in a request line.

    Bytes are JSON; `bearer` is a program's token.
    """
    body, kind = (sends, "application/json") if isinstance(sends, bytes) else _encoded(sends)
    path, _, query = address.partition("?")
    headers = {
        "host": "localhost:8000",
        "cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "content-type": kind,
        "content-length": str(len(body)),
        "authorization": f"Bearer {bearer}" if bearer else "",
    }
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items() if value],
        "client": (f"127.0.{next(_requests) // REQUESTS_OF_ONE_CLIENT % 250}.1", 50000),
        "server": ("localhost", 8000),
    }
    listener = _Listener(body)
    await app(scope, listener.receive, listener.send)  # type: ignore[arg-type]  # a hand-made scope
    return listener.answer


def _encoded(sends: Fields) -> tuple[bytes, str]:
    """Encode the form; a field with the value @picture becomes a file."""
    pairs = list(sends.items()) if isinstance(sends, dict) else sends
    if not any(value == "@picture" for _, value in pairs):
        return urlencode(pairs, errors="surrogateescape").encode(), "application/x-www-form-urlencoded"
    parts = [
        f'--x\r\ncontent-disposition: form-data; name="{name}"'.encode()
        + (
            b'; filename="permit.png"\r\n\r\n' + PICTURE
            if value == "@picture"
            else b"\r\n\r\n" + value.encode("utf-8", "surrogateescape")
        )
        for name, value in pairs
    ]
    return b"\r\n".join([*parts, b"--x--\r\n"]), "multipart/form-data; boundary=x"


class _Listener:
    """Send the body; disconnect when the answer is whole, or when it is a live stream, which would not end."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._has_answer = asyncio.Event()
        self.answer = Answer(0, "", "")

    async def receive(self) -> dict[str, Any]:
        if self._body is None:
            await self._has_answer.wait()
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            self.answer = Answer(message["status"], headers.get("location", ""), "")
            is_whole = headers.get("content-type", "").startswith("text/event-stream")
        else:
            is_whole = not message.get("more_body", False)
            text_part = message.get("body", b"").decode("utf-8", "replace")
            self.answer = Answer(self.answer.status, self.answer.location, self.answer.body + text_part)
        if is_whole:
            self._has_answer.set()
