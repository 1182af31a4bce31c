"""GET /live: one event stream per open page, without data. It holds no database session and ends with the session."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Generator, Iterable
from functools import lru_cache
from typing import Any

from litestar import Response, get
from litestar.response.base import ASGIResponse
from litestar.types import HTTPResponseBodyEvent, Receive, Scope, Send

from app.core.poll_loop import PollLoop
from app.core.pubsub import NOTIFIED_AT_ONCE, Bus
from app.web.context import CurrentUser, context_of
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.services import services_of

PING_SECONDS = 15.0
MAX_STREAM_SECONDS = 30 * 60.0
MAX_STREAMS_PER_USER = 3
SESSION_CHECK_SECONDS = 1.0
END_EVENT = "live-end"  # the page's element says hx-sse:close="live-end" and does not reconnect

AudiencesOf = Callable[[Any], Awaitable[Iterable[str]]]
# Of sessions and whether each was of a blocked user, those that ended or whose user is no longer so.
ChangedSessions = Callable[[list[int], list[bool]], Awaitable[Iterable[int]]]


class OpenStream:
    """One open page. Whoever has something for it writes straight to its connection, without a task of its own."""

    __slots__ = ("expires_at", "subscription", "user", "_end", "_send", "_slow_write", "_written_at")

    def __init__(self, user: CurrentUser, bus: Bus, audiences: Iterable[str]) -> None:
        self.user = user
        self.subscription = bus.subscribe(audiences, self.write)
        self._written_at = time.monotonic()
        self.expires_at = self._written_at + MAX_STREAM_SECONDS
        self._send: Send | None = None  # none before the first bytes and after the last
        self._slow_write: asyncio.Task[None] | None = None
        self._end: bytes | None = None

    async def respond(self, receive: Receive, send: Send) -> None:
        """Write the first bytes, and all that comes until the client leaves or the stream has ended."""
        await send(_body(b": welcome\nid: 1\nretry: 2000\n\n"))
        self._send = send
        self.write()
        while (await receive())["type"] != "http.disconnect":
            pass

    def write(self) -> None:
        """Write the topics that wait; while the client does not read, they go on waiting and collapse."""
        if self._send is None or self._slow_write is not None:
            return
        events = b"".join(map(_event, self.subscription.take_topics()))
        if self._end is not None:
            self._write(events + self._end, is_last=True)
        elif events:
            self._write(events)

    def ping(self, now: float) -> None:
        """Write a comment if the connection was quiet for a while."""
        if now - self._written_at >= PING_SECONDS and self._send is not None and self._slow_write is None:
            self._write(b": still here\n\n")

    def end(self, last: bytes = b"") -> None:
        """End the stream after `last`."""
        if self._end is None:
            self._end = last
            self.write()

    def _write(self, body: bytes, *, is_last: bool = False) -> None:
        assert self._send is not None
        self._written_at = time.monotonic()
        # The server's send waits for nothing unless the client is slow: only then is a task worth its cost.
        steps = self._send(_body(body, is_last=is_last)).__await__()
        if is_last:
            self._send = None
        try:
            waits_for = next(steps)
        except StopIteration:
            return
        self._slow_write = asyncio.create_task(_finish(_Begun(steps, waits_for)))
        self._slow_write.add_done_callback(self._end_slow_write)

    def _end_slow_write(self, _task: "asyncio.Task[None]") -> None:
        self._slow_write = None
        self.write()


class _Begun:
    """An awaitable whose first step was taken, which waits for `waits_for`."""

    def __init__(self, steps: Generator[Any, Any, None], waits_for: Any) -> None:
        self._steps, self._waits_for = steps, waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        yield self._waits_for
        yield from self._steps


async def _finish(begun: _Begun) -> None:
    await begun


class LiveStreams:
    """All streams of this process. `active_sessions` is called every second, once for all of them."""

    def __init__(self, bus: Bus, audiences_of: AudiencesOf, changed_sessions: ChangedSessions) -> None:
        self._bus = bus
        self._audiences_of = audiences_of
        self._changed_sessions = changed_sessions
        self._streams: dict[int, list[OpenStream]] = {}
        # While PostgreSQL is away the check fails and streams go on: they carry no data.
        self._session_check = PollLoop("session_check", self._check_sessions, interval=SESSION_CHECK_SECONDS)
        self._pings = PollLoop("live_pings", self._ping, interval=1.0)
        self._chained: dict[int, tuple[Any, Any]] = {}  # by signal: our handler and the one before it
        self.closing = False

    async def start(self) -> None:
        self._session_check.start()
        self._pings.start()
        self._chain_signals()

    async def stop(self) -> None:
        self.close()
        self._unchain_signals()
        await self._session_check.stop()
        await self._pings.stop()

    def close(self) -> None:
        """End every stream now; the server waits for them before it shuts down."""
        self.closing = True
        for stream in self._open_streams():
            stream.end()

    async def open(self, user: CurrentUser) -> OpenStream:
        """Subscribe to the audiences the user has at this moment. The oldest stream of too many ends."""
        stream = OpenStream(user, self._bus, await self._audiences_of(user))
        own = self._streams.setdefault(user.id, [])
        own.append(stream)
        for oldest in own[:-MAX_STREAMS_PER_USER]:
            oldest.end(_event(END_EVENT))
        if self.closing:
            stream.end()
        return stream

    def remove(self, stream: OpenStream) -> None:
        self._bus.unsubscribe(stream.subscription)
        own = self._streams[stream.user.id]
        own.remove(stream)
        if not own:
            del self._streams[stream.user.id]

    @property
    def count(self) -> int:
        return sum(map(len, self._streams.values()))

    def _open_streams(self) -> list[OpenStream]:
        return [stream for own in self._streams.values() for stream in own]

    async def _check_sessions(self) -> None:
        """End the streams of sessions that ended, and of users who were blocked or unblocked."""
        streams = self._open_streams()
        if not streams:
            return
        ids = [stream.user.session_id for stream in streams]
        changed = frozenset(await self._changed_sessions(ids, [stream.user.blocked is not None for stream in streams]))
        for stream in streams if changed else ():
            if stream.user.session_id in changed:
                stream.end(_event(END_EVENT))

    async def _ping(self) -> None:
        """Ping quiet streams, and end old ones, whose pages open new ones."""
        now = time.monotonic()
        for number, stream in enumerate(self._open_streams(), start=1):
            if now >= stream.expires_at:
                stream.end()
            else:
                stream.ping(now)
            if number % NOTIFIED_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _chain_signals(self) -> None:
        """Close on SIGTERM and SIGINT: servers wait for open responses before they stop the application."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)
            if not callable(before) or before is signal.default_int_handler:
                continue  # no server installed a handler: tests, commands

            def chained(signum: int, frame: Any, before: Any = before) -> None:
                if not loop.is_closed():  # when another application has chained its handler to this one
                    loop.call_soon_threadsafe(self.close)
                before(signum, frame)

            signal.signal(number, chained)
            self._chained[number] = chained, before

    def _unchain_signals(self) -> None:
        """Restore the handlers from before, unless others were installed since."""
        for number, (chained, before) in self._chained.items():
            if signal.getsignal(number) is chained:
                signal.signal(number, before)
        self._chained.clear()


