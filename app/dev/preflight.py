"""Checks before the start: the port is free, and external servers are reachable; one sentence for each failure."""

import asyncio
import contextlib
import socket
from urllib.parse import urlsplit

import asyncpg
import redis

from app.dev.processes import StartError


def check_port_free(host: str, port: int) -> None:
    """Raise StartError when the web process could not listen there."""
    if not 0 < port < 65536:
        raise StartError(f"--port must be a number from 1 to 65535, not {port}.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)  # bind alone does not detect a listener that shares the port
    except OSError as error:
        raise StartError(_why_not_free(host, port, error)) from error


def _why_not_free(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"--host {host} is not a name or address of this machine."
    if "in use" in str(error.strerror):
        return f"Port {port} on {host} is in use. Stop the program that uses it, or choose another port with --port."
    return f"Doorstep can't listen on {host}, port {port}: {error.strerror}."


def is_listening(host: str, port: int) -> bool:
    """Return whether a server accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((connectable_host(host), port), timeout=1):
        return True
    return False


def connectable_host(host: str) -> str:
    """Return an address at which a server that listens on `host` can be reached."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def base_url(host: str, port: int) -> str:
    """Return the URL of the web process."""
    host = connectable_host(host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def check_postgres(name: str, url: str) -> None:
    """Raise StartError with the setting's name, never its password, when PostgreSQL cannot be used."""
    try:
        asyncio.run(_connect(url))
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartError(f"{name}: PostgreSQL at {_where(url)} can't be used: {_reason(error)}.") from error


async def _connect(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=5)
    await connection.close(timeout=5)


def check_redis(name: str, url: str) -> None:
    """Raise StartError with the setting's name, never its password, when Redis cannot be used."""
    try:
        with redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise StartError(f"{name}: Redis or Valkey at {_where(url)} can't be used: {_reason(error)}.") from error


def _where(url: str) -> str:
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] + parts.path


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError | redis.TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError) or "refused" in str(error):
        return "connection refused"
    message = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return message.splitlines()[0].rstrip(".")
