"""Being asked to stop: signals arrive as bytes on a pipe, so that none ever interrupts half a step."""

import os
import select
import signal

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Asked(Exception):
    """Somebody wants us to stop."""


class Signals:
    """`times` counts how often we were asked; the second time means: at once."""

    def __init__(self) -> None:
        self.times = 0
        self._reader, writer = os.pipe()
        for end in (self._reader, writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)  # a child's end wakes us too
        for number in STOPPING:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup means it
                signal.signal(number, self._count)

    def rest(self, seconds: float | None) -> None:
        """Sleep until something happens, at most so long. Raises Asked."""
        if not self.times:
            self.nap(seconds)
        if self.times:
            raise Asked

    def nap(self, seconds: float | None) -> None:
        """The same, without raising: for the stopping itself."""
        if select.select([self._reader], [], [], seconds)[0]:
            os.read(self._reader, 512)

    def _count(self, _number: int, _frame: object) -> None:
        self.times += 1
