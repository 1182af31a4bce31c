"""An admin registers an address for signed words about bookings, tries it, gives it a new secret, ends it."""

import base64
import secrets
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.encryption import Vault
from app.core.errors import Invalid, Refused
from app.core.events import Actor
from app.core.http_client import Unsafe, checked
from app.core.i18n import _
from app.core.references import reference
from app.notifications.channel_repository import Channels
from app.notifications.repository import Mails
from app.webhooks.channel import MARK, TEST, row
from app.webhooks.repository import MOST, Webhooks
from app.webhooks.schemas import ADDRESS
from app.webhooks.webhook import Webhook

BOTH_COUNT = timedelta(days=1)  # an old secret beside the new one


async def register(db: AsyncSession, vault: Vault, by: Actor, url: str) -> tuple[Webhook, str]:
    """The webhook and its secret, which nobody is shown again."""
    try:
        checked(url)
    except Unsafe:
        raise Invalid({"url": _(ADDRESS)}, {"url": url}) from None
    hooks = Webhooks(db)
    if await hooks.count() >= MOST:
        raise Refused(_("There are %(n)s already. End one first.", n=MOST), reason="full")
    if await hooks.of_address(url) is not None:
        raise Invalid({"url": _("This address hears about bookings already.")}, {"url": url})
    webhook, secret = Webhook(url=url, by_id=by.id, created_at=clock.now()), _new_secret()
    webhook.sealed = vault.seal(secret, webhook.context)
    db.add(webhook)
    await db.flush()
    webhook.registered(by)
    return webhook, secret


async def renew(db: AsyncSession, vault: Vault, by: Actor, webhook_id: int) -> str:
    """The new secret; for a day both sign."""
    webhook, secret = await Webhooks(db).get(webhook_id, lock=True), _new_secret()
    webhook.renew(by, vault.seal(secret, webhook.context), clock.now() + BOTH_COUNT)
    return secret


async def test(db: AsyncSession, by: Actor, webhook_id: int) -> None:
    """A word that means nothing goes the way of all others."""
    webhook, now = await Webhooks(db).get(webhook_id, lock=True), clock.now()
    webhook.tested(by)
    db.add(
        row(
            webhook.id,
            TEST,
            {"type": TEST, "timestamp": now.astimezone(clock.IST).isoformat(), "data": {}},
            reference(),
            now,
        )
    )


async def switch_on(db: AsyncSession, by: Actor, webhook_id: int) -> None:
    """Before the day is over; what waited goes out."""
    webhook = await Webhooks(db).get(webhook_id, lock=True)
    if await Channels(db).switch_on(webhook.channel):
        webhook.switched_on(by)


async def end(db: AsyncSession, by: Actor, webhook_id: int) -> None:
    """What waits for it is told to nobody."""
    webhook = await Webhooks(db).get(webhook_id, lock=True)
    webhook.end(by, clock.now())
    await Mails(db).forget_channel(webhook.channel)


def _new_secret() -> str:
    return MARK + base64.b64encode(secrets.token_bytes(32)).decode()
