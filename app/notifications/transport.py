"""How rendered messages leave the house: the interfaces of a channel's transport, and the errors it raises."""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol

from app.core.outbox import Outbox
from app.notifications.messages import RenderedMessage


class Undeliverable(Exception):
    """The server permanently rejects this message for this recipient; it is not retried."""


class DeliverLater(Exception):
    """The server rejects this message for now, but may accept others. `wait` is the requested delay."""

    def __init__(self, message: str, wait: timedelta | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class Connection(Protocol):
    """An open connection to a message server."""

    async def send(self, message: RenderedMessage, row: Outbox, sender: str, host: str) -> None:
        """Raises Undeliverable, DeliverLater, or anything else when the connection itself is broken."""


class Transport(Protocol):
    """Delivers the outbox rows of the channel `name`."""

    name: str

    def connect(self) -> AbstractAsyncContextManager[Connection]: ...
