"""Start the measured processes: `doorstep web` as in production, and the bare framework."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.dev.state import free_port
from bench.load import HOST
from bench.servers import BenchServers

SECRET = "for benchmarks only: 0123456789 abcdefgh"  # pragma: allowlist secret
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    port: int

    @property
    def cpu_ms(self) -> float:
        """CPU time used so far, in ms; NaN where there is no /proc."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return float("nan")
        return (int(fields[11]) + int(fields[12])) * 1000 / CLOCK_TICKS

    @property
    def memory_kb(self) -> float:
        """Resident memory; NaN where there is no /proc."""
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        except OSError:
            return float("nan")
        return float(next(line.split()[1] for line in lines if line.startswith("VmRSS")))


def settings(servers: BenchServers, redis: str | None = None) -> dict[str, str]:
    """Return the environment of a production process, with another `redis` if given."""
    return {
        "DOORSTEP_ENV": "production",
        "DATABASE_URL": servers.app,
        "MIGRATION_DATABASE_URL": servers.owner,
        "REDIS_URL": redis or servers.redis,
        "SECRET_KEY": SECRET,
        "BASE_URL": f"https://{HOST}",
        "SMTP_URL": "smtp://127.0.0.1:1",
        "MAIL_FROM": "Doorstep <doorstep@example.com>",
        "UPLOADS_DIR": "/nonexistent",
    }


@contextmanager
def web(
    servers: BenchServers, redis: str | None = None, log: IO[bytes] | None = None, **overrides: str
) -> Iterator[Process]:
    """A web process, which writes its log to `log`, if given."""
    with _running(["-m", "app.cli", "web", "--port"], [], settings(servers, redis) | overrides, log) as process:
        yield process


class Worker:
    """`doorstep worker`, which can be killed and started again."""

    def __init__(self, servers: BenchServers, log: IO[bytes], **overrides: str) -> None:
        self._environment, self._log = settings(servers) | overrides, log
        self.start()

    def start(self) -> None:
        self._process = _start([sys.executable, "-m", "app.cli", "worker"], self._environment, self._log)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        _stop(self._process)


@contextmanager
def bare(sizes: Mapping[str, int]) -> Iterator[Process]:
    with _running(["-m", "bench.bare"], [f"{name}={size}" for name, size in sizes.items()], {}) as process:
        yield process


@contextmanager
def _running(
    arguments: list[str], trailing: list[str], env: Mapping[str, str], log: IO[bytes] | None = None
) -> Iterator[Process]:
    port = free_port()
    process = _start([sys.executable, *arguments, str(port), *trailing], env, log)
    try:
        _wait_for(process, port)
        yield Process(process.pid, port)
    finally:
        _stop(process)


def _start(command: list[str], env: Mapping[str, str], log: IO[bytes] | None) -> "subprocess.Popen[bytes]":
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV")}
    output = log or subprocess.DEVNULL
    return subprocess.Popen(command, env={**inherited, **env}, stderr=output, start_new_session=True)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the process to be measured did not start")
