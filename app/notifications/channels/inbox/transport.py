"""Nothing is sent: the reader's pages show the inbox items themselves (app.notifications.pages)."""

from app.notifications.channel import DeliveryContext

NAME = "inbox"


async def deliver(_context: DeliveryContext) -> int:
    return 0
