"""Counts searches that met nobody beside the requests: in memory, written down every few seconds and at the end."""

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from datetime import date

from app.core import clock
from app.core.db import Database
from app.discovery.repository import Unmet

log = logging.getLogger("doorstep.discovery")
EVERY = 5.0  # seconds
MOST = 10_000  # different ones between two writings: whoever invents more is not believed
Key = tuple[date, str, int | None, str]


class Wanted:
    """What nobody could do: `met_nobody` costs a request nothing; `start` and `stop` are the process's own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts: Counter[Key] = Counter()
        self._running: asyncio.Task[None] | None = None

    def met_nobody(self, pincode: str, service_id: int | None, category: str) -> None:
        """Once more, today: what the words meant, and the slug of the category that was asked for."""
        key = (clock.today(), pincode, service_id, category)
        if key in self._counts or len(self._counts) < MOST:
            self._counts[key] += 1

    async def start(self) -> None:
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        await self.write_down()

    async def write_down(self) -> None:
        """What could not be written is kept for the next time."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            async with self._database.work() as db:
                await Unmet(db).add(counts)
        except asyncio.CancelledError:
            self._counts.update(counts)
            raise
        except Exception:
            self._counts.update(counts)
            log.warning("searches that met nobody wait to be written down", exc_info=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self.write_down()
