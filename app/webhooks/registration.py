"""Register, test, re-key, switch on and end webhooks."""

import base64
import secrets
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Invalid, Refused
from app.core.events import Actor
from app.core.i18n import _
from app.core.references import new_reference
from app.notifications.channel_repository import ChannelStates
from app.notifications.repository import OutboxRepository
from app.outgoing_url import UnsafeAddress, check_url
from app.webhooks.channel import TEST_TOPIC, outbox_row
from app.webhooks.repository import MAX_WEBHOOKS, WebhookRepository
from app.webhooks.schemas import URL_ERROR
from app.webhooks.transport import SECRET_PREFIX
from app.webhooks.webhook import Webhook

OLD_SECRET_VALID_FOR = timedelta(days=1)  # beside the new one


async def register(db: AsyncSession, encryption: Encryption, by: Actor, url: str) -> tuple[Webhook, str]:
    """Return the webhook and its secret, which is never shown again. Raises Invalid or Refused."""
    try:
        check_url(url)
    except UnsafeAddress:
        raise Invalid({"url": _(URL_ERROR)}, {"url": url}) from None
    webhooks = WebhookRepository(db)
    if await webhooks.count() >= MAX_WEBHOOKS:
        raise Refused(_("There are already %(n)s webhooks. Remove one first.", n=MAX_WEBHOOKS), reason="full")
    if await webhooks.by_url(url) is not None:
        raise Invalid({"url": _("A webhook for this address already exists.")}, {"url": url})
    webhook, secret = Webhook(url=url, created_by_id=by.id, created_at=clock.now()), _new_secret()
    webhook.encrypted_secret = encryption.encrypt(secret, webhook.context)
    db.add(webhook)
    await db.flush()
    webhook.registered(by)
    return webhook, secret


async def renew(db: AsyncSession, encryption: Encryption, by: Actor, webhook_id: int) -> str:
    """Return the new secret; the old one stays valid for OLD_SECRET_VALID_FOR."""
    webhook, secret = await WebhookRepository(db).get(webhook_id, lock=True), _new_secret()
    webhook.renew(by, encryption.encrypt(secret, webhook.context), clock.now() + OLD_SECRET_VALID_FOR)
    return secret


async def test(db: AsyncSession, by: Actor, webhook_id: int) -> None:
    """Send a test message as any other message is sent."""
    webhook, now = await WebhookRepository(db).get(webhook_id, lock=True), clock.now()
    webhook.tested(by)
    db.add(
        outbox_row(
            webhook.id,
            TEST_TOPIC,
            {"type": TEST_TOPIC, "timestamp": now.astimezone(clock.IST).isoformat(), "data": {}},
            new_reference(),
            now,
        )
    )


async def switch_on(db: AsyncSession, by: Actor, webhook_id: int) -> None:
    """Enable a disabled webhook again; pending messages are delivered."""
    webhook = await WebhookRepository(db).get(webhook_id, lock=True)
    if await ChannelStates(db).switch_on(webhook.channel):
        webhook.switched_on(by)


async def end(db: AsyncSession, by: Actor, webhook_id: int) -> None:
    """End the webhook and delete its pending messages."""
    webhook = await WebhookRepository(db).get(webhook_id, lock=True)
    webhook.end(by, clock.now())
    await OutboxRepository(db).delete_pending(webhook.channel)


def _new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
