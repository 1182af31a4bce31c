"""SQL for the emails that list offers: which of them are still open for more."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.sql import fetch

LATEST_DIGESTS = """
    SELECT DISTINCT ON (recipient_id) recipient_id, id, dedupe_key, coalesce(sent_at, due_at) AS at
      FROM outbox WHERE recipient_id = ANY($1::bigint[]) AND kind = 'job_offers' AND channel = 'email'
     ORDER BY recipient_id, id DESC
"""
# Locked until the offer is written, so that no worker sends the email meanwhile.
LOCK_UNSENT = """
    SELECT id FROM outbox WHERE id = ANY($1::bigint[]) AND sent_at IS NULL AND parked_at IS NULL
       AND (claimed_until IS NULL OR claimed_until <= $2) ORDER BY id FOR UPDATE SKIP LOCKED
"""


class OfferDigests:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def unsent_and_last(
        self, professional_ids: Sequence[int], now: datetime
    ) -> tuple[dict[int, str], dict[int, datetime]]:
        """By professional: the key of an unsent email, locked, and when the last one was or is to be sent."""
        latest = await fetch(self._db, LATEST_DIGESTS, professional_ids)
        unsent = {row[0] for row in await fetch(self._db, LOCK_UNSENT, [row["id"] for row in latest], now)}
        keys = {row["recipient_id"]: row["dedupe_key"] for row in latest if row["id"] in unsent}
        return keys, {row["recipient_id"]: row["at"] for row in latest}
