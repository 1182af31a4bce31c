"""Webhooks, their outbox rows, and their delivery attempts."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import AdvisoryLock, acquire_lock
from app.core.errors import Missing
from app.core.outbox import Outbox
from app.webhooks.webhook import Webhook, WebhookAttempt

IS_ACTIVE = Webhook.ended_at.is_(None)
ACTIVE_IDS = "SELECT id FROM webhooks WHERE ended_at IS NULL ORDER BY id"
MAX_WEBHOOKS = 5


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """An outbox row with its attempts, the earliest first."""

    message: Outbox
    attempts: list[WebhookAttempt]

    @property
    def state(self) -> str:
        return "sent" if self.message.sent_at else "given_up" if self.message.parked_at else "waits"

    @property
    def booking(self) -> str | None:
        """The booking's reference; None for a test."""
        reference: str | None = self.message.data["data"].get("ref")
        return reference


def active_ids(session: Session) -> Sequence[int]:
    """The webhooks that an event being written now is sent to."""
    return session.connection().exec_driver_sql(ACTIVE_IDS).scalars().all()


class WebhookRepository:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def active(self) -> Sequence[Webhook]:
        return (await self._db.scalars(select(Webhook).where(IS_ACTIVE).order_by(Webhook.id))).all()

    async def by_url(self, url: str) -> Webhook | None:
        webhook: Webhook | None = await self._db.scalar(select(Webhook).where(IS_ACTIVE, Webhook.url == url))
        return webhook

    async def count(self) -> int:
        """Lock registration until the end of the transaction and count the active webhooks."""
        await acquire_lock(self._db, AdvisoryLock.WEBHOOKS)
        return (await self._db.execute(select(func.count()).where(IS_ACTIVE))).scalar_one()

    async def get(self, webhook_id: int, *, lock: bool = False, ended: bool = False) -> Webhook:
        """Raises Missing, unless `ended` also for an ended webhook."""
        query = select(Webhook).where(Webhook.id == webhook_id)
        query = query if ended else query.where(IS_ACTIVE)
        webhook = await self._db.scalar(query.with_for_update() if lock else query)
        if webhook is None:
            raise Missing
        return webhook

    async def deliveries(self, webhook: Webhook, limit: int) -> list[WebhookDelivery]:
        """The latest first."""
        query = select(Outbox).where(Outbox.channel == webhook.channel).order_by(Outbox.id.desc()).limit(limit)
        rows = (await self._db.scalars(query)).all()
        attempts: dict[int, list[WebhookAttempt]] = {row.id: [] for row in rows}
        logged = select(WebhookAttempt).where(WebhookAttempt.outbox_id.in_(attempts)).order_by(WebhookAttempt.id)
        for attempt in await self._db.scalars(logged):
            attempts[attempt.outbox_id].append(attempt)
        return [WebhookDelivery(row, attempts[row.id]) for row in rows]

    def log_attempt(self, row: Outbox, status: int | None, result: str, duration_ms: int) -> None:
        self._db.add(
            WebhookAttempt(
                outbox_id=row.id, at=clock.now(), status=status, result=result[:200], duration_ms=duration_ms
            )
        )
