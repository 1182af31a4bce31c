"""Post to the admins' room through Google Chat's webhook."""

import json

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.event_types import registry
from app.core.http_client import HttpClient
from app.core.i18n import _
from app.core.outbox import Outbox
from app.notifications.channel import DeliveryContext
from app.notifications.http_transport import HttpOutboxWorker, HttpTransport, OutboundRequest
from app.notifications.messages import RenderedMessage
from app.notifications.repository import OutboxRepository

NAME = "chat"
ADDRESS = "the admins' chat room"  # recipient of the outbox rows


async def deliver(context: DeliveryContext) -> int:
    """Where no room is configured, pending rows are deleted."""
    settings, database = context.settings, context.database
    url = settings.google_chat_webhook_url
    if url is None:
        async with database.work() as db:
            await OutboxRepository(db).delete_pending(NAME)
        return 0
    return await HttpOutboxWorker(
        database, ChatRenderer(settings.base_url), GoogleChat(database, url), settings
    ).drain()


class ChatRenderer:
    """Renders a row as one line and a link to the booking."""

    def __init__(self, site: str) -> None:
        self._site = site

    async def render(self, _db: AsyncSession, row: Outbox) -> RenderedMessage:
        text = _(registry.require(row.kind).chat, booking=row.data["booking"])
        return RenderedMessage(ADDRESS, text, "", f"{text}\n{self._site}/admin/bookings/{row.data['booking']}")


class GoogleChat(HttpTransport):
    """Google Chat's webhook of one room."""

    kind = "channel_off"

    def __init__(self, database: Database, url: str, http_client: HttpClient | None = None) -> None:
        super().__init__(database, NAME, url, http_client)

    def build_request(self, message: RenderedMessage, row: Outbox) -> OutboundRequest:
        return OutboundRequest(json.dumps({"text": message.text}).encode(), "application/json; charset=UTF-8")
