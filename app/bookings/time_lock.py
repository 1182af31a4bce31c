"""Lock professionals' time: of one person at a time, the first candidate who is free.

A search never locks all candidates. It reads without locks, then takes the candidates who seem free in their order: a
savepoint, the lock of that one person, and a second look under it. Rolling back to the savepoint also gives the lock
back, so a transaction keeps the lock of nobody but the person whose time it takes.

A transaction waits for the first person's lock alone. Whoever holds one already (a professional who accepts and moves
others' reservations, an admin who blocks someone with many jobs) only tries for more, and so no circle of waiting
transactions can arise. The exclusion constraint bookings_overlap_excl is the last guard.
"""

import asyncio
import random
from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.expiry import expire_holds
from app.core.db import AdvisoryLock, acquire_lock, try_lock
from app.scheduling.candidate_repository import load_unavailability
from app.scheduling.candidates import Candidate
from app.scheduling.slots import is_free
from app.scheduling.travel import Location

LOCK_ATTEMPTS = 8
LOCK_PAUSE_SECONDS = (0.01, 0.05)
HOLDER = "transaction that locked a professional's time"


@dataclass(frozen=True, slots=True)
class RequestedSlot:
    """A job of `minutes` at a place and time; `ignoring` is the id of a booking that is being moved."""

    starts_at: datetime
    minutes: int
    location: Location
    ignoring: int | None = None


async def lock_time(db: AsyncSession, professional_id: int) -> None:
    """Wait for this professional's time, the first that the transaction locks, and cancel their lapsed holds."""
    await acquire_lock(db, AdvisoryLock.PROFESSIONAL_TIME, professional_id)
    _remember(db)
    await expire_holds(db, {professional_id})


async def lock_first_free(
    db: AsyncSession, batches: AsyncIterable[Sequence[Candidate]], slot: RequestedSlot
) -> Candidate | None:
    """The first of the candidates who is free for the slot, with their time locked; None when nobody is.

    Candidates whose time another transaction has locked come last, and are waited for if this one has none yet.
    """
    locked_elsewhere: list[Candidate] = []
    async for batch in batches:
        await _load(db, batch, slot)
        free = [candidate for candidate in batch if is_free(candidate, slot.minutes, slot.location, slot.starts_at)]
        found = await _lock_first(db, free, slot, locked_elsewhere)
        if found is not None:
            return found
    if not _has_time(db):
        return await _lock_first(db, locked_elsewhere, slot)
    for _attempt in range(LOCK_ATTEMPTS):
        rest, locked_elsewhere = locked_elsewhere, []
        found = await _lock_first(db, rest, slot, locked_elsewhere)
        if found is not None or not locked_elsewhere:
            return found
        await asyncio.sleep(random.uniform(*LOCK_PAUSE_SECONDS))
    return None


async def _lock_first(
    db: AsyncSession,
    candidates: Sequence[Candidate],
    slot: RequestedSlot,
    locked_elsewhere: list[Candidate] | None = None,
) -> Candidate | None:
    """The first who is still free; those locked elsewhere are added to the list, or waited for where there is none."""
    for candidate in candidates:
        outcome = await _lock_if_free(db, candidate, slot, wait=locked_elsewhere is None)
        if outcome:
            _remember(db)
            return candidate
        if outcome is None and locked_elsewhere is not None:
            locked_elsewhere.append(candidate)
    return None


async def _lock_if_free(db: AsyncSession, candidate: Candidate, slot: RequestedSlot, *, wait: bool) -> bool | None:
    """Whether the candidate is free, with their time locked if so; None when someone else has it."""
    async with db.begin_nested() as savepoint:
        if wait:
            await acquire_lock(db, AdvisoryLock.PROFESSIONAL_TIME, candidate.id)
        elif not await try_lock(db, AdvisoryLock.PROFESSIONAL_TIME, candidate.id):
            await savepoint.rollback()
            return None
        await _load(db, [candidate], slot)
        if not is_free(candidate, slot.minutes, slot.location, slot.starts_at):
            await savepoint.rollback()
            return False
    await expire_holds(db, {candidate.id})
    return True


async def _load(db: AsyncSession, candidates: Sequence[Candidate], slot: RequestedSlot) -> None:
    end = slot.starts_at + timedelta(minutes=slot.minutes)
    await load_unavailability(db, candidates, slot.starts_at, end, ignoring=slot.ignoring)


def _remember(db: AsyncSession) -> None:
    db.info[HOLDER] = db.sync_session.get_transaction()


def _has_time(db: AsyncSession) -> bool:
    """Whether this transaction holds the lock of anybody's time."""
    return HOLDER in db.info and db.info[HOLDER] is db.sync_session.get_transaction()
