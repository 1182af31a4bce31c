"""Background loops of a process: call a function again and again until stopped."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType

from app.core import logs

CANCEL_RETRY_SECONDS = 0.2
Poll = Callable[[], Awaitable[object]]
log = logs.get_logger("poll_loop")


class PollLoop:
    """Call `poll` every `interval` seconds between `start` and `stop`; an error is logged and the loop goes on.

    The first call comes one interval after `start`, or at once with `immediate`. After an error the loop waits
    `error_delay` seconds more. Also usable as an asynchronous context manager.
    """

    def __init__(
        self, name: str, poll: Poll, *, interval: float, immediate: bool = False, error_delay: float = 0.0
    ) -> None:
        self._name = name
        self._poll = poll
        self._interval = interval
        self._immediate = immediate
        self._error_delay = error_delay
        self._failing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin polling in the running event loop."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Cancel the loop and wait until it has ended; does nothing if it was never started."""
        task, self._task = self._task, None
        if task is not None:
            await cancel_and_wait([task])

    async def __aenter__(self) -> "PollLoop":
        self.start()
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def _run(self) -> None:
        if not self._immediate:
            await asyncio.sleep(self._interval)
        while True:
            delay = await self._poll_once()
            await asyncio.sleep(self._interval + delay)

    async def _poll_once(self) -> float:
        """Return how many seconds to wait in addition to the interval."""
        try:
            await self._poll()
        except Exception as error:
            # The traceback once: while PostgreSQL or Redis is away, every call fails in the same way.
            log.warning("poll failed", loop=self._name, error=type(error).__name__, exc_info=not self._failing)
            self._failing = True
            return self._error_delay
        self._failing = False
        return 0.0


async def cancel_and_wait(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel until every task has ended: the Redis client's own time-outs now and then swallow a cancellation."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=CANCEL_RETRY_SECONDS)
