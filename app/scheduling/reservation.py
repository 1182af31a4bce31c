"""Whose time is taken: one reservation for each open booking, and the locks under which it is written.

A search never locks all candidates. It reads without locks, then takes the candidates who seem free in their order: a
savepoint, the lock of that one person, a second look under it, and the reservation. Rolling back to the savepoint also
gives the lock back, so a transaction keeps the lock of nobody but the person whose time it takes.

A transaction waits for the first person's lock alone. Whoever holds one already (a professional who accepts and moves
others' reservations, an admin who blocks someone with many jobs) only tries for more, and so no circle of waiting
transactions can arise. The exclusion constraint reservations_overlap_excl is the last guard.
"""

import asyncio
import random
from collections.abc import AsyncIterable, Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import AdvisoryLock, acquire_lock, lock_statement, violated_constraint, wait_for_lock
from app.core.orm import NaturalKeyBase
from app.core.sql import execute, fetch, savepoint
from app.scheduling.candidate_repository import load_unavailability
from app.scheduling.candidates import TURNAROUND_DURATION, Candidate, RequestedSlot
from app.scheduling.slots import is_free

OVERLAP_CONSTRAINT = "reservations_overlap_excl"
LOCK_ATTEMPTS = 8
LOCK_PAUSE_SECONDS = (0.01, 0.05)
HOLDER = "transaction that locked a professional's time"


class Reservation(NaturalKeyBase):
    """A professional's time, taken by an open booking: `span` is the slot and the turnaround after it.

    `is_committed`: accepted or started, so it cannot move to another candidate. `expires_at` is set for a hold, whose
    time is free from then on; the row is deleted by whoever takes that time.
    """

    __tablename__ = "reservations"
    __table_args__ = (
        ExcludeConstraint(("professional_id", "="), ("span", "&&"), name=OVERLAP_CONSTRAINT, using="gist"),
        Index("reservations_expires_idx", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )
    # Time is taken before the row of a new booking is written.
    booking_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("bookings.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED"),
        primary_key=True,
        autoincrement=False,
    )
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("professionals.user_id"))
    span: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    pincode: Mapped[str] = mapped_column(String(6), ForeignKey("pincodes.pincode"))
    is_committed: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    expires_at: Mapped[datetime | None]


RESERVE = """
    WITH lapsed AS (
        DELETE FROM reservations
         WHERE professional_id = $2 AND span && tstzrange($3, $4) AND expires_at <= $8 AND booking_id <> $1
        RETURNING 1
    )
    INSERT INTO reservations (booking_id, professional_id, span, pincode, is_committed, expires_at)
    SELECT $1, $2, tstzrange($3, $4), $5, $6, $7 FROM (SELECT count(*) FROM lapsed) AS removed
        ON CONFLICT (booking_id) DO UPDATE SET professional_id = excluded.professional_id, span = excluded.span,
           is_committed = excluded.is_committed, expires_at = excluded.expires_at
"""
RELEASE = "DELETE FROM reservations WHERE booking_id = ANY($1::bigint[])"
KEEP = "UPDATE reservations SET expires_at = NULL WHERE booking_id = $1"
RESERVED_FOR = "SELECT booking_id, professional_id FROM reservations WHERE booking_id = ANY($1::bigint[])"
MOVABLE = """
    SELECT booking_id FROM reservations
     WHERE professional_id = $1 AND span && tstzrange($2, $3) AND NOT is_committed
"""


async def lock_time(db: AsyncSession, professional_id: int) -> None:
    """Wait for this professional's time, the first that the transaction locks."""
    await acquire_lock(db, AdvisoryLock.PROFESSIONAL_TIME, professional_id)
    _remember(db)


async def reserve_first_free(
    db: AsyncSession, batches: AsyncIterable[Sequence[Candidate]], slot: RequestedSlot
) -> Candidate | None:
    """Reserve the time of the first candidate who is free, locked until the transaction ends; None when nobody is.

    Candidates whose time another transaction has locked come last, and are waited for if this one has none yet.
    """
    locked_elsewhere: list[Candidate] = []
    async for batch in batches:
        await _load(db, batch, slot)
        free = (candidate for candidate in batch if is_free(candidate, slot.minutes, slot.location, slot.starts_at))
        found = await _reserve_first(db, free, slot, locked_elsewhere)
        if found is not None:
            return found
    if not _has_time(db):
        return await _reserve_first(db, locked_elsewhere, slot)
    for _attempt in range(LOCK_ATTEMPTS):
        rest, locked_elsewhere = locked_elsewhere, []
        found = await _reserve_first(db, rest, slot, locked_elsewhere)
        if found is not None or not locked_elsewhere:
            return found
        await asyncio.sleep(random.uniform(*LOCK_PAUSE_SECONDS))
    return None


