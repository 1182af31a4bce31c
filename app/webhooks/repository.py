"""Webhooks, what waits for each, and how every try went."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import Missing
from app.core.outbox import Outbox
from app.notifications.channel_state import ChannelState
from app.webhooks.webhook import Webhook, WebhookTry

LIVING = Webhook.ended_at.is_(None)
MOST = 5  # who wants more needs a broker of their own


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the outbox with its tries, the first one first."""

    row: Outbox
    tries: list[WebhookTry]

    @property
    def state(self) -> str:
        return "sent" if self.row.sent_at else "given_up" if self.row.parked_at else "waits"

    @property
    def booking(self) -> str | None:
        """Its reference; a test has none."""
        found: str | None = self.row.data["data"].get("ref")
        return found


def living_ids(session: Session) -> Sequence[int]:
    """While a fact is written: whoever listens now is told of it."""
    return session.connection().execute(select(Webhook.id).where(LIVING).order_by(Webhook.id)).scalars().all()


class Webhooks:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def living(self) -> Sequence[Webhook]:
        return (await self._db.scalars(select(Webhook).where(LIVING).order_by(Webhook.id))).all()

    async def of_address(self, url: str) -> Webhook | None:
        found: Webhook | None = await self._db.scalar(select(Webhook).where(LIVING, Webhook.url == url))
        return found

    async def count(self) -> int:
        """Until the end of the transaction nobody else counts them."""
        await self._db.execute(select(func.pg_advisory_xact_lock(REGISTERING)))
        return (await self._db.execute(select(func.count()).where(LIVING))).scalar_one()

    async def get(self, webhook_id: int, *, lock: bool = False, ended: bool = False) -> Webhook:
        """Raises Missing, also for one that is ended unless those are asked for too."""
        query = select(Webhook).where(Webhook.id == webhook_id)
        query = query if ended else query.where(LIVING)
        found = await self._db.scalar(query.with_for_update() if lock else query)
        if found is None:
            raise Missing
        return found

    async def states(self, hooks: Sequence[Webhook]) -> dict[str, ChannelState]:
        """By channel; one that never failed has none."""
        query = select(ChannelState).where(ChannelState.channel.in_([hook.channel for hook in hooks]))
        return {state.channel: state for state in await self._db.scalars(query)}

    async def deliveries(self, hook: Webhook, most: int) -> list[Delivery]:
        """The latest first."""
        query = select(Outbox).where(Outbox.channel == hook.channel).order_by(Outbox.id.desc()).limit(most)
        rows = (await self._db.scalars(query)).all()
        tried = select(WebhookTry).where(WebhookTry.outbox_id.in_([row.id for row in rows])).order_by(WebhookTry.id)
        tries: dict[int, list[WebhookTry]] = {row.id: [] for row in rows}
        for one in await self._db.scalars(tried):
            tries[one.outbox_id].append(one)
        return [Delivery(row, tries[row.id]) for row in rows]

    def log(self, row: Outbox, status: int | None, told: str, took: int) -> None:
        self._db.add(WebhookTry(outbox_id=row.id, at=clock.now(), status=status, told=told[:200], took=took))


REGISTERING = 7003  # the advisory lock of everybody who registers one
