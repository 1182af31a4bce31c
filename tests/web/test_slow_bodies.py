"""A body that comes byte by byte is ended in words on every address, and many of them harm no one."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from litestar import Litestar
from uvicorn.server import ServerState

from app.web.body import BODY_LIMITS, BodyLimits, BodyReader, SlowBody
from app.web.server import Protocol
from tests.application import serving
from tests.web.handlers import TEST_HANDLERS

LIMITS = BodyLimits(grace_seconds=0.5, min_bytes_per_second=1_000, max_seconds=2.5)
CROWD_SIZE = 150
WORDS = "This took too long to arrive."
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class QuickProtocol(Protocol):
    body_limits = LIMITS


@asynccontextmanager
async def listening(app: Litestar) -> AsyncIterator[int]:
    """Serve the application on a port as app.web.server does, with the limits of this file."""
    config = uvicorn.Config(app, http=QuickProtocol, ws="none", lifespan="off", log_config=None, proxy_headers=False)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: QuickProtocol(config, state, {}), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for connection in list(state.connections):
        connection.transport.abort()


@pytest.fixture(scope="module")
async def port(web_settings) -> AsyncIterator[int]:
    async with serving(web_settings, more=TEST_HANDLERS, body_limits=LIMITS) as app, listening(app) as port:
        yield port


class Sender:
    """One connection that has sent its headers and sends its body piece by piece, until the server ends it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.answer = b""
        self.seconds = 0.0

    async def run(self, piece: bytes, pause: float) -> "Sender":
        began = time.monotonic()
        sending = asyncio.create_task(self._send(piece, pause))
        try:
            while part := await self._reader.read(65_536):
                self.answer += part
        except ConnectionError:
            pass
        self.seconds = time.monotonic() - began
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        self._writer.transport.abort()
        return self

    async def _send(self, piece: bytes, pause: float) -> None:
        while True:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(pause)

    @property
    def status(self) -> int:
        return int(self.answer.split()[1]) if self.answer else 0


async def slow(
    port: int, path: str, content_type: str, *, piece: bytes = b"a", pause: float = 0.05, **headers: str
) -> Sender:
    """Send a body to this address until the server ends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content_type}\r\ncontent-length: 15000\r\n"
    writer.write(f"{head}{more}\r\n".encode())
    async with asyncio.timeout(20):
        return await Sender(reader, writer).run(piece, pause)


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/login", FORM),
        ("/register", FORM),
        ("/register/professional", "multipart/form-data; boundary=x"),
        ("/api/login", JSON),
        ("/api/professional/register", "multipart/form-data; boundary=x"),
        ("/csp-report", "application/csp-report"),
    ],
)
async def test_a_body_sent_byte_by_byte_is_ended_in_words(port, path, content_type):
    sender = await slow(port, path, content_type)
    assert sender.status == 408
    assert WORDS in sender.answer.decode()
    assert b"connection: close" in sender.answer
    assert LIMITS.grace_seconds <= sender.seconds < LIMITS.max_seconds


async def test_an_upload_whose_file_comes_byte_by_byte_is_ended_in_words(port):
    part = b'--x\r\ncontent-disposition: form-data; name="document"; filename="a.pdf"\r\n\r\n%PDF'
    sender = await slow(port, "/register/professional", "multipart/form-data; boundary=x", piece=part, pause=1)
    assert (sender.status, WORDS in sender.answer.decode()) == (408, True)


async def test_a_body_that_no_handler_reads_does_not_hold_its_connection(port):
    for path in ("/nothing-here", "/api/request/service"):
        sender = await slow(port, path, JSON)
        assert sender.status in (401, 404), path
        assert sender.seconds < LIMITS.max_seconds


async def test_a_body_that_comes_steadily_has_a_time_in_all(port):
    sender = await slow(port, "/login", FORM, piece=b"a" * 200, pause=0.1)
    assert sender.status == 408
    assert LIMITS.max_seconds <= sender.seconds < 2 * LIMITS.max_seconds


async def test_a_body_that_is_slow_but_steady_arrives(port):
    async def pieces():
        for _ in range(8):
            yield b"{" if _ == 0 else b" " * 400
            await asyncio.sleep(0.1)
        yield b'"email": "asha@example.com", "password": "not hers, but whole"}'

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        answer = await client.post("/api/login", content=pieces(), headers={"content-type": JSON})
    assert answer.status_code in (401, 422)


async def test_a_crowd_of_slow_senders_is_sent_away_and_others_are_served_meanwhile(port):
    paths = ("/login", "/register/professional", "/api/login", "/nothing-here")
    types = {"/api/login": JSON, "/register/professional": "multipart/form-data; boundary=x"}
    crowd = [
        asyncio.create_task(slow(port, path, types.get(path, FORM), pause=0.2))
        for path in (paths[number % len(paths)] for number in range(CROWD_SIZE))
    ]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as honest:
        while not all(task.done() for task in crowd):
            page = await honest.get("/login")
            token = page.text.split('name="_csrf_token" value="')[1].split('"')[0]
            fields = {"_csrf_token": token, "email": "asha@example.com", "password": "not hers, but whole"}
            assert (await honest.post("/login", data=fields)).status_code in (422, 429)
    senders = await asyncio.gather(*crowd)
    assert {sender.status for sender in senders} == {404, 408}


def test_a_sender_has_ten_seconds_then_a_kilobyte_a_second_and_two_minutes_in_all():
    assert BODY_LIMITS.allowed_seconds(0) == 10
    assert BODY_LIMITS.allowed_seconds(20_000) == 30
    assert BODY_LIMITS.allowed_seconds(10_000_000) == 120


async def test_only_the_time_in_which_the_sender_is_waited_for_counts():
    messages: list[Any] = [{"type": "http.request", "body": b"a" * 10, "more_body": True}] * 3

    async def receive():
        if not messages:
            await asyncio.Event().wait()
        return messages.pop()

    read = BodyReader(receive, BodyLimits(grace_seconds=0.05, max_seconds=0.05))
    for _ in range(3):
        await read()
        await asyncio.sleep(0.06)  # what a handler does meanwhile
    with pytest.raises(SlowBody):
        await read()


async def test_after_a_complete_body_its_connection_may_stay_open_for_ever():
    messages: list[Any] = [{"type": "http.disconnect"}, {"type": "http.request", "body": b"a", "more_body": False}]

    async def receive():
        if len(messages) == 1:
            await asyncio.sleep(0.1)
        return messages.pop()

    read = BodyReader(receive, BodyLimits(grace_seconds=0.05, max_seconds=0.05))
    assert (await read())["type"] == "http.request"
    assert (await read())["type"] == "http.disconnect"
