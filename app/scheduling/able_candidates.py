"""Candidates who could accept a job now, whatever reservations would have to move for it."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from app.scheduling.candidate_repository import ABLE, FIRST_BATCH, find_free_candidates, load_unavailability
from app.scheduling.candidates import Candidate, RequestedSlot
from app.scheduling.slots import conflicts, within_hours


async def find_able_candidates(
    db: AsyncSession, slot: RequestedSlot, *, without: Collection[int], limit: int
) -> list[Candidate]:
    """Return the nearest, `without` some people, who could accept the slot now: at most `limit`."""
    able: list[Candidate] = []
    seen, size = list(without), FIRST_BATCH
    while len(able) < limit:
        batch = await find_free_candidates(
            db,
            slot.service_id,
            slot.location,
            [slot.starts_at],
            slot.minutes,
            without=seen,
            limit=size,
            customer_id=slot.customer_id,
            ignoring=slot.booking_id,
            condition=ABLE,
        )
        await load_unavailability(db, batch, slot.starts_at, slot.ends_at, ignoring=slot.booking_id)
        able += [candidate for candidate in batch if _is_able(candidate, slot)]
        if len(batch) < size:
            break
        seen += [candidate.id for candidate in batch]
        size *= 2
    return able[:limit]


def _is_able(candidate: Candidate, slot: RequestedSlot) -> bool:
    is_busy = any(job.is_committed for job in conflicts(candidate, slot.minutes, slot.location, slot.starts_at))
    return within_hours(candidate, slot.minutes, slot.starts_at) and not is_busy
