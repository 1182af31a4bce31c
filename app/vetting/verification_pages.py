"""/verification: the professional's approval with its reasons and dates, and reapplying (T0-4)."""

from datetime import date

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.db import Database
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.storage import Storage
from app.scheduling.offered_services_repository import OfferedServices
from app.scheduling.repository import Schedules
from app.settings import Settings
from app.vetting.document import PROOF_KINDS
from app.vetting.document_changes import parse_expiry
from app.vetting.document_scan import scan_document
from app.vetting.reapplication import (
    clean_message,
    has_expired_documents,
    may_reapply,
    reapply,
    refuse_reapplication,
    requested_document_kind,
)
from app.vetting.repository import Cases, Professionals
from app.vetting.verification import CaseState
from app.web.actions import Rejection, submit
from app.web.forms import Form, parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, page
from app.web.security import client_address
from app.web.uploads import MAX_UPLOAD_REQUEST_BYTES, with_files_to_choose
from app.web.validation import typed_text


class VerificationPages(Controller):
    path = "/verification"
    opt = only("professional")

    @get(name="standing")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render(request, db, me)

    @post(request_max_body_size=MAX_UPLOAD_REQUEST_BYTES)
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        form, address = await parse_form(request), client_address(request.scope, settings.trusted_proxies)
        async with database.reading() as before:  # no connection is held during the scan
            await refuse_reapplication(before, me)
            kind = form.get("kind") or await requested_document_kind(before, me.id)

        async def send() -> None:
            message, expires_on = _validate(form)
            scan = await scan_document(form.files.get("document"), address)
            await reapply(db, storage, me, kind, message, scan, expires_on)
            flash(request, _("Submitted. We'll email you when it's reviewed."), "waiting")

        return await submit(
            request,
            send,
            form=form,
            catch=(Invalid,),
            on_error=lambda rejection: _render(request, db, me, form, rejection),
            then="/verification",
        )


def _validate(form: Form) -> tuple[str, date | None]:
    """The message, and the first day on which the document is no longer valid; Invalid with all errors."""
    errors: dict[str, str] = {}
    message, expires_on = "", None
    try:
        message = clean_message(typed_text(form, "message"))
    except Invalid as error:
        errors |= error.errors
    try:
        expires_on = parse_expiry(form.get("expires_on", ""))
    except Invalid as error:
        errors |= error.errors
    if errors and "document" not in form.files:
        errors["document"] = _("Choose a file.")
    if errors:
        raise Invalid(errors)
    return message, expires_on


async def _render(
    request: Request,
    db: AsyncSession,
    me: Me,
    form: Form | None = None,
    rejection: Rejection | None = None,
) -> HtmlResponse:
    professional = await Professionals(db).get(me.id)
    case = await Cases(db).open_of(me.id)
    return page(
        request,
        "vetting/verification.html",
        "vetting/_verification.html",
        status=rejection.status if rejection else 200,
        headers=rejection.headers if rejection else {},
        professional=professional,
        case=case,
        cases=[case for case in await Cases(db).of(me.id) if case.state != CaseState.OPEN],
        offered=await OfferedServices(db).of(me.id),
        has_expired_documents=has_expired_documents(professional),
        may_reapply=may_reapply(professional, case),
        hours=await Schedules(db, me).hours(),
        kinds=PROOF_KINDS,
        values=rejection.values if rejection else {"kind": await requested_document_kind(db, me.id)},
        errors=with_files_to_choose(form.files, rejection.errors) if form is not None and rejection else {},
    )
