"""Mail: whatever waits in the outbox goes out."""

from app.notifications.channels.email import Smtp
from app.notifications.delivery import Postman
from app.notifications.letters import Letters
from tasks.context import Context


async def drain_outbox(ctx: Context) -> int:
    """Without a mail server (development), mails stay where they are and are read at /dev/mail."""
    settings = ctx["settings"]
    if settings.smtp_url is None:
        return 0
    letters = Letters(ctx["templates"], ctx["vault"], settings.base_url)
    return await Postman(ctx["database"], letters, Smtp(settings.smtp_url), settings).drain()
