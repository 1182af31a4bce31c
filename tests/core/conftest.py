"""A Valkey of the test's own, which may be frozen, killed and cut off."""

import asyncio
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.core.after_commit import AfterCommit
from app.dev.state import Memory
from app.dev.valkey import Valkey


class Line:
    """The server, and what may happen to it."""

    def __init__(self, folder: Path) -> None:
        self._server = Valkey(folder / "valkey", Memory(), folder / "log", durable=False)
        self.start()

    @property
    def url(self) -> str:
        return self._server.url(3)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._server.process
        return self._server.process

    def start(self) -> None:
        self._server.start(time.sleep)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    async def cut(self) -> None:
        """Every subscription ends, the server lives."""
        redis: Redis = Redis.from_url(self.url)
        await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await redis.aclose()

    def stop(self) -> None:
        self.thaw()
        self._server.stop(within=3)


@pytest.fixture
def line() -> Iterator[Line]:
    with tempfile.TemporaryDirectory(prefix="doorstep-test-valkey-") as folder:
        made = Line(Path(folder))
        yield made
        made.stop()


@asynccontextmanager
async def a_process(line: Line) -> AsyncIterator[AfterCommit]:
    """One web process's line to the others."""
    made = AfterCommit(line.url)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def here(line: Line) -> AsyncIterator[AfterCommit]:
    async with a_process(line) as made:
        yield made


@pytest.fixture
async def there(line: Line) -> AsyncIterator[AfterCommit]:
    async with a_process(line) as made:
        yield made


async def until(true: Callable[[], bool], within: float) -> float:
    """Seconds until it is true; fails after `within`."""
    started = time.monotonic()
    while not true():
        assert time.monotonic() - started < within, f"not within {within} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - started


Make = Callable[[], Awaitable[int]]
