"""Whatever waits in the outbox goes out: mail, what is for the desk's room, and what webhooks are told."""

import asyncio

from app.notifications.channels.email import Smtp
from app.notifications.channels.google_chat import Cards
from app.notifications.delivery import Postman
from app.notifications.http_transport import OutletPostman
from app.notifications.messages import Letters
from app.notifications.room import Room, forget_all
from app.webhooks.channel import Parcels
from app.webhooks.repository import Webhooks
from app.webhooks.transport import Hook
from tasks.context import Context


async def drain_outbox(ctx: Context) -> int:
    """Without a mail server (development), mails stay where they are and are read at /dev/mail."""
    settings = ctx["settings"]
    if settings.smtp_url is None:
        return 0
    letters = Letters(ctx["templates"], ctx["vault"], settings.base_url)
    return await Postman(ctx["database"], letters, Smtp(settings.smtp_url), settings).drain()


async def drain_room(ctx: Context) -> int:
    """By the pulse alone, in a loop of its own: a room that answers slowly delays no mail."""
    settings, database = ctx["settings"], ctx["database"]
    url = settings.google_chat_webhook_url
    if url is None:
        await forget_all(database)
        return 0
    return await OutletPostman(database, Cards(settings.base_url), Room(database, url), settings).drain()


async def drain_webhooks(ctx: Context) -> int:
    """By the pulse alone; each by itself, so that one that hangs delays no other."""
    settings, database = ctx["settings"], ctx["database"]
    async with database.reading() as db:
        hooks = await Webhooks(db).living()
    told = [OutletPostman(database, Parcels(), Hook(database, ctx["vault"], hook), settings).drain() for hook in hooks]
    return sum(await asyncio.gather(*told))