@get("/live", opt=everyone(), include_in_schema=False, name="live")
async def live(request: Request) -> Response[Any]:
    """The event stream of the signed-in user; 204 for a visitor, since a redirect would be swapped into the page."""
    streams: LiveStreams = services_of(request).live
    user = context_of(request).user
    if user is None or streams.closing:
        return _end_response() if "last-event-id" in request.headers else Response(b"", status_code=204)
    return EventStream(streams, await streams.open(user))


class EventStream(Response[None]):
    """The response that lasts as long as its page is open."""

    def __init__(self, streams: LiveStreams, stream: OpenStream) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(None, media_type="text/event-stream", headers=headers)
        self._streams, self._stream = streams, stream

    def to_asgi_response(self, *_args: Any, **_options: Any) -> ASGIResponse:
        return _StreamingResponse(self._streams, self._stream, headers=self.headers, media_type=self.media_type)


class _StreamingResponse(ASGIResponse):
    _should_set_content_length = False

    def __init__(self, streams: LiveStreams, stream: OpenStream, **options: Any) -> None:
        super().__init__(**options)
        self._streams, self._stream = streams, stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.remove(self._stream)

    async def send_body(self, send: Send, receive: Receive) -> None:
        await self._stream.respond(receive, send)


@lru_cache(1024)
def _event(topic: str) -> bytes:
    return f"event: {topic}\ndata:\n\n".encode()


def _body(body: bytes, *, is_last: bool = False) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": body, "more_body": not is_last}


def _end_response() -> HtmlResponse:
    """Send the end event, so that a page without a session does not reconnect."""
    return Response(_event(END_EVENT), media_type="text/event-stream", headers={"cache-control": "no-store"})
