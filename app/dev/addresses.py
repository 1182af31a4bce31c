"""Is what is meant to be reachable reachable, and is what is meant to be free free? Said in one sentence each."""

import asyncio
import contextlib
import socket
from urllib.parse import urlsplit

import asyncpg
import redis

from app.dev.processes import CannotStart


def check_free(host: str, port: int) -> None:
    """Raises CannotStart when the web process could not listen there."""
    if not 0 < port < 65536:
        raise CannotStart(f"--port must be between 1 and 65535, not {port}.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)  # a bind alone does not meet a listener that shares the port
    except OSError as problem:
        raise CannotStart(_why_not_free(host, port, problem)) from problem


def _why_not_free(host: str, port: int, problem: OSError) -> str:
    if isinstance(problem, socket.gaierror):
        return f"--host {host} is not a name or address of this machine."
    if "in use" in str(problem.strerror):
        return f"Port {port} on {host} is in use: stop what listens there, or choose another with --port."
    return f"Doorstep cannot listen on {host}, port {port}: {problem.strerror}."


def answers(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((reachable(host), port), timeout=1):
        return True
    return False


def reachable(host: str) -> str:
    """An address that leads to a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def page_address(host: str, port: int) -> str:
    host = reachable(host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def check_postgres(name: str, url: str) -> None:
    """Raises CannotStart naming the setting, never the password."""
    try:
        asyncio.run(_connect(url))
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        raise CannotStart(f"{name} leads to no usable PostgreSQL at {_where(url)}: {_reason(problem)}.") from problem


async def _connect(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=5)
    await connection.close(timeout=5)


def check_redis(name: str, url: str) -> None:
    try:
        with redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as problem:
        raise CannotStart(
            f"{name} leads to no usable Redis or Valkey at {_where(url)}: {_reason(problem)}."
        ) from problem


def _where(url: str) -> str:
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] + parts.path


def _reason(problem: Exception) -> str:
    if isinstance(problem, TimeoutError | redis.TimeoutError):
        return "no answer within seconds"
    if isinstance(problem, ConnectionRefusedError) or "refused" in str(problem):
        return "connection refused"
    words = (isinstance(problem, OSError) and problem.strerror) or str(problem) or type(problem).__name__
    return words.splitlines()[0].rstrip(".")
