"""Start `doorstep web` and `doorstep worker` as processes, as an operator does."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from tests.application import uploads_of

DOORSTEP = str(Path(sys.executable).parent / "doorstep")
MAX_OUTPUT_BYTES = 1_000_000
SECRET = "a secret for processes that tests start, long enough"  # pragma: allowlist secret


def environment(database_url: str, redis_url: str, **more: str) -> dict[str, str]:
    own = {"DOORSTEP_ENV": "test", "DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": SECRET}
    return dict(os.environ) | own | {"LOG_LEVEL": "warning", "UPLOADS_DIR": uploads_of(database_url)} | more


@dataclass
class Running:
    """One process; `url` is "" for a worker."""

    process: subprocess.Popen[bytes]
    url: str = ""
    file: IO[bytes] | None = None

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return os.pread(self.file.fileno(), MAX_OUTPUT_BYTES, 0).decode(errors="replace") if self.file else ""

    async def until_ready(self, what: str = "database", within: float = 60) -> None:
        """Wait until /health/ready reports `what` as up; AssertionError with what it printed when it does not."""
        async with httpx.AsyncClient(base_url=self.url, timeout=5) as client:
            end = time.monotonic() + within
            while not await _is_up(client, what):
                self.assert_running()
                assert time.monotonic() < end, f"{what} is not up after {within} s. It printed:\n{self.output}"
                await asyncio.sleep(0.1)

    def assert_running(self) -> None:
        code = self.process.poll()
        assert code is None, f"It ended by itself with {code}. It printed:\n{self.output}"

    def end(self, within: float = 15) -> None:
        """End it, and print what it printed: pytest shows that of a test that failed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=within)
        sys.stderr.write(self.output)


@asynccontextmanager
async def town_of_processes(env: dict[str, str], webs: int = 2) -> AsyncIterator[list[str]]:
    """Start `webs` web processes and a worker on one database and one Valkey; yield the web addresses."""
    running = [start(env, "web", port) for port in free_ports(webs)]
    worker = start(env, "worker")
    try:
        for web in running:
            await web.until_ready()
        await running[0].until_ready("worker")
        yield [web.url for web in running]
    finally:
        for process in (*running, worker):
            process.end()


@asynccontextmanager
async def web_process(env: dict[str, str]) -> AsyncIterator[Running]:
    """A single web process, which may also be killed."""
    [port] = free_ports(1)
    web = start(env, "web", port)
    try:
        await web.until_ready()
        yield web
    finally:
        web.end()


def start(env: dict[str, str], part: str, port: int = 0) -> Running:
    """`doorstep web` or `doorstep worker`."""
    command = [DOORSTEP, part, *(["--port", str(port)] if port else [])]
    return spawn(env, command, f"http://127.0.0.1:{port}" if port else "")


def spawn(env: dict[str, str], command: Sequence[str], url: str = "") -> Running:
    file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the last one who may read it
    process = subprocess.Popen(command, env=env, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    return Running(process, url, file)


async def run_command(env: dict[str, str], *arguments: str) -> str:
    """Run `doorstep` with these arguments; return what it printed. AssertionError with that when it fails."""
    process = await asyncio.create_subprocess_exec(
        DOORSTEP, *arguments, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await process.communicate())[0].decode(errors="replace")
    command = " ".join(("doorstep", *arguments))
    assert process.returncode == 0, f"{command} ended with {process.returncode}. It printed:\n{output}"
    return output


async def _is_up(client: httpx.AsyncClient, what: str) -> bool:
    try:
        health = (await client.get("/health/ready")).json()
    except httpx.HTTPError:
        return False
    return health[what] == "up"


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for listener in sockets:
        listener.bind(("127.0.0.1", 0))
    ports = [int(listener.getsockname()[1]) for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports
