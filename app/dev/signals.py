"""Stop signals, received through a pipe so that they never interrupt a step."""

import os
import select
import signal

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(Exception):
    """A stop signal has arrived."""


class SignalWatcher:
    """Counts stop signals in `stop_requests`; the second one means to stop at once."""

    def __init__(self) -> None:
        self.stop_requests = 0
        self._reader, writer = os.pipe()
        for end in (self._reader, writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)  # so that the end of a child wakes us too
        for number in STOPPING:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # respect nohup
                signal.signal(number, self._count)

    def sleep(self, seconds: float | None) -> None:
        """Sleep until a signal arrives, at most `seconds`. Raises StopRequested."""
        if not self.stop_requests:
            self.sleep_quietly(seconds)
        if self.stop_requests:
            raise StopRequested

    def sleep_quietly(self, seconds: float | None) -> None:
        """Sleep without raising, for use while stopping."""
        if select.select([self._reader], [], [], seconds)[0]:
            os.read(self._reader, 512)

    def _count(self, _number: int, _frame: object) -> None:
        self.stop_requests += 1
