"""The development mailbox: the same letters that a mail server would get, written when they are looked at."""

from dataclasses import dataclass
from datetime import datetime

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.encryption import Vault
from app.core.errors import Missing
from app.core.outbox import Outbox
from app.notifications.messages import Letter, Letters, OutOfDate
from app.notifications.repository import Mails
from app.settings import Settings
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import page

SHOWN = 50
# A letter is styled in place, as mail must be; nothing else of the page's rules is loosened.
LETTER_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Received:
    id: int
    at: datetime
    letter: Letter


class MailboxPages(Controller):
    path = "/dev/mail"
    opt = everyone()

    @get(name="mailbox")
    async def index(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        letters = _letters(request, vault, settings)
        received = [
            Received(mail.id, mail.created_at, letter)
            for mail in await Mails(db).latest(SHOWN)
            if (letter := await _written(letters, db, mail)) is not None
        ]
        return page(request, "notifications/mailbox.html", received=received)

    @get("/{mail_id:int}", name="mail")
    async def show(
        self,
        request: Request,
        mail_id: FromPath[int],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        mail, letter = await _one(_letters(request, vault, settings), db, mail_id)
        return page(request, "notifications/mail.html", received=Received(mail.id, mail.created_at, letter))

    @get("/{mail_id:int}/html", name="mail_html")
    async def html(
        self,
        request: Request,
        mail_id: FromPath[int],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        _mail, letter = await _one(_letters(request, vault, settings), db, mail_id)
        headers = {"content-security-policy": LETTER_CSP, "cache-control": "no-store"}
        return Response(letter.html.encode(), headers=headers, media_type="text/html; charset=utf-8")


def _letters(request: Request, vault: Vault, settings: Settings) -> Letters:
    return Letters(request.app.state.templates, vault, settings.base_url)


async def _written(letters: Letters, db: AsyncSession, mail: Outbox) -> Letter | None:
    """None when it says nothing true any more, and so would not be sent."""
    try:
        return await letters.write(db, mail)
    except OutOfDate:
        return None


async def _one(letters: Letters, db: AsyncSession, mail_id: int) -> tuple[Outbox, Letter]:
    mail = await Mails(db).get(mail_id)
    letter = await _written(letters, db, mail) if mail else None
    if mail is None or letter is None:
        raise Missing()
    return mail, letter
