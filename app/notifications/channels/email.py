"""Letters on their way by SMTP. Headers are made by the standard library, which lets no line break into them."""

import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from app.core.orm import Base
from app.core.outbox import Outbox
from app.notifications.kinds import kind_of
from app.notifications.messages import Letter
from app.notifications.notification import Told

NAME = "email"
PATIENCE = 15.0  # seconds for each answer of the server


def rows(told: Told) -> Iterable[Base]:
    """What is to be mailed, for whoever delivers the outbox."""
    yield Outbox(
        channel=NAME,
        lane=kind_of(told.kind).lane,
        kind=told.kind,
        recipient_id=told.recipient_id,
        data=told.data,
        dedupe_key=told.key,
        created_at=told.at,
        due_at=told.at,
    )


class Undeliverable(Exception):
    """The server will never take this letter for this person (5xx)."""


class TryLater(Exception):
    """Not now (4xx); others it may take. `wait` is how long they asked us to."""

    def __init__(self, words: str, wait: timedelta | None = None) -> None:
        super().__init__(words)
        self.wait = wait


class Line(Protocol):
    """An open connection to whoever takes what we tell."""

    async def send(self, letter: Letter, mail: Outbox, sender: str, host: str) -> None:
        """Raises Undeliverable, TryLater, or anything else when the line itself is no good."""


class Carrier(Protocol):
    """What delivers the outbox rows of one channel."""

    name: str

    def line(self) -> AbstractAsyncContextManager[Line]: ...


class Smtp:
    """SMTP_URL: smtp://, smtp+starttls:// or smtps://, with name and password if the server asks for them."""

    name = NAME

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        parts = urlsplit(url)
        self._options = {
            "hostname": parts.hostname or "localhost",
            "port": parts.port or {"smtps": 465, "smtp+starttls": 587}.get(parts.scheme, 25),
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            "use_tls": parts.scheme == "smtps",
            "start_tls": {"smtps": False, "smtp+starttls": True}.get(parts.scheme),
            "timeout": patience,
        }

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        async with aiosmtplib.SMTP(**self._options) as client:  # type: ignore[arg-type]  # options by name
            yield SmtpLine(client)


class SmtpLine:
    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client

    async def send(self, letter: Letter, mail: Outbox, sender: str, host: str) -> None:
        message = message_of(letter, mail, sender, host)
        try:
            await self._client.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _refusal(refused.recipients[0].code) from refused
        except aiosmtplib.SMTPDataError as refused:
            raise _refusal(refused.code) from refused


def _refusal(code: int) -> Undeliverable | TryLater:
    return Undeliverable(f"refused with {code}") if code >= 500 else TryLater(f"put off with {code}")


def message_of(letter: Letter, mail: Outbox, sender: str, host: str) -> EmailMessage:
    """The same row always gives the same Message-ID, so that a second try is known for what it is."""
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(sender)
    message["To"] = Address(addr_spec=letter.to)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = f"<{hashlib.sha256(mail.dedupe_key.encode()).hexdigest()[:32]}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe:  # RFC 8058: one click in the mail program
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _address(sender: str) -> Address:
    name, spec = parseaddr(sender)
    return Address(display_name=name, addr_spec=spec)
