"""A Valkey server of the test's own that can be frozen, killed and disconnected."""

import asyncio
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.core.after_commit import AfterCommit
from app.dev.state import ServerState
from app.dev.valkey import Valkey


class ValkeyServer:
    """A server and its faults."""

    def __init__(self, folder: Path) -> None:
        self._server = Valkey(folder / "valkey", ServerState(), folder / "log", durable=False)
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
        """Disconnect every subscriber; the server goes on."""
        redis: Redis = Redis.from_url(self.url)
        await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await redis.aclose()

    def stop(self) -> None:
        self.thaw()
        self._server.stop(within=3)


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    with tempfile.TemporaryDirectory(prefix="doorstep-test-valkey-") as folder:
        server = ValkeyServer(Path(folder))
        yield server
        server.stop()


@asynccontextmanager
async def a_process(valkey: ValkeyServer) -> AsyncIterator[AfterCommit]:
    """Start what one web process has to reach the others."""
    process = AfterCommit(valkey.url)
    await process.start()
    yield process
    await process.stop()


@pytest.fixture
async def first(valkey: ValkeyServer) -> AsyncIterator[AfterCommit]:
    async with a_process(valkey) as process:
        yield process


@pytest.fixture
async def second(valkey: ValkeyServer) -> AsyncIterator[AfterCommit]:
    async with a_process(valkey) as process:
        yield process


async def until(condition: Callable[[], bool], within: float) -> float:
    """Wait until `condition` holds and return the seconds; fail after `within`."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < within, f"not within {within} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - started
