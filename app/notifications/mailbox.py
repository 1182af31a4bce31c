"""The development mailbox: emails as they were delivered, stored encrypted in their outbox rows."""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from app.core.db import Database
from app.core.encryption import Encryption
from app.core.outbox import Outbox
from app.notifications.messages import RenderedMessage
from app.notifications.repository import OutboxRepository
from app.notifications.transport import Connection

DELIVERED_FIELD = "delivered"  # of Outbox.data


class MailboxTransport:
    """Stores each message in its row, so that it reads later as it was delivered."""

    def __init__(self, name: str, database: Database, encryption: Encryption) -> None:
        self.name = name
        self._connection = MailboxConnection(database, encryption)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        yield self._connection


class MailboxConnection:
    def __init__(self, database: Database, encryption: Encryption) -> None:
        self._database = database
        self._encryption = encryption

    async def send(self, message: RenderedMessage, row: Outbox, sender: str, host: str) -> None:
        encrypted = self._encryption.encrypt(msgspec.json.encode(message).decode(), _context(row))
        async with self._database.work() as db:
            await OutboxRepository(db).add_data(row.id, {DELIVERED_FIELD: b64encode(encrypted).decode()})


def delivered_message(row: Outbox, encryption: Encryption) -> RenderedMessage | None:
    """The message as it was delivered; None while it is pending, or when it was encrypted with another key."""
    encrypted = row.data.get(DELIVERED_FIELD)
    text = encryption.decrypt(b64decode(encrypted), _context(row)) if encrypted else None
    return msgspec.json.decode(text, type=RenderedMessage) if text is not None else None


def _context(row: Outbox) -> str:
    return f"mail {row.id}"
