"""Deliver the outbox, each message once: claim, render, send, retry after growing delays, and park in the end.

Sent means that the server took the message. If this process dies between that and our own note of it, the message is
sent again with the same Message-ID; nothing else can repeat it. The claims of a dead worker are taken over when their
lease, which a living worker renews, has run out.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.email_links import TOKEN_FIELD
from app.core import clock, logs
from app.core.db import Database
from app.core.lease import with_heartbeat
from app.core.outbox import Outbox
from app.core.poll_loop import PollLoop
from app.notifications.kinds import kind_of
from app.notifications.messages import OutOfDate, RenderedMessage
from app.notifications.preference_repository import PreferenceRepository
from app.notifications.repository import OutboxRepository
from app.notifications.transport import Connection, DeliverLater, Transport, Undeliverable
from app.settings import Settings

BATCH_SIZE = 10
CLAIM_LEASE = timedelta(seconds=20)  # how long a message waits for a worker that died
RENEWAL_SECONDS = 5
LAST_DELIVERY_SECONDS = 5  # for the message being sent when the worker is stopped
MAX_ATTEMPTS = 10
FIRST_RETRY_DELAY, MAX_RETRY_DELAY = timedelta(seconds=20), timedelta(hours=24)
OUT_OF_DATE, MUTED = "out of date", "muted"  # stored reasons of messages parked on purpose
log = logs.get_logger("mail")


class Renderer(Protocol):
    """Turns a row into the message that its transport sends."""

    async def render(self, db: AsyncSession, row: Outbox) -> RenderedMessage:
        """Raises OutOfDate."""


class OutboxWorker:
    """Delivers the rows of one channel; any number of workers may do so at once."""

    def __init__(self, database: Database, renderer: Renderer, transport: Transport, settings: Settings) -> None:
        self._database = database
        self._renderer = renderer
        self._transport = transport
        self._sender = settings.mail_from
        self._host = urlsplit(settings.base_url).hostname or "localhost"
        self._erase = TOKEN_FIELD if settings.production else None

    async def drain(self) -> int:
        """Send everything that is due; return how many messages were sent."""
        sent = 0
        while rows := await self._claim():
            sent += await self._send_batch(list(rows))
        return sent

    async def _claim(self) -> list[Outbox]:
        async with self._database.work() as db:
            now = clock.now()
            return list(await OutboxRepository(db).claim(self._transport.name, BATCH_SIZE, now, now + CLAIM_LEASE))

    async def _send_batch(self, rows: list[Outbox]) -> int:
        sent = 0
        try:
            async with self._renew_leases(rows), self._transport.connect() as connection:
                while rows:
                    sent += await self._deliver_uninterrupted(connection, rows)
        except asyncio.CancelledError:
            await self._release(rows)
            raise
        except Exception as error:  # the connection is broken: the rest is tried again later
            details = {"channel": self._transport.name, "error": type(error).__name__, "pending": len(rows)}
            log.warning("outbox transport failed", **details)
            for row in rows:
                await self._retry(row, error)
        return sent

    def _renew_leases(self, rows: Sequence[Outbox]) -> PollLoop:
        """Renew the lease of the rows that are still to be sent, however slow the server is."""

        async def renew() -> None:
            async with self._database.work() as db:
                await OutboxRepository(db).renew_claims([row.id for row in rows], clock.now() + CLAIM_LEASE)

        return with_heartbeat("outbox_lease", renew, interval=RENEWAL_SECONDS)

    async def _deliver_uninterrupted(self, connection: Connection, rows: list[Outbox]) -> int:
        """Finish the message being sent even when the worker is stopped, so that it is not sent twice."""
        delivering = asyncio.ensure_future(self._deliver(connection, rows[0]))
        try:
            sent = await asyncio.shield(delivering)
        except asyncio.CancelledError:
            await asyncio.wait([delivering], timeout=LAST_DELIVERY_SECONDS)
            delivering.cancel()
            rows.pop(0)  # settled, or its claim runs out
            raise
        rows.pop(0)
        return sent

    async def _release(self, rows: Sequence[Outbox]) -> None:
        async with self._database.work() as db:
            await OutboxRepository(db).release_claims([row.id for row in rows], clock.now())

    async def _deliver(self, connection: Connection, row: Outbox) -> int:
        """Return 1 if it was sent. Raises what a broken connection raises."""
        try:
            async with self._database.work() as db:
                owned = await OutboxRepository(db).still_owned(row, clock.now() + CLAIM_LEASE)
                if not owned or await self._is_suppressed(db, row):
                    return 0
                message = await self._renderer.render(db, row)
        except OutOfDate:
            await self._drop(row)
            return 0
        except Exception as error:  # a message that cannot be rendered must not hold up the others
            log.exception("message rendering failed", kind=row.kind, outbox_id=row.id)
            await self._retry(row, error)
            return 0
        try:
            await connection.send(message, row, self._sender, self._host)
        except Undeliverable as error:
            log.warning("message refused by the server", kind=row.kind, outbox_id=row.id)
            await self._park(row, str(error))
            return 0
        except DeliverLater as error:
            await self._retry(row, error)
            return 0
        async with self._database.work() as db:
            await OutboxRepository(db).mark_sent(row.id, clock.now(), erase=self._erase)
        return 1

    async def _is_suppressed(self, db: AsyncSession, row: Outbox) -> bool:
        """Park what the recipient muted, and defer what can wait to the end of their quiet hours."""
        kind = kind_of(row.kind)
        if row.recipient_id is None or not (kind.topic or kind.deferrable):
            return False
        preferences = await PreferenceRepository(db).of(row.recipient_id)
        if not preferences.allows(kind, row.channel):
            await OutboxRepository(db).park(row.id, clock.now(), MUTED)
            return True
        quiet_until = preferences.quiet_until(clock.now()) if kind.deferrable else None
        if quiet_until is not None:
            await OutboxRepository(db).defer(row.id, quiet_until)
        return quiet_until is not None

    async def _drop(self, row: Outbox) -> None:
        """Park an outdated message; delete one without an account, so that no trace of the typed address is left."""
        if row.recipient_id is not None:
            await self._park(row, OUT_OF_DATE)
            return
        async with self._database.work() as db:
            await OutboxRepository(db).delete(row.id)

    async def _retry(self, row: Outbox, error: Exception) -> None:
        reason = str(error) if isinstance(error, DeliverLater) else type(error).__name__
        if row.attempts >= MAX_ATTEMPTS:
            await self._park(row, reason)
            return
        async with self._database.work() as db:
            wait = error.wait if isinstance(error, DeliverLater) and error.wait else retry_delay(row.attempts)
            await OutboxRepository(db).retry_at(row.id, clock.now() + wait, reason)

    async def _park(self, row: Outbox, reason: str) -> None:
        async with self._database.work() as db:
            await OutboxRepository(db).park(row.id, clock.now(), reason)


def retry_delay(attempts: int) -> timedelta:
    """20 s, 1 min, 3 min, … up to a day."""
    return min(FIRST_RETRY_DELAY * int(3 ** (attempts - 1)), MAX_RETRY_DELAY)
