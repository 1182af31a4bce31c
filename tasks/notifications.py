"""Whatever waits in the outbox goes out: mail, and what is for the desk's room."""

from app.notifications.channels.email import Smtp
from app.notifications.channels.google_chat import Cards
from app.notifications.delivery import Postman
from app.notifications.letters import Letters
from app.notifications.room import Room, RoomPostman, forget_all
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
    return await RoomPostman(database, Cards(settings.base_url), Room(database, url), settings).drain()
