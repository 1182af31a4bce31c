"""A database of its own, a customer and a professional with a booking, and a programmable mail server."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select

from app.accounts.user import User
from app.bookings.booking import Booking
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.outbox import Outbox
from app.dev.state import LOOPBACK, free_port
from app.listeners import install_listeners
from app.notifications.channels.email.transport import SmtpTransport
from app.notifications.delivery import OutboxWorker
from app.notifications.messages import MessageRenderer
from app.services import page_templates
from app.settings import Settings
from tests.factories import a_customer, a_professional, a_request, a_service


@dataclass
class Sink:
    """`refuse` is answered to DATA instead of taking the message; `only_for` limits that to one address."""

    emails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[str] = field(default_factory=list)
    refuse: str | None = None
    only_for: str | None = None
    stall: float = 0
    url: str = ""

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.refuse and self.only_for == address:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.stall:
            await asyncio.sleep(self.stall)
        if self.refuse and self.only_for is None:
            return self.refuse
        self.envelopes += envelope.rcpt_tos
        self.emails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    controller = Controller(sink, hostname=LOOPBACK, port=free_port())
    controller.start()
    sink.url = f"smtp://{LOOPBACK}:{controller.port}"
    yield sink
    controller.stop()


@pytest.fixture
def encryption() -> Encryption:
    return Encryption("a secret key for the tests of letters")


@pytest.fixture
def renderer(encryption: Encryption) -> MessageRenderer:
    return MessageRenderer(
        page_templates(), encryption, "https://doorstep.example", "Doorstep <hello@doorstep.example>"
    )


@pytest.fixture
def settings(own_url: str) -> Settings:
    env = {"DOORSTEP_ENV": "test", "DATABASE_URL": own_url, "BASE_URL": "https://doorstep.example"}
    return Settings.from_env({**env, "MAIL_FROM": "Doorstep <hello@doorstep.example>"})


@pytest.fixture
def worker(own_database: Database, renderer: MessageRenderer, sink: Sink, settings: Settings) -> OutboxWorker:
    return OutboxWorker(own_database, renderer, SmtpTransport(sink.url, timeout=2.5), settings)


@dataclass
class Town:
    asha: User
    ravi: User
    booking: Booking
    refund_id: int = 0  # of a booking that was refunded
    payout_id: int = 0  # that was paid or failed
    admin_message_number: int = 0  # of the event


@pytest.fixture
async def town(own_database: Database) -> Town:
    """Asha has requested a plumber; Ravi is free."""
    install_listeners()
    async with own_database.work() as db:
        service = await a_service(db, "Fixing leaks & pipes")
        ravi = await a_professional(db, "Ravi Kumar", services=[service])
        asha = await a_customer(db, "Asha Raman")
        booking = await a_request(db, asha, service)
    return Town(asha, ravi, booking)


async def rows(database: Database) -> list[Outbox]:
    async with database.work() as db:
        return list(await db.scalars(select(Outbox).order_by(Outbox.id)))
