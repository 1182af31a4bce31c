"""Count searches that no professional could serve: in memory, saved every few seconds and at shutdown."""

import asyncio
import logging
from collections import Counter
from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Database
from app.core.orm import Base
from app.core.poll_loop import PollLoop
from app.discovery.repository import UnmetSearches

log = logging.getLogger("doorstep.discovery")
FLUSH_INTERVAL_SECONDS = 5.0
MAX_DISTINCT_KEYS = 10_000  # between two flushes; further ones are not counted
SearchKey = tuple[date, str, int | None, str]


class UnmetSearch(Base):
    """`category_id` is None when the query was not understood; the query itself is not stored."""

    __tablename__ = "unmet_searches"
    __table_args__ = (
        CheckConstraint("searches > 0", name="unmet_searches_searches_check"),
        Index("unmet_searches_key", "day", "pincode", "category_id", unique=True, postgresql_nulls_not_distinct=True),
    )
    day: Mapped[date] = mapped_column(Date)
    pincode: Mapped[str] = mapped_column(String(6), ForeignKey("pincodes.pincode"))
    category_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("categories.id"))
    searches: Mapped[int] = mapped_column(Integer)


class UnmetSearchCounter:
    """Count in memory what no professional could serve; `start` and `stop` belong to the process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts: Counter[SearchKey] = Counter()
        self._loop = PollLoop("unmet_searches", self.flush, interval=FLUSH_INTERVAL_SECONDS)

    def record(self, pincode: str, service_id: int | None, category: str) -> None:
        """Count one search of today: the matched service, and the slug of the category filter."""
        key = (clock.today(), pincode, service_id, category)
        if key in self._counts or len(self._counts) < MAX_DISTINCT_KEYS:
            self._counts[key] += 1

    async def start(self) -> None:
        self._loop.start()

    async def stop(self) -> None:
        await self._loop.stop()
        await self.flush()

    async def flush(self) -> None:
        """Save the counts; counts that could not be saved stay for the next flush."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            async with self._database.work() as db:
                await UnmetSearches(db).add(counts)
        except asyncio.CancelledError:
            self._counts.update(counts)
            raise
        except Exception:
            self._counts.update(counts)
            log.warning("unmet searches not saved, retrying at the next flush", exc_info=True)
