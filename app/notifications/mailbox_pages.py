"""The development mailbox: emails as they were delivered; those that no worker has taken yet, as they would be now."""

from dataclasses import dataclass
from datetime import datetime

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.encryption import Encryption
from app.core.errors import Missing
from app.core.outbox import Outbox
from app.notifications.mailbox import delivered_message
from app.notifications.messages import MessageRenderer, OutOfDate, RenderedMessage
from app.notifications.repository import OutboxRepository
from app.settings import Settings
from app.site_settings.contacts import default_contacts
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import page
from app.web.services import services_of

PAGE_SIZE = 50
# Emails need inline styles; nothing else is allowed.
EMAIL_CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    id: int
    at: datetime
    message: RenderedMessage


class MailboxPages(Controller):
    path = "/dev/mail"
    opt = everyone()

    @get(name="mailbox")
    async def index(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        renderer = _renderer(request, encryption, settings)
        received = [
            ReceivedMessage(row.id, row.created_at, message)
            for row in await OutboxRepository(db).latest(PAGE_SIZE)
            if (message := await _read(renderer, encryption, db, row)) is not None
        ]
        return page(request, "notifications/mailbox.html", received=received)

    @get("/{mail_id:int}", name="mail")
    async def show(
        self,
        request: Request,
        mail_id: FromPath[int],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        row, message = await _get(_renderer(request, encryption, settings), encryption, db, mail_id)
        return page(request, "notifications/mail.html", received=ReceivedMessage(row.id, row.created_at, message))

    @get("/{mail_id:int}/html", name="mail_html")
    async def html(
        self,
        request: Request,
        mail_id: FromPath[int],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        _row, message = await _get(_renderer(request, encryption, settings), encryption, db, mail_id)
        headers = {"content-security-policy": EMAIL_CSP, "cache-control": "no-store"}
        return Response(message.html.encode(), headers=headers, media_type="text/html; charset=utf-8")


def _renderer(request: Request, encryption: Encryption, settings: Settings) -> MessageRenderer:
    defaults = default_contacts(settings)
    return MessageRenderer(services_of(request).templates, encryption, settings.base_url, settings.mail_from, defaults)


async def _read(
    renderer: MessageRenderer, encryption: Encryption, db: AsyncSession, row: Outbox
) -> RenderedMessage | None:
    """None for a message that was not sent, or is outdated and would not be."""
    if (delivered := delivered_message(row, encryption)) is not None:
        return delivered
    if row.parked_at is not None:
        return None
    try:
        return await renderer.render(db, row)
    except OutOfDate:
        return None


async def _get(
    renderer: MessageRenderer, encryption: Encryption, db: AsyncSession, mail_id: int
) -> tuple[Outbox, RenderedMessage]:
    row = await OutboxRepository(db).get(mail_id)
    message = await _read(renderer, encryption, db, row) if row else None
    if row is None or message is None:
        raise Missing()
    return row, message
