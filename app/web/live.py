"""GET /live: one stream of bare words per open page. It holds no database session and ends when the session does."""

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
from app.core.pubsub import Bus, Listening
from app.web.context import Person, visit_of
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request

log = logs.get("live")
PING = 15.0
LONGEST = 30 * 60.0
MOST_PER_PERSON = 3
ROLL_CALL = 1.0
END = "live-end"  # the page's element says hx-sse:close="live-end": no coming back

AudiencesOf = Callable[[Any], Awaitable[Iterable[str]]]
StillIn = Callable[[list[int]], Awaitable[dict[int, bool]]]


@dataclass(eq=False, slots=True)
class OpenPage:
    person: Person
    ear: Listening
    until: float = field(default_factory=lambda: time.monotonic() + LONGEST)


class Live:
    """All streams of this process. `still_in` is asked every second, once for all of them."""

    def __init__(self, bus: Bus, audiences_of: AudiencesOf, still_in: StillIn) -> None:
        self._bus = bus
        self._audiences_of = audiences_of
        self._still_in = still_in
        self._pages: dict[int, list[OpenPage]] = defaultdict(list)
        self._roll_call: asyncio.Task[None] | None = None
        self.closing = False

    async def start(self) -> None:
        self._roll_call = asyncio.create_task(self._call_the_roll())
        self._chain_signals()

    async def stop(self) -> None:
        self.close()
        if self._roll_call:
            self._roll_call.cancel()
            await asyncio.gather(self._roll_call, return_exceptions=True)

    def close(self) -> None:
        """Every stream ends now; the server waits for them before it shuts down."""
        self.closing = True
        self._bus.end_all()

    async def open(self, person: Person) -> OpenPage:
        """Authorised here and now: only what `audiences_of` names is ever heard. The oldest of too many ends."""
        audiences = await self._audiences_of(person)
        page = OpenPage(person, self._bus.hear(audiences))
        mine = self._pages[person.id]
        mine.append(page)
        for oldest in mine[:-MOST_PER_PERSON]:
            oldest.ear.end()
        return page

    def leave(self, page: OpenPage) -> None:
        self._bus.forget_ear(page.ear)
        mine = self._pages[page.person.id]
        mine.remove(page)
        if not mine:
            del self._pages[page.person.id]

    @property
    def count(self) -> int:
        return sum(map(len, self._pages.values()))

    async def _call_the_roll(self) -> None:
        while True:
            await asyncio.sleep(ROLL_CALL)
            pages = [page for mine in self._pages.values() for page in mine]
            if pages:
                try:
                    await self._end_the_absent(pages)
                except Exception as problem:  # PostgreSQL is away: streams carry no data, they may wait for it
                    log.warning("roll call failed", problem=type(problem).__name__)

    async def _end_the_absent(self, pages: list[OpenPage]) -> None:
        living = await self._still_in([page.person.session_id for page in pages])
        for page in pages:
            blocked = living.get(page.person.session_id)
            if blocked is None or blocked != (page.person.blocked is not None):
                page.ear.end()

    def _chain_signals(self) -> None:
        """Servers wait for open answers before they tell the application to stop: hear the signal ourselves."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)
            if not callable(before) or before is signal.default_int_handler:
                continue  # no server put a handler there: tests, commands

            def chained(signum: int, frame: Any, before: Any = before) -> None:
                loop.call_soon_threadsafe(self.close)
                before(signum, frame)

            signal.signal(number, chained)


@get("/live", opt=everyone(), include_in_schema=False, name="live")
async def live(request: Request) -> Response[Any]:
    """`everyone`, for a redirect to the sign-in page would be drawn into the page: 204 for a visitor instead."""
    streams: Live = request.app.state.live
    person = visit_of(request).person
    if person is None or streams.closing:
        return _farewell() if "last-event-id" in request.headers else Response(b"", status_code=204)
    page = await streams.open(person)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(_words(streams, page), media_type="text/event-stream", headers=headers)


async def _words(streams: Live, page: OpenPage) -> AsyncIterator[bytes]:
    try:
        yield b": welcome\nid: 1\nretry: 2000\n\n"
        while not page.ear.ended and time.monotonic() < page.until:
            told = await page.ear.next(min(PING, max(0.0, page.until - time.monotonic())))
            yield b"".join(f"event: {word}\ndata:\n\n".encode() for word in told) or b": still here\n\n"
        if page.ear.ended and not streams.closing:
            yield f"event: {END}\ndata:\n\n".encode()
    finally:
        streams.leave(page)


def _farewell() -> HtmlResponse:
    """To a page that comes back without a session: do not come again."""
    return Response(
        f"event: {END}\ndata:\n\n".encode(), media_type="text/event-stream", headers={"cache-control": "no-store"}
    )
