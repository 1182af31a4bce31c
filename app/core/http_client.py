"""An HTTP client for servers that users name: https only, public addresses only, no redirects (no SSRF).

The host is resolved once and the connection goes to that address, with the certificate checked against the host, so a
name that resolves differently the next time or points into our own network is never connected to.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from socket import SOCK_STREAM

from app.core import clock
from app.outgoing_url import UnsafeAddress, is_public, split_url

TIMEOUT_SECONDS = 5.0  # in all: name resolution, connection, TLS, response
MAX_HEAD_BYTES = 64 * 1024  # of a response

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Connect = Callable[..., Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class RequestFailed(Exception):
    """The server was not reached, was too slow, or did not answer with HTTP."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response without its body; `retry_after` is from its Retry-After header."""

    status: int
    retry_after: timedelta | None


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """Return the host's addresses from the system's resolver."""
    results = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
    return [str(result[4][0]) for result in results]


class HttpClient:
    """An HTTPS client that connects to public addresses only. Tests replace `resolve` and `connect`."""

    def __init__(
        self,
        resolve: Resolve = resolve_host,
        connect: Connect = asyncio.open_connection,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._resolve = resolve
        self._connect = connect
        self._tls = tls or ssl.create_default_context()

    async def post(
        self,
        url: str,
        body: bytes,
        content_type: str,
        timeout_seconds: float = TIMEOUT_SECONDS,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a POST request; redirects are not followed.

        Raises UnsafeAddress before anything is sent, RequestFailed afterwards.
        """
        host, port, target = split_url(url)
        all_headers = {
            "Host": host,
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        all_headers |= headers or {}
        try:
            async with asyncio.timeout(timeout_seconds):
                address = await self._resolve_public(host, port)
                return await self._send(address, port, host, _format_request(target, all_headers) + body)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:  # OSError: also timeouts and TLS
            raise RequestFailed(type(error).__name__) from error

    async def _resolve_public(self, host: str, port: int) -> str:
        """Return the host's first address; UnsafeAddress unless all of them are public."""
        addresses = list(await self._resolve(host, port))
        if not addresses or not all(is_public(address) for address in addresses):
            raise UnsafeAddress("not a public address")
        return addresses[0]

    async def _send(self, address: str, port: int, host: str, request: bytes) -> Response:
        reader, writer = await self._connect(address, port, ssl=self._tls, server_hostname=host, limit=MAX_HEAD_BYTES)
        try:
            writer.write(request)
            await writer.drain()
            return _parse_response(await reader.readuntil(b"\r\n\r\n"))
        finally:
            writer.transport.abort()  # the body is not read


def _format_request(target: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _parse_response(head: bytes) -> Response:
    """Parse the status line and headers. ValueError when it is not HTTP."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status = first.split(" ")[:2]
    if not version.startswith("HTTP/1.") or not (status.isdigit() and len(status) == 3):
        raise ValueError("not HTTP")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Response(int(status), _parse_retry_after(headers.get("retry-after")))


def _parse_retry_after(value: str | None) -> timedelta | None:
    """Parse seconds or a date (RFC 9110), at most a day; None if it is neither."""
    if value is None:
        return None
    try:
        at = parsedate_to_datetime(value) if not value.isdigit() else None
        wait = timedelta(seconds=int(value[:9])) if at is None else at.astimezone(UTC) - clock.now()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta()), timedelta(days=1))
