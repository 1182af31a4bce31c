"""The event stream of an open page, on a real server: events, no held resources, and its end."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from app.accounts.session import Sessions
from app.accounts.user import Block, Role, User
from app.core import clock
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.events import nudge
from app.core.secrets import digest, new_token
from app.dev.state import free_port
from tests.factories import a_user
from tests.processes import spawn

pytestmark = pytest.mark.slow


class Server:
    """`doorstep web` as an operator runs it."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        variables = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "DOORSTEP_ENV": "test",
            "LOG_LEVEL": "warning",
        }
        command = [sys.executable, "-m", "app.cli", "web", "--port", str(self.port)]
        self.running = spawn({**os.environ, **variables}, command, self.url)
        self.process = self.running.process
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            self.running.assert_running()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"the server did not come up. It printed:\n{self.running.output}")

    def stop(self) -> float:
        """Seconds from SIGTERM to the end."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        return time.monotonic() - started


@pytest.fixture(scope="module")
def database_url(services) -> str:
    return services.app_url(services.clone())


@pytest.fixture(scope="module")
def web(services, database_url) -> Iterator[Server]:
    made = Server(database_url, services.redis_url)
    yield made
    if made.process.poll() is None:
        made.stop()


@pytest.fixture
async def base(database_url) -> AsyncIterator[Database]:
    made = Database(database_url)
    yield made
    await made.close()


@pytest.fixture
async def after(services) -> AsyncIterator[AfterCommit]:
    made = AfterCommit(services.redis_url)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def asha(base) -> User:
    async with base.work() as db:
        return await a_user(db, Role.CUSTOMER, "Asha Raman")


async def a_token(base: Database, user: User) -> str:
    token = new_token()
    async with base.work() as db:
        await Sessions(base).open(db, user, digest(token), clock.now(), "")
    return token


class Stream:
    """One open page: the events received, and when the stream ended."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self.ended_at: float | None = None

    async def receives(self, term: str, within: float) -> float:
        started = time.monotonic()
        while term not in self.received:
            assert time.monotonic() - started < within, f"{term} not within {within} s, but {self.received}"
            await asyncio.sleep(0.01)
        return time.monotonic() - started

    async def ends(self, within: float) -> float:
        started = time.monotonic()
        while self.ended_at is None:
            assert time.monotonic() - started < within, "the stream goes on"
            await asyncio.sleep(0.01)
        return time.monotonic() - started


@asynccontextmanager
async def listening(web: Server, token: str) -> AsyncIterator[Stream]:
    stream, opened = Stream(), asyncio.Event()

    async def read() -> None:
        async with (
            httpx.AsyncClient(timeout=60, cookies={"ds": token}) as client,
            client.stream("GET", web.url + "/live") as response,
        ):
            assert response.headers["content-type"].startswith("text/event-stream")
            assert "content-encoding" not in response.headers
            async for line in response.aiter_lines():
                opened.set()
                if line.startswith("event: "):
                    stream.received.append(line.removeprefix("event: "))
        stream.ended_at = time.monotonic()

    reading = asyncio.create_task(read())
    await asyncio.wait_for(opened.wait(), 5)
    yield stream
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def test_a_visitor_hears_nothing_and_is_not_sent_to_a_page(web):
    async with httpx.AsyncClient() as client:
        assert (await client.get(web.url + "/live")).status_code == 204


async def test_a_page_that_comes_back_without_a_session_gets_no_content_and_stays_away(web):
    async with httpx.AsyncClient() as client:
        response = await client.get(web.url + "/live", headers={"last-event-id": "1"})
        assert "event: live-end" in response.text


async def test_a_message_published_after_a_commit_reaches_only_its_person_at_once(web, base, after, asha):
    async with base.work() as db:
        ravi = await a_user(db, Role.PROFESSIONAL, "Ravi Kumar")
    async with listening(web, await a_token(base, asha)) as ashas, listening(web, await a_token(base, ravi)) as ravis:
        async with base.work(after) as db:
            nudge(db, f"user:{asha.id}", "booking-7K3MQ9WD")
        assert await ashas.receives("booking-7K3MQ9WD", 1) < 0.5
        assert ravis.received == []


async def test_what_is_rolled_back_is_never_published(web, base, after, asha):
    async with listening(web, await a_token(base, asha)) as stream:
        with pytest.raises(ZeroDivisionError):
            await _nudge_and_fail(base, after, asha)
        await asyncio.sleep(0.3)
        assert stream.received == []


async def test_an_open_page_holds_no_database_connection(web, base, asha):
    async with listening(web, await a_token(base, asha)), httpx.AsyncClient() as client:
        for _ in range(100):  # the server's own polling every second is short
            response = (await client.get(web.url + "/metrics")).text
            if "doorstep_database_connections_in_use 0" in response:
                break
            await asyncio.sleep(0.05)
        assert "doorstep_database_connections_in_use 0" in response
        assert "doorstep_streams_open 1" in response


@pytest.mark.parametrize("with_event", [True, False])
async def test_a_revoked_session_ends_its_stream_within_seconds(web, base, after, asha, with_event):
    async with listening(web, await a_token(base, asha)) as stream:
        async with base.work(after if with_event else None) as db:
            await Sessions(base).close_all(db, asha.id)
        assert await stream.ends(2) < 1.6
        assert stream.received[-1] == "live-end"


async def test_a_block_ends_the_stream(web, base, asha):
    async with listening(web, await a_token(base, asha)) as stream:
        async with base.work() as db:
            db.add(Block(user_id=asha.id, blocked_by_id=asha.id, reason="No-shows.", created_at=clock.now()))
        await stream.ends(2)


async def test_the_oldest_of_four_pages_ends(web, base, asha):
    token = await a_token(base, asha)
    pages = contextlib.AsyncExitStack()
    async with pages:
        opened = [await pages.enter_async_context(listening(web, token)) for _ in range(4)]
        await opened[0].ends(1)
        await asyncio.sleep(0.2)
        assert [page.ended_at for page in opened[1:]] == [None, None, None]


async def _nudge_and_fail(base, after, asha):
    async with base.work(after) as db:
        nudge(db, f"user:{asha.id}", "undone")
        raise ZeroDivisionError


async def test_sigterm_ends_streams_and_server_at_once(services, database_url, base, asha):
    web = Server(database_url, services.redis_url)
    async with listening(web, await a_token(base, asha)) as stream:
        took = await asyncio.to_thread(web.stop)
        await stream.ends(1)
    assert took < 1.5, took
    assert stream.received == [], "the page shall come back to the next server"


def test_too_many_headers_are_refused(web):
    with socket.create_connection(("127.0.0.1", web.port)) as line:
        line.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n" + b"".join(b"x-%d: %s\r\n" % (n, b"y" * 900) for n in range(50)))
        assert line.recv(100).startswith(b"HTTP/1.1 431")


def test_a_taken_port_is_one_sentence(web, database_url):
    env = {**os.environ, "DATABASE_URL": database_url, "DOORSTEP_ENV": "test"}
    command = [sys.executable, "-m", "app.cli", "web", "--port", str(web.port)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.strip() == f"Doorstep can't listen on 127.0.0.1:{web.port}: address already in use."


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("banana", "DATABASE_URL must be a URL that starts with postgresql://."),
        ("postgresql://nobody@127.0.0.1:1/none", "Doorstep can't use the database in DATABASE_URL"),
    ],
)
def test_a_broken_database_url_is_one_sentence(url, text):
    env = {**os.environ, "DATABASE_URL": url, "DOORSTEP_ENV": "test"}
    done = subprocess.run([sys.executable, "-m", "app.cli", "web"], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
