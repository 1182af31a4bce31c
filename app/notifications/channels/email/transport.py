"""Send emails by SMTP. The standard library builds the headers and rejects line breaks in them."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

import aiosmtplib

from app.bookings.calendar import Invitation
from app.core.outbox import Outbox
from app.notifications.channel import DeliveryContext
from app.notifications.delivery import OutboxWorker
from app.notifications.mailbox import MailboxTransport
from app.notifications.messages import MessageRenderer, RenderedMessage
from app.notifications.transport import Connection, DeliverLater, Transport, Undeliverable
from app.site_settings.contacts import default_contacts

NAME = "email"
RESPONSE_TIMEOUT_SECONDS = 15.0


async def deliver(context: DeliveryContext) -> int:
    """Without a mail server (development) emails are delivered to the mailbox at /dev/mail."""
    settings = context.settings
    transport: Transport
    if settings.smtp_url is not None:
        transport = SmtpTransport(settings.smtp_url)
    elif settings.production:
        return 0
    else:
        transport = MailboxTransport(NAME, context.database, context.encryption)
    renderer = MessageRenderer(
        context.templates, context.encryption, settings.base_url, settings.mail_from, default_contacts(settings)
    )
    return await OutboxWorker(context.database, renderer, transport, settings).drain()


class SmtpTransport:
    """SMTP_URL: smtp://, smtp+starttls:// or smtps://, with user name and password if the server needs them."""

    name = NAME

    def __init__(self, url: str, timeout: float = RESPONSE_TIMEOUT_SECONDS) -> None:
        parts = urlsplit(url)
        self._options = {
            "hostname": parts.hostname or "localhost",
            "port": parts.port or {"smtps": 465, "smtp+starttls": 587}.get(parts.scheme, 25),
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            "use_tls": parts.scheme == "smtps",
            "start_tls": {"smtps": False, "smtp+starttls": True}.get(parts.scheme),
            "timeout": timeout,
        }

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        async with aiosmtplib.SMTP(**self._options) as client:  # type: ignore[arg-type]  # options by name
            yield SmtpConnection(client)


class SmtpConnection:
    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client

    async def send(self, message: RenderedMessage, row: Outbox, sender: str, host: str) -> None:
        email = build_email(message, row, sender, host)
        try:
            await self._client.send_message(email)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _error(error.recipients[0].code) from error
        except aiosmtplib.SMTPDataError as error:
            raise _error(error.code) from error


def _error(code: int) -> Undeliverable | DeliverLater:
    return Undeliverable(f"refused with {code}") if code >= 500 else DeliverLater(f"deferred with {code}")


def build_email(message: RenderedMessage, row: Outbox, sender: str, host: str) -> EmailMessage:
    """The same row always gives the same Message-ID, so that a second delivery is recognised."""
    email = EmailMessage(policy=SMTP)
    email["From"] = _address(sender)
    email["To"] = Address(addr_spec=message.recipient)
    email["Subject"] = message.subject
    email["Date"] = format_datetime(row.created_at)
    email["Message-ID"] = f"<{hashlib.sha256(row.dedupe_key.encode()).hexdigest()[:32]}@{host}>"
    email["Auto-Submitted"] = "auto-generated"
    if message.unsubscribe:  # RFC 8058: one click in the mail program
        email["List-Unsubscribe"] = f"<{message.unsubscribe}>"
        email["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    email.set_content(message.text)
    email.add_alternative(message.html, subtype="html")
    if message.invitation:
        _add_invitation(email, message.invitation)
    return email


def _add_invitation(email: EmailMessage, invitation: Invitation) -> None:
    """As a part that calendars read by themselves (RFC 6047), and as a file for those that don't."""
    method = {"method": invitation.method}
    email.add_alternative(invitation.text, subtype="calendar", params=method, cte="base64")
    file = invitation.text.encode()
    email.add_attachment(file, maintype="application", subtype="ics", filename="invite.ics")


def _address(sender: str) -> Address:
    name, spec = parseaddr(sender)
    return Address(display_name=name, addr_spec=spec)
