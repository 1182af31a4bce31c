"""One bare request, and what it changed in the database."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode

from litestar import Litestar
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, async_sessionmaker

from app.core.db import Database
from tests.vetting.samples import a_picture

PICTURE = a_picture(size=(40, 30))
WRITES = text("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")


@dataclass(frozen=True, slots=True)
class Told:
    status: int
    location: str
    body: str


@asynccontextmanager
async def undone(database: Database, connection: AsyncConnection) -> AsyncIterator[None]:
    """Everything that the application does meanwhile happens in one transaction, and is undone."""
    before = database.sessions, database.readers
    outer = await connection.begin()
    one = async_sessionmaker(bind=connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
    database.sessions = database.readers = one
    try:
        yield
    finally:
        database.sessions, database.readers = before
        await outer.rollback()


async def writes(connection: AsyncConnection) -> dict[str, int]:
    """How often rows of each table were written on this connection, also where that was undone."""
    return {table: count for table, count in await connection.execute(WRITES) if count}


async def last_event(connection: AsyncConnection) -> int:
    return await connection.scalar(text("SELECT coalesce(max(id), 0) FROM events")) or 0


async def events_after(connection: AsyncConnection, last: int) -> set[str]:
    """The names of what was recorded since."""
    return set(await connection.scalars(text("SELECT name FROM events WHERE id > :last"), {"last": last}))


async def contents(connection: AsyncConnection, tables: Iterable[str]) -> dict[str, list[str]]:
    """Every row of these tables as it is, but for the length and the end of its chain of events."""
    asked = "SELECT (to_jsonb(t) - 'event_count' - 'event_head')::text FROM {} t ORDER BY 1"
    return {table: list(await connection.scalars(text(asked.format(table)))) for table in tables}


Fields = dict[str, str] | list[tuple[str, str]]


async def ask(
    app: Litestar, method: str, address: str, *, cookies: dict[str, str], sends: Fields | bytes, bearer: str = ""
) -> Told:
    """`address` as it would stand in a request line: what is no letter or digit is written with a %.

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
        "client": ("127.0.0.1", 50000),
        "server": ("localhost", 8000),
    }
    listener = _Listener(body)
    await app(scope, listener.receive, listener.send)  # type: ignore[arg-type]  # a hand-made scope
    return listener.told


def _encoded(sends: Fields) -> tuple[bytes, str]:
    """The form; where a field says @picture, with a file in its place, as browsers send one."""
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
    """Sends its form and has gone, which ends a live stream and is nothing to any other answer."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self.told = Told(0, "", "")

    async def receive(self) -> dict[str, Any]:
        if self._body is None:
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            given = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            self.told = Told(message["status"], given.get("location", ""), "")
        else:
            said = message.get("body", b"").decode("utf-8", "replace")
            self.told = Told(self.told.status, self.told.location, self.told.body + said)
