"""GET /live: one event stream per open page, without data. It holds no database session and ends with the session."""

import asyncio
import signal
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from litestar import Response, get
from litestar.response import Stream

from app.core import logs
from app.core.poll_loop import PollLoop
from app.core.pubsub import Bus, Subscription
from app.web.context import CurrentUser, context_of
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.services import services_of

log = logs.get_logger("live")
PING_SECONDS = 15.0
MAX_STREAM_SECONDS = 30 * 60.0
MAX_STREAMS_PER_USER = 3
SESSION_CHECK_SECONDS = 1.0
END_EVENT = "live-end"  # the page's element says hx-sse:close="live-end" and does not reconnect

AudiencesOf = Callable[[Any], Awaitable[Iterable[str]]]
ActiveSessions = Callable[[list[int]], Awaitable[dict[int, bool]]]


@dataclass(eq=False, slots=True)
class OpenStream:
    user: CurrentUser
    subscription: Subscription
    expires_at: float = field(default_factory=lambda: time.monotonic() + MAX_STREAM_SECONDS)


class LiveStreams:
    """All streams of this process. `active_sessions` is called every second, once for all of them."""

    def __init__(self, bus: Bus, audiences_of: AudiencesOf, active_sessions: ActiveSessions) -> None:
        self._bus = bus
        self._audiences_of = audiences_of
        self._active_sessions = active_sessions
        self._streams: dict[int, list[OpenStream]] = defaultdict(list)
        # While PostgreSQL is away the check fails and streams go on: they carry no data.
        self._session_check = PollLoop("session_check", self._check_sessions, interval=SESSION_CHECK_SECONDS)
        self.closing = False

    async def start(self) -> None:
        self._session_check.start()
        self._chain_signals()

    async def stop(self) -> None:
        self.close()
        await self._session_check.stop()

    def close(self) -> None:
        """End every stream now; the server waits for them before it shuts down."""
        self.closing = True
        self._bus.close_all()

    async def open(self, user: CurrentUser) -> OpenStream:
        """Subscribe to the audiences the user has at this moment. The oldest stream of too many ends."""
        audiences = await self._audiences_of(user)
        stream = OpenStream(user, self._bus.subscribe(audiences))
        own = self._streams[user.id]
        own.append(stream)
        for oldest in own[:-MAX_STREAMS_PER_USER]:
            oldest.subscription.close()
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

    async def _check_sessions(self) -> None:
        streams = [stream for own in self._streams.values() for stream in own]
        if streams:
            await self._end_signed_out(streams)

    async def _end_signed_out(self, streams: list[OpenStream]) -> None:
        active = await self._active_sessions([stream.user.session_id for stream in streams])
        for stream in streams:
            blocked = active.get(stream.user.session_id)
            if blocked is None or blocked != (stream.user.blocked is not None):
                stream.subscription.close()

    def _chain_signals(self) -> None:
        """Close on SIGTERM and SIGINT: servers wait for open responses before they stop the application."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)
            if not callable(before) or before is signal.default_int_handler:
                continue  # no server installed a handler: tests, commands

            def chained(signum: int, frame: Any, before: Any = before) -> None:
                loop.call_soon_threadsafe(self.close)
                before(signum, frame)

            signal.signal(number, chained)


@get("/live", opt=everyone(), include_in_schema=False, name="live")
async def live(request: Request) -> Response[Any]:
    """The event stream of the signed-in user; 204 for a visitor, since a redirect would be swapped into the page."""
    streams: LiveStreams = services_of(request).live
    user = context_of(request).user
    if user is None or streams.closing:
        return _end_response() if "last-event-id" in request.headers else Response(b"", status_code=204)
    stream = await streams.open(user)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(_event_stream(streams, stream), media_type="text/event-stream", headers=headers)


async def _event_stream(streams: LiveStreams, stream: OpenStream) -> AsyncIterator[bytes]:
    try:
        yield b": welcome\nid: 1\nretry: 2000\n\n"
        while not stream.subscription.closed and time.monotonic() < stream.expires_at:
            timeout = min(PING_SECONDS, max(0.0, stream.expires_at - time.monotonic()))
            topics = await stream.subscription.next_topics(timeout)
            yield b"".join(f"event: {topic}\ndata:\n\n".encode() for topic in topics) or b": still here\n\n"
        if stream.subscription.closed and not streams.closing:
            yield f"event: {END_EVENT}\ndata:\n\n".encode()
    finally:
        streams.remove(stream)


def _end_response() -> HtmlResponse:
    """Send the end event, so that a page without a session does not reconnect."""
    return Response(
        f"event: {END_EVENT}\ndata:\n\n".encode(), media_type="text/event-stream", headers={"cache-control": "no-store"}
    )
