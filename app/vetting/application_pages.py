"""/register/professional: apply as a professional; the response does not reveal whether the email has an account."""

import time

from litestar import Controller, get, post
from litestar.di import NamedDependency

from app.accounts.contact_fields import typed_pincode
from app.accounts.languages import language_labels
from app.accounts.pages import pad_response_time, transaction_factory
from app.accounts.repository import Pincodes
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.errors import Invalid, RateLimited
from app.core.i18n import _
from app.core.secrets import Passwords
from app.core.storage import Storage
from app.scheduling.offered_services_repository import OfferedServices
from app.settings import Settings
from app.vetting.application import INITIAL_RADIUS_KM, NewProfessional, submit_application
from app.web.actions import Rejection, submit
from app.web.forms import Form, parse_form
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import page
from app.web.security import client_address
from app.web.uploads import MAX_UPLOAD_REQUEST_BYTES, with_files_to_choose
from app.web.validation import validate_form

FIELD_ORDER = [*NewProfessional.__struct_fields__, "document"]


class ApplicationPages(Controller):
    path = "/register/professional"
    opt = everyone()

    @get(name="joining")
    async def show(self, request: Request, database: NamedDependency[Database]) -> HtmlResponse:
        return await _render(request, database)

    @post(request_max_body_size=MAX_UPLOAD_REQUEST_BYTES)
    async def create(
        self,
        request: Request,
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        encryption: NamedDependency[Encryption],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        started, form = time.monotonic(), await parse_form(request)
        address = client_address(request.scope, settings.trusted_proxies)

        async def apply() -> None:
            new, upload = validate_form(NewProfessional, form), form.files.get("document")
            new_transaction = transaction_factory(database, after_commit)
            await submit_application(new_transaction, passwords, encryption, storage, new, upload, address)
            await pad_response_time(started, settings)

        return await submit(
            request,
            apply,
            form=form,
            catch=(Invalid, RateLimited),
            on_error=lambda rejection: _render(request, database, form, rejection),
            message=_("Thank you. Sign in with your email and password. We've also sent you an email."),
            then="/login",
        )


async def _render(
    request: Request, database: Database, form: Form | None = None, rejection: Rejection | None = None
) -> HtmlResponse:
    async with database.sessions() as db:
        catalogue = await OfferedServices(db).choices()
        place = await Pincodes(db).get((form is not None and typed_pincode(form.get("pincode", ""))) or "")
    errors: dict[str, str] = {}
    if form is not None and rejection is not None:
        errors = with_files_to_choose(form.files, rejection.errors or {"": rejection.message})
    return page(
        request,
        "vetting/application.html",
        "vetting/_application.html",
        status=rejection.status if rejection else 200,
        headers=rejection.headers if rejection else {},
        values=rejection.values if rejection else {},
        selected=set(form.all("service_ids")) if form is not None else set(),
        errors=dict(sorted(errors.items(), key=lambda item: _position(item[0]))),
        catalogue=catalogue,
        languages=language_labels(),
        ticked_languages=set(form.all("languages")) if form is not None else set(),
        place=place,
        reach=INITIAL_RADIUS_KM,
    )


def _position(field: str) -> int:
    """The field's position on the page; errors about the whole form come first."""
    return FIELD_ORDER.index(field) if field in FIELD_ORDER else -1
