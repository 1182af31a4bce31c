"""Notify professionals of an offer for anyone, in waves, nearest first (W25); /jobs shows it to all of them at once.

A wave is one transaction: a killed worker leaves nothing of it behind. Its rows of recipients keep each professional
from being notified twice, and name the email that lists the offer.
"""

from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.offer_wave_repository import DueOffer, OfferWaves
from app.core import clock, logs
from app.core.db import AdvisoryLock, try_lock
from app.core.errors import DoorstepError
from app.core.events import nudge
from app.notifications.notification import Notification, notify_many
from app.notifications.offer_wave_repository import OfferDigests
from app.scheduling.able_candidates import find_able_candidates

WAVE_SIZE = 8
WAVE_INTERVAL = timedelta(minutes=3)
REPEAT_INTERVAL = timedelta(minutes=30)  # once everyone who could come was notified, until others become free
DIGEST_INTERVAL = timedelta(minutes=15)
log = logs.get_logger("offers")


async def send_next_wave(db: AsyncSession) -> int:
    """Send the wave of the offer that waits longest; return 0 when none is due, or another worker sends."""
    if not await try_lock(db, AdvisoryLock.OFFER_WAVES):
        return 0
    offer = await OfferWaves(db).next_due()
    if offer is None:
        return 0
    try:
        async with db.begin_nested():
            count = await _notify_nearest(db, offer)
    except (DoorstepError, SQLAlchemyError):  # the others must not wait for it
        log.exception("wave of an offer failed", reference=offer.reference)
        count = WAVE_SIZE
    interval = WAVE_INTERVAL if count == WAVE_SIZE else REPEAT_INTERVAL
    await OfferWaves(db).schedule_next(offer.booking_id, clock.now() + interval)
    return 1


async def _notify_nearest(db: AsyncSession, offer: DueOffer) -> int:
    """Notify the nearest who could accept and were not notified; return how many."""
    excluded = await OfferWaves(db).excluded(offer.booking_id)
    candidates = await find_able_candidates(db, offer.slot, without=excluded, limit=WAVE_SIZE)
    if not candidates:
        return 0
    await _notify(db, offer, [candidate.id for candidate in candidates])
    nudge(db, f"user:{offer.customer_id}", f"booking-{offer.reference}")
    return len(candidates)


async def _notify(db: AsyncSession, offer: DueOffer, professional_ids: list[int]) -> None:
    now = clock.now()
    key = f"{offer.reference}:{offer.slot.starts_at.isoformat()}"
    unsent, last = await OfferDigests(db).unsent_and_last(professional_ids, now)
    due = {
        user_id: max(now, last[user_id] + DIGEST_INTERVAL) if user_id in last else now for user_id in professional_ids
    }
    digests = {
        user_id: Notification("job_offers", user_id, {}, f"job_offers:{key}:{user_id}", due[user_id])
        for user_id in professional_ids
        if user_id not in unsent
    }
    await OfferWaves(db).add_recipients(
        offer.booking_id,
        {user_id: unsent.get(user_id) or digests[user_id].key for user_id in professional_ids},
    )
    offers = (
        Notification("job_offered", user_id, {"booking": offer.reference}, f"job_offered:{key}:{user_id}", now)
        for user_id in professional_ids
    )
    await notify_many(db, (*offers, *digests.values()))
