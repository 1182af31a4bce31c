"""Who may use the sandbox next: fair between senders, quick files before slow ones, and no one waits for long.

Each sender (client network) has one file in work; their others wait for it. A file that is not done after its turn is
paused while files wait that had fewer turns. Who has waited for WAIT_SECONDS in all is sent away.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from app.core.errors import Overloaded
from app.core.i18n import _

PARALLEL_SCANS = 2  # in this process
WAIT_SECONDS = 8.0
RETRY_AFTER_SECONDS = 10
MAX_FILES = 200  # in work and waiting
MAX_FILES_PER_SENDER = 20
MAX_PAUSED = 8  # each is a process that keeps its memory


@dataclass(slots=True, eq=False)
class Ticket:
    """One file. `turns` counts those it had; `patience` is for how many seconds it may still wait."""

    sender: str
    number: int
    patience: float
    turns: int = 0
    is_started: bool = False
    has_slot: bool = False
    granted: asyncio.Event = field(default_factory=asyncio.Event)


class ScanQueue:
    """The files of this process that are in work, paused or waiting."""

    def __init__(self, slots: int = PARALLEL_SCANS, wait_seconds: float = WAIT_SECONDS) -> None:
        self._free_slots = slots
        self._wait_seconds = wait_seconds
        self._tickets: list[Ticket] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._tickets)

    @asynccontextmanager
    async def entry(self, sender: str) -> AsyncIterator[Ticket]:
        """Wait for the first turn; leave the queue at the end. Raises Overloaded."""
        of_sender = sum(ticket.sender == sender for ticket in self._tickets)
        if len(self._tickets) >= MAX_FILES or of_sender >= MAX_FILES_PER_SENDER:
            raise _overloaded()
        ticket = Ticket(sender, next(self._numbers), self._wait_seconds)
        self._tickets.append(ticket)
        try:
            await self._wait(ticket)
            yield ticket
        finally:
            self._tickets.remove(ticket)
            self._free_slots += ticket.has_slot
            self._grant()

    def must_pause(self, ticket: Ticket) -> bool:
        """Count the turn that ended; return whether another file should have the next one."""
        ticket.turns += 1
        return any(other.turns < ticket.turns for other in self._next())

    async def pause(self, ticket: Ticket) -> None:
        """Leave the slot to another file and wait for the next turn. Raises Overloaded."""
        if sum(other.is_started and not other.has_slot for other in self._tickets) >= MAX_PAUSED:
            raise _overloaded()
        ticket.has_slot = False
        self._free_slots += 1
        await self._wait(ticket)

    async def _wait(self, ticket: Ticket) -> None:
        ticket.granted.clear()
        self._grant()
        began = time.monotonic()
        try:
            async with asyncio.timeout(ticket.patience):
                await ticket.granted.wait()
        except TimeoutError:
            if not ticket.has_slot:  # else the turn came at the same moment
                raise _overloaded() from None
        ticket.patience = max(0.0, ticket.patience - (time.monotonic() - began))

    def _grant(self) -> None:
        while self._free_slots and (waiting := self._next()):
            ticket = min(waiting, key=lambda ticket: (ticket.turns, ticket.number))
            ticket.is_started = ticket.has_slot = True
            self._free_slots -= 1
            ticket.granted.set()

    def _next(self) -> list[Ticket]:
        """The files that may have the next turn: of each sender one."""
        in_work = {ticket.sender for ticket in self._tickets if ticket.is_started}
        return [
            ticket
            for ticket in self._tickets
            if not ticket.has_slot and (ticket.is_started or ticket.sender not in in_work)
        ]


def _overloaded() -> Overloaded:
    message = _("We're checking many documents right now. Try again in a few seconds.")
    return Overloaded({"document": message}, RETRY_AFTER_SECONDS)
