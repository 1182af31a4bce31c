"""/register/professional: asking to work with Doorstep. It answers the same whether or not the address is known."""

import time

from litestar import Controller, get, post
from litestar.di import NamedDependency

from app.accounts.attempts import TooSoon
from app.accounts.pages import apart_of, evenly
from app.accounts.repository import Pincodes
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Vault
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.secrets import Passwords
from app.core.storage import Storage
from app.settings import Settings
from app.vetting.application import REACH_KM, NewProfessional, join
from app.vetting.offered_services_repository import Offerings
from app.web.forms import Form, form, read, shown_again
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page
from app.web.security import client_address
from app.web.uploads import UPLOAD, choose_again

ORDER = [*NewProfessional.__struct_fields__, "document"]


class JoiningPages(Controller):
    path = "/register/professional"
    opt = everyone()

    @get(name="joining")
    async def show(self, request: Request, database: NamedDependency[Database]) -> HtmlResponse:
        return await _draw(request, database)

    @post(request_max_body_size=UPLOAD)
    async def create(
        self,
        request: Request,
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        vault: NamedDependency[Vault],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        began, sent = time.monotonic(), await form(request)
        address = client_address(request, settings.trusted_proxies)
        try:
            new, upload = read(NewProfessional, sent), sent.files.get("document")
            await join(apart_of(database, after), passwords, vault, storage, new, upload, address)
        except Invalid as error:
            return await _draw(request, database, sent, choose_again(sent.files, error.errors))
        except TooSoon as soon:
            answer = await _draw(request, database, sent, choose_again(sent.files, {"": soon.words()}), 429)
            answer.headers["retry-after"] = str(soon.seconds)
            return answer
        await evenly(began, settings)
        flash(request, _("Thank you. Sign in with your e-mail and password. We have sent you a mail as well."))
        return go(request, "/login")


async def _draw(
    request: Request,
    database: Database,
    sent: Form | None = None,
    errors: dict[str, str] | None = None,
    status: int = 422,
) -> HtmlResponse:
    async with database.sessions() as db:
        catalogue = await Offerings(db).catalogue()
        place = await Pincodes(db).get(sent.get("pincode", "")[:6] if sent is not None else "")
    return page(
        request,
        "vetting/application.html",
        "vetting/_application.html",
        status=status if errors else 200,
        values=shown_again(sent) if sent is not None else {},
        chosen=set(sent.all("service_ids")) if sent is not None else set(),
        errors=dict(sorted((errors or {}).items(), key=lambda one: _place_of(one[0]))),
        catalogue=catalogue,
        place=place,
        reach=REACH_KM,
    )


def _place_of(field: str) -> int:
    """As the fields stand on the page; what is about the whole form stands first."""
    return ORDER.index(field) if field in ORDER else -1
