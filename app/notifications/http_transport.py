"""Deliver a channel by POST to another server; after too many failures the channel is disabled for a while."""

import functools
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Users
from app.core import clock
from app.core.db import Database
from app.core.http_client import HttpClient, RequestFailed, Response
from app.core.outbox import Outbox
from app.notifications.channel_repository import ChannelStates
from app.notifications.delivery import OutboxWorker
from app.notifications.messages import RenderedMessage
from app.notifications.notification import Notification, notify_many
from app.notifications.transport import Connection, Undeliverable
from app.outgoing_url import UnsafeAddress


class DeliveryFailed(Exception):
    """The server rejected the message; it and all other pending messages are retried later."""


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """The body of a POST, its type, and further headers."""

    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """The outcome of one delivery: `status` is None without a response."""

    status: int | None
    result: str
    duration_ms: int


class HttpTransport(ABC):
    """Delivers the channel `name` to `url`, which is never logged or stored, and counts failures."""

    kind = ""  # of the notification that tells the admins that the channel was disabled

    def __init__(self, database: Database, name: str, url: str, http_client: HttpClient | None = None) -> None:
        self.name = name
        self._database = database
        self._url = url
        self._http_client = http_client or _default_http_client()

    @abstractmethod
    def build_request(self, message: RenderedMessage, row: Outbox) -> OutboundRequest:
        """The request that carries this message."""

    async def log_attempt(  # noqa: B027  optional
        self, db: AsyncSession, row: Outbox, attempt: DeliveryAttempt
    ) -> None:
        """Log the attempt, in the transaction that counts failures."""

    async def switched_off(self, db: AsyncSession) -> None:  # noqa: B027  optional
        """Record that the channel was disabled."""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        yield self

    async def send(self, message: RenderedMessage, row: Outbox, _sender: str, _host: str) -> None:
        request, started = self.build_request(message, row), time.monotonic()
        try:
            response = await self._http_client.post(
                self._url, request.body, request.content_type, headers=request.headers
            )
        except (UnsafeAddress, RequestFailed) as error:
            await self._record_failure(row, DeliveryAttempt(None, str(error), _elapsed_ms(started)))
            raise DeliveryFailed from error
        if 200 <= response.status < 300:
            async with self._database.work() as db:
                await ChannelStates(db).record_success(self.name)
                attempt = DeliveryAttempt(response.status, f"accepted with {response.status}", _elapsed_ms(started))
                await self.log_attempt(db, row, attempt)
            return
        await self._refused(row, response, _elapsed_ms(started))

    async def _refused(self, row: Outbox, response: Response, duration_ms: int) -> None:
        attempt = DeliveryAttempt(response.status, f"refused with {response.status}", duration_ms)
        if response.status in (429, 503) and response.retry_after is not None:
            async with self._database.work() as db:
                until = clock.now() + max(response.retry_after, timedelta(seconds=1))
                await ChannelStates(db).pause_until(self.name, until, attempt.result)
                await self.log_attempt(db, row, attempt)
            raise DeliveryFailed(attempt.result)
        await self._record_failure(row, attempt)
        raise Undeliverable(attempt.result) if response.status in (400, 413) else DeliveryFailed(attempt.result)

    async def _record_failure(self, row: Outbox, attempt: DeliveryAttempt) -> None:
        """Count the failure; when it disables the channel, notify the admins."""
        async with self._database.work() as db:
            await self.log_attempt(db, row, attempt)
            if await ChannelStates(db).record_failure(self.name, clock.now(), attempt.result):
                await self.switched_off(db)
                await self._notify_admins(db)

    async def _notify_admins(self, db: AsyncSession) -> None:
        now = clock.now()
        key = f"{self.kind}:{self.name}:{now.isoformat()}"
        await notify_many(
            db,
            [
                Notification(self.kind, admin_id, {}, f"{key}:{admin_id}", now)
                for admin_id in await Users(db).admin_ids()
            ],
        )


class HttpOutboxWorker(OutboxWorker):
    """Claims nothing while the channel is disabled or paused."""

    async def _claim(self) -> list[Outbox]:
        async with self._database.work() as db:
            if not await ChannelStates(db).is_open(self._transport.name, clock.now()):
                return []
        return await super()._claim()


def _elapsed_ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


@functools.cache
def _default_http_client() -> HttpClient:
    """Created once, because loading the system's certificates is slow."""
    return HttpClient()
