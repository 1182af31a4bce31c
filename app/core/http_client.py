"""A message to somebody else's server, which may lead nowhere but there: https, public addresses, no redirects.

The name is resolved once and the connection goes to that very address, under the name's own certificate; a name that
answers differently the next time, or points into our own network, gets nothing.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from socket import SOCK_STREAM
from urllib.parse import urlsplit

from app.core import clock

PATIENCE = 5.0  # seconds in all: name, connection, TLS, answer
MOST = 64 * 1024  # bytes that are read of an answer
_TRANSLATED = IPv6Network("64:ff9b::/96")  # IPv4 behind NAT64: public by its look only

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Dial = Callable[..., Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Unsafe(Exception):
    """An address to which nothing is sent."""


class NoAnswer(Exception):
    """Not reached, not in time, or not HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What they said; `wait` is how long they asked us to."""

    status: int
    wait: timedelta | None


async def resolved(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
    return [str(one[4][0]) for one in found]


class Outside:
    """`resolve` and `dial` are the system's; tests put their own network there."""

    def __init__(
        self, resolve: Resolve = resolved, dial: Dial = asyncio.open_connection, tls: ssl.SSLContext | None = None
    ) -> None:
        self._resolve = resolve
        self._dial = dial
        self._tls = tls or ssl.create_default_context()

    async def post(
        self,
        url: str,
        body: bytes,
        content_type: str,
        patience: float = PATIENCE,
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        """Raises Unsafe before anything is sent, NoAnswer afterwards. A redirect is an answer like any other.

        `more` are further lines of the head.
        """
        host, port, target = _parts(url)
        head = {"Host": host, "Content-Type": content_type, "Content-Length": str(len(body)), "Connection": "close"}
        head |= more or {}
        try:
            async with asyncio.timeout(patience):
                address = await self._one_address(host, port)
                return await self._exchange((address, port, host), _request(target, head) + body)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as problem:  # OSError: also time and TLS
            raise NoAnswer(type(problem).__name__) from problem

    async def _one_address(self, host: str, port: int) -> str:
        """One that is not public among them makes all suspect."""
        found = list(await self._resolve(host, port))
        if not found or not all(is_public(one) for one in found):
            raise Unsafe("not a public address")
        return found[0]

    async def _exchange(self, place: tuple[str, int, str], request: bytes) -> Answer:
        address, port, host = place
        reader, writer = await self._dial(address, port, ssl=self._tls, server_hostname=host, limit=MOST)
        try:
            writer.write(request)
            await writer.drain()
            return _answer(await reader.readuntil(b"\r\n\r\n"))
        finally:
            writer.transport.abort()  # whatever else they have to say is not read


def checked(url: str) -> None:
    """Raises Unsafe for what can be told without asking anybody: not https, or an address that is not public."""
    host, _port, _target = _parts(url)
    try:
        ip_address(host)
    except ValueError:
        if host == "localhost" or "." not in host:
            raise Unsafe("not a public name") from None
        return
    if not is_public(host):
        raise Unsafe("not a public address")


def is_public(address: str) -> bool:
    """Nothing that only looks so: no IPv4 inside IPv6, by whatever way of writing it."""
    try:
        told: Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(told, IPv6Address) and (told.ipv4_mapped or told.sixtofour or told.teredo or told in _TRANSLATED):
        return False
    return told.is_global and not told.is_multicast and not told.is_reserved


def _parts(url: str) -> tuple[str, int, str]:
    """Host, port, and what is asked for. Raises Unsafe."""
    try:
        told = urlsplit(url)
        host, port = (told.hostname or "").encode("idna").decode(), told.port or 443
    except ValueError as problem:
        raise Unsafe("not an address") from problem
    target = (told.path or "/") + (f"?{told.query}" if told.query else "")
    if told.scheme != "https" or not host or told.username is not None or not target.isprintable() or " " in target:
        raise Unsafe("not an https address")
    return host, port, target


def _request(target: str, head: Mapping[str, str]) -> bytes:
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _answer(head: bytes) -> Answer:
    """Raises ValueError when it is not HTTP."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status = first.split(" ")[:2]
    if not version.startswith("HTTP/1.") or not (status.isdigit() and len(status) == 3):
        raise ValueError("not HTTP")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(int(status), _wait(fields.get("retry-after")))


def _wait(told: str | None) -> timedelta | None:
    """Seconds or a date (RFC 9110); what is neither counts as not said. Never longer than a day."""
    if told is None:
        return None
    try:
        at = parsedate_to_datetime(told) if not told.isdigit() else None
        wait = timedelta(seconds=int(told[:9])) if at is None else at.astimezone(UTC) - clock.now()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta()), timedelta(days=1))
