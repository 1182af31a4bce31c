"""A small HTTP/1.1 client: some connections, each asking again as soon as it is answered. To the loopback only."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from bench.tables import quantile

HOST = "doorstep.example"
END = b"\r\n\r\n"
LENGTH = b"content-length: "
FINE = (b"200", b"201")


@dataclass(slots=True)
class Pressed:
    """What so many seconds of asking gave: answers a second, and how long each took, in ms."""

    seconds: float
    elapsed: list[float] = field(default_factory=list)
    said: Counter[bytes] = field(default_factory=Counter)  # by status

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
    """A GET as a browser sends it, as far as the answer depends on it."""
    told = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/html\r\nAccept-Encoding: gzip, deflate, br\r\n"
    return (told + (f"Cookie: {cookie}\r\n" if cookie else "") + "\r\n").encode()


async def press(
    port: int, ask: Callable[[], bytes], seconds: float, connections: int = 16, fine: Collection[bytes] = FINE
) -> Pressed:
    """Raises RuntimeError when an answer is not `fine`: a quick error page is no result."""
    loop = asyncio.get_running_loop()
    pressed = Pressed(seconds)
    until = time.perf_counter() + seconds
    lines = [_Line(ask, until, pressed) for _ in range(connections)]
    waiting = iter(lines)
    await asyncio.gather(*(loop.create_connection(lambda: next(waiting), "127.0.0.1", port) for _ in lines))
    await asyncio.wait_for(asyncio.gather(*(line.done for line in lines)), seconds + 15)
    if strange := set(pressed.said) - set(fine):
        raise RuntimeError(f"of {len(pressed.elapsed)} answers some were {sorted(strange)}")
    if not pressed.elapsed:
        raise RuntimeError("nothing was answered")
    return pressed


async def fetch(port: int, asked: bytes) -> tuple[bytes, bytes]:
    """Head and body of one answer, as they came over the wire."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    writer.write(asked)
    head = await reader.readuntil(END)
    body = await reader.readexactly(_length(head))
    writer.close()
    return head, body


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, ask: Callable[[], bytes], until: float, pressed: Pressed) -> None:
        self._ask, self._until, self._pressed = ask, until, pressed
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._come = b""
        self._awaited = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._come += data
        if not self._awaited:
            if (end := self._come.find(END)) < 0:
                return
            self._awaited = end + len(END) + _length(self._come[: end + len(END)])
        if len(self._come) >= self._awaited:
            self._answered()

    def connection_lost(self, problem: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(problem or ConnectionError("the server hung up"))

    def _answered(self) -> None:
        now = time.perf_counter()
        self._pressed.elapsed.append((now - self._asked_at) * 1000)
        self._pressed.said[bytes(self._come[9:12])] += 1
        self._come, self._awaited = b"", 0
        if now < self._until:
            self._next()
        else:
            self.done.set_result(None)
            self._transport.close()

    def _next(self) -> None:
        self._asked_at = time.perf_counter()
        self._transport.write(self._ask())


def _length(head: bytes) -> int:
    start = head.lower().index(LENGTH) + len(LENGTH)
    return int(head[start : head.index(b"\r\n", start)])
