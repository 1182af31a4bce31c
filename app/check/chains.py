"""Recompute the event chain of every record and compare its end with the one stored on the record."""

from collections.abc import AsyncGenerator

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Chain, Event

CHAIN_HEADS = """
    SELECT 'booking-' || reference AS subject, event_count, event_head FROM bookings
    UNION ALL SELECT 'user-' || id, event_count, event_head FROM users
    UNION ALL SELECT 'service-' || id, event_count, event_head FROM services
    UNION ALL SELECT 'category-' || id, event_count, event_head FROM categories
    UNION ALL SELECT 'document-' || id, event_count, event_head FROM documents
    UNION ALL SELECT 'export-' || id, event_count, event_head FROM exports
    UNION ALL SELECT 'webhook-' || id, event_count, event_head FROM webhooks
    UNION ALL SELECT 'payout_run-' || id, event_count, event_head FROM payout_runs
    UNION ALL SELECT 'setting-' || name, event_count, event_head FROM settings
    UNION ALL SELECT 'coupon-' || code, event_count, event_head FROM coupons
"""
# Else the session reads all rows before the first is seen, and works on them for longer than a transaction may wait.
IN_BATCHES = {"yield_per": 1000}
DELETION_EVENTS = (
    "service.deleted",
    "category.deleted",
)  # services without bookings and empty categories are deleted; their events stay


async def find_broken_chains(db: AsyncSession) -> AsyncGenerator[str, None]:
    ends: dict[str, tuple[int, bytes]] = {}
    deleted: set[str] = set()
    chain = Chain("")
    events = select(Event.__table__).order_by(Event.subject, Event.seq)
    async for row in await db.stream(events, execution_options=IN_BATCHES):
        chain = chain if row.subject in ends else Chain(row.subject)
        if not chain.append(row):
            yield f"{row.subject}, event {row.seq}"
        ends[row.subject] = (chain.length, chain.end)
        if row.name in DELETION_EVENTS:
            deleted.add(row.subject)
    async for head in await db.stream(text(CHAIN_HEADS), execution_options=IN_BATCHES):
        stored = (head.event_count, head.event_head) if head.event_head else None
        if ends.pop(head.subject, None) != stored:
            yield f"{head.subject}: its last events are missing"
    for subject in ends.keys() - deleted:
        yield f"{subject}: the record does not exist"
