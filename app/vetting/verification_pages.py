"""/verification: how a professional stands, why, since when; and asking again when denied or out of date (T0-4)."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.storage import Storage
from app.scheduling.repository import Working
from app.vetting.document import KINDS
from app.vetting.document_changes import expiry_of
from app.vetting.offered_services_repository import Offerings
from app.vetting.reapplication import ask_again, kind_to_send, may_ask, message_of, out_of_date, refuse_to_ask
from app.vetting.repository import Cases, Professionals
from app.vetting.scanning import paper_of
from app.web.forms import Form, form, shown_again
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page
from app.web.uploads import UPLOAD, choose_again


class VerificationPages(Controller):
    path = "/verification"
    opt = only("professional")

    @get(name="standing")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _draw(request, db, me)

    @post(request_max_body_size=UPLOAD)
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        sent = await form(request)
        await refuse_to_ask(db, me)
        kind = sent.get("kind") or await kind_to_send(db, me.id)
        try:
            message, expires_on = _read(sent)
            await ask_again(db, storage, me, kind, message, await paper_of(sent.files.get("document")), expires_on)
        except Invalid as error:
            return await _draw(request, db, me, sent, choose_again(sent.files, error.errors))
        flash(request, _("Sent. You hear from us when it is checked."), "waiting")
        return go(request, "/verification")


def _read(sent: Form) -> tuple[str, Any]:
    """The message and the first day on which the paper counts no more; Invalid with all that is wrong."""
    errors: dict[str, str] = {}
    found: list[Any] = [None, None]
    for place, (name, clean) in enumerate((("message", message_of), ("expires_on", expiry_of))):
        try:
            found[place] = clean(sent.get(name, ""))
        except Invalid as error:
            errors |= error.errors
    if errors and "document" not in sent.files:
        errors["document"] = _("Please choose a file.")
    if errors:
        raise Invalid(errors)
    return found[0], found[1]


async def _draw(
    request: Request, db: AsyncSession, me: Me, sent: Form | None = None, errors: dict[str, str] | None = None
) -> HtmlResponse:
    professional = await Professionals(db).get(me.id)
    case = await Cases(db).open_of(me.id)
    return page(
        request,
        "vetting/verification.html",
        "vetting/_verification.html",
        status=422 if errors else 200,
        professional=professional,
        case=case,
        cases=[one for one in await Cases(db).of(me.id) if one.state != "open"],
        offered=await Offerings(db).of(me.id),
        out_of_date=out_of_date(professional),
        may_ask=may_ask(professional, case),
        hours=await Working(db, me).hours(),
        kinds=KINDS,
        values=shown_again(sent) if sent is not None else {"kind": await kind_to_send(db, me.id)},
        errors=errors or {},
    )