async def reserve(db: AsyncSession, professional_id: int, slot: RequestedSlot, *, is_committed: bool = False) -> bool:
    """Reserve this person's time, which the transaction has locked; False when another booking has it."""
    try:
        async with savepoint(db):
            await _write(db, professional_id, slot, is_committed=is_committed)
    except IntegrityError as error:
        return _refused_as_overlap(error)
    return True


async def keep_reservation(db: AsyncSession, booking_id: int) -> bool:
    """Let a hold's time not expire any more; False when another booking has it."""
    return bool(await execute(db, KEEP, booking_id))


async def release_time(db: AsyncSession, booking_ids: Collection[int]) -> None:
    """Free the time that these bookings take."""
    await execute(db, RELEASE, booking_ids)


async def reserved_professionals(db: AsyncSession, booking_ids: Collection[int]) -> dict[int, int]:
    """Booking id → whose time it takes; bookings that take nobody's time are left out."""
    return {row[0]: row[1] for row in await fetch(db, RESERVED_FOR, booking_ids)}


async def movable_reservations(db: AsyncSession, professional_id: int, since: datetime, until: datetime) -> list[int]:
    """Ids of the unaccepted bookings that take this professional's time between two moments."""
    return [row[0] for row in await fetch(db, MOVABLE, professional_id, since, until)]


async def _reserve_first(
    db: AsyncSession,
    candidates: Iterable[Candidate],
    slot: RequestedSlot,
    locked_elsewhere: list[Candidate] | None = None,
) -> Candidate | None:
    """The first who is still free; those locked elsewhere are added to the list, or waited for where there is none."""
    for candidate in candidates:
        if locked_elsewhere is None and not await _is_free_after_wait(db, candidate, slot):
            continue
        outcome = await _reserve_if_free(db, candidate, slot, wait=locked_elsewhere is None)
        if outcome:
            _remember(db)
            return candidate
        if outcome is None and locked_elsewhere is not None:
            locked_elsewhere.append(candidate)
    return None


async def _is_free_after_wait(db: AsyncSession, candidate: Candidate, slot: RequestedSlot) -> bool:
    """Wait for the transaction that has the candidate's time, and read what it left.

    Fifty who lost one slot so learn it side by side, where the lock itself would be handed from one to the next.
    """
    await wait_for_lock(db, AdvisoryLock.PROFESSIONAL_TIME, candidate.id)
    await _load(db, [candidate], slot)
    return is_free(candidate, slot.minutes, slot.location, slot.starts_at)


async def _reserve_if_free(db: AsyncSession, candidate: Candidate, slot: RequestedSlot, *, wait: bool) -> bool | None:
    """Whether the candidate is free, with their time reserved if so; None when another transaction has locked it."""
    lock = lock_statement(AdvisoryLock.PROFESSIONAL_TIME, candidate.id, wait=wait)
    try:
        # A booking reserves once in its transaction. Reassigning many jobs reserves repeatedly: release each savepoint.
        async with savepoint(db, lock, release=_has_time(db)) as point:
            if not point.count:
                return None
            await _load(db, [candidate], slot, is_locked=True)
            if not is_free(candidate, slot.minutes, slot.location, slot.starts_at):
                await point.roll_back()
                return False
            await _write(db, candidate.id, slot)
    except IntegrityError as error:
        return _refused_as_overlap(error)
    return True


async def _write(db: AsyncSession, professional_id: int, slot: RequestedSlot, *, is_committed: bool = False) -> None:
    await execute(
        db,
        RESERVE,
        slot.booking_id,
        professional_id,
        slot.starts_at,
        slot.ends_at + TURNAROUND_DURATION,
        slot.location.pincode,
        is_committed,
        slot.expires_at,
        clock.now(),
    )


async def _load(
    db: AsyncSession, candidates: Sequence[Candidate], slot: RequestedSlot, *, is_locked: bool = False
) -> None:
    await load_unavailability(
        db,
        candidates,
        slot.starts_at,
        slot.ends_at,
        ignoring=slot.booking_id,
        locked_for=slot if is_locked else None,
    )


def _remember(db: AsyncSession) -> None:
    db.info[HOLDER] = db.sync_session.get_transaction()


def _has_time(db: AsyncSession) -> bool:
    """Whether this transaction holds the lock of anyone's time."""
    return HOLDER in db.info and db.info[HOLDER] is db.sync_session.get_transaction()


def _refused_as_overlap(error: IntegrityError) -> bool:
    """False when the time was taken by another booking; any other error is raised."""
    if violated_constraint(error) != OVERLAP_CONSTRAINT:
        raise error
    return False
