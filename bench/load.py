"""A small HTTP/1.1 load generator: each connection sends its next request on each response."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from bench.tables import quantile

HOST = "doorstep.example"
HEAD_END = b"\r\n\r\n"
LENGTH_HEADER = b"content-length: "
SUCCESS_STATUSES = (b"200", b"201")
NOT_MODIFIED_STATUS = b"304"  # has no body, whatever its length says


@dataclass(slots=True)
class LoadResult:
    """Response times in ms and status counts of `seconds` of load."""

    seconds: float
    elapsed: list[float] = field(default_factory=list)
    statuses: Counter[bytes] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        return len(self.elapsed) / self.seconds

    @property
    def p50(self) -> float:
        return quantile(self.elapsed, 0.5)

    @property
    def p99(self) -> float:
        return quantile(self.elapsed, 0.99)


def request(path: str, cookie: str = "") -> bytes:
    """Build a GET with the headers of a browser that affect the response."""
    text = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/html\r\nAccept-Encoding: gzip, deflate, br\r\n"
    return (text + (f"Cookie: {cookie}\r\n" if cookie else "") + "\r\n").encode()


async def run_load(
    port: int,
    make_request: Callable[[], bytes],
    seconds: float,
    connections: int = 16,
    accepted_statuses: Collection[bytes] = SUCCESS_STATUSES,
) -> LoadResult:
    """Send requests for `seconds`. Raises RuntimeError for a status that is not in `accepted_statuses`."""
    loop = asyncio.get_running_loop()
    result = LoadResult(seconds)
    until = time.perf_counter() + seconds
    clients = [_Connection(make_request, until, result) for _ in range(connections)]
    pending = iter(clients)
    await asyncio.gather(*(loop.create_connection(lambda: next(pending), "127.0.0.1", port) for _ in clients))
    await asyncio.wait_for(asyncio.gather(*(client.done for client in clients)), seconds + 15)
    if unexpected := set(result.statuses) - set(accepted_statuses):
        raise RuntimeError(f"unexpected statuses among {len(result.elapsed)} responses: {sorted(unexpected)}")
    if not result.elapsed:
        raise RuntimeError("no response")
    return result


async def fetch(port: int, request_bytes: bytes) -> tuple[bytes, bytes]:
    """Send a request; return the response's head and body as sent over the wire."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    writer.write(request_bytes)
    head = await reader.readuntil(HEAD_END)
    body = await reader.readexactly(_length(head))
    writer.close()
    return head, body


class _Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, make_request: Callable[[], bytes], until: float, result: LoadResult) -> None:
        self._make_request, self._until, self._result = make_request, until, result
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._received = b""
        self._expected_length = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._send_next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._expected_length:
            if (end := self._received.find(HEAD_END)) < 0:
                return
            self._expected_length = end + len(HEAD_END) + _length(self._received[: end + len(HEAD_END)])
        if len(self._received) >= self._expected_length:
            self._finish_response()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed the connection"))

    def _finish_response(self) -> None:
        now = time.perf_counter()
        self._result.elapsed.append((now - self._sent_at) * 1000)
        self._result.statuses[bytes(self._received[9:12])] += 1
        self._received, self._expected_length = b"", 0
        if now < self._until:
            self._send_next()
        else:
            self.done.set_result(None)
            self._transport.close()

    def _send_next(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._make_request())


def _length(head: bytes) -> int:
    if head[9:12] == NOT_MODIFIED_STATUS:
        return 0
    start = head.lower().index(LENGTH_HEADER) + len(LENGTH_HEADER)
    return int(head[start : head.index(b"\r\n", start)])
