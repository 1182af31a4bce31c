"""What waits for a webhook goes there, signed anew on each try, and each try is written down."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.db import Database
from app.core.encryption import Vault
from app.core.events import PLATFORM
from app.core.http_client import Outside
from app.core.outbox import Outbox
from app.notifications.http_transport import Outlet, Parcel, Try
from app.notifications.messages import Letter
from app.webhooks.channel import delivery_id, signed
from app.webhooks.repository import Webhooks
from app.webhooks.webhook import Webhook


class Hook(Outlet):
    """One webhook as it was when the round began."""

    kind = "webhook_off"

    def __init__(self, database: Database, vault: Vault, webhook: Webhook, outside: Outside | None = None) -> None:
        super().__init__(database, webhook.channel, webhook.url, outside)
        self._id = webhook.id
        self._secrets = _secrets(webhook, vault, clock.now())

    def parcel(self, letter: Letter, row: Outbox) -> Parcel:
        body, message, at = letter.text.encode(), delivery_id(row), int(clock.now().timestamp())
        head = {
            "webhook-id": message,
            "webhook-timestamp": str(at),
            "webhook-signature": signed(self._secrets, message, at, body),
            "User-Agent": "Doorstep",
        }
        return Parcel(body, "application/json", head)

    async def note(self, db: AsyncSession, row: Outbox, one: Try) -> None:
        Webhooks(db).log(row, one.status, one.told, one.took)

    async def switched_off(self, db: AsyncSession) -> None:
        (await Webhooks(db).get(self._id, lock=True)).switched_off(PLATFORM)


def _secrets(webhook: Webhook, vault: Vault, now: datetime) -> list[str]:
    """The newest first; the one before it for as long as both count."""
    sealed = [webhook.sealed]
    if webhook.old_sealed is not None and webhook.old_until is not None and now < webhook.old_until:
        sealed.append(webhook.old_sealed)
    opened = [vault.open(one, webhook.context) for one in sealed]
    return [one for one in opened if one is not None]
