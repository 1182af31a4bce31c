"""/profile/work: trade, years and services; what strangers see of it, and what only Doorstep does (T0-20)."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Addresses, Users
from app.accounts.user import public_name
from app.core.errors import Invalid
from app.core.i18n import _, ngettext
from app.vetting.home_address import move_home
from app.vetting.offered_services import Work, change_work, trades_of
from app.vetting.offered_services_repository import Offerings
from app.vetting.repository import Professionals
from app.web.forms import Form, form, shown_again
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page


class WorkPages(Controller):
    path = "/profile/work"
    opt = only("professional")

    @get(name="work")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _draw(request, db, me)

    @post()
    async def update(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            new = await change_work(db, me, _work(sent))
        except Invalid as error:
            return await _draw(request, db, me, sent, error.errors)
        waits = ngettext(
            "Saved. %(num)s new service waits to be checked.",
            "Saved. %(num)s new services wait to be checked.",
            len(new),
        )
        flash(request, waits if new else _("Saved."), "waiting" if new else "done")
        return go(request, "/profile/work")

    @post("/address", name="work-address")
    async def move(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        sent = await form(request)
        try:
            await move_home(db, me, sent.get("address", ""), sent.get("pincode", ""))
        except Invalid as error:
            return await _draw(request, db, me, moving=sent, errors=error.errors)
        flash(request, _("Saved. The area you serve stays as it is."))
        return go(request, "/profile/work")


def _work(sent: Form) -> Work:
    """What is no number is a service that nobody has."""
    ticked = (one if one.isdecimal() and len(one) < 19 else "0" for one in sent.all("service_ids"))
    return Work(sent.get("trade", ""), sent.get("experience_years", ""), frozenset(int(one) for one in ticked))


async def _draw(
    request: Request,
    db: AsyncSession,
    me: Me,
    sent: Form | None = None,
    errors: dict[str, str] | None = None,
    *,
    moving: Form | None = None,
) -> HtmlResponse:
    """With what was sent of the work, or of moving `home`, as it was typed."""
    professional = await Professionals(db).get(me.id)
    user = await Users(db).get(me.id)
    offered = {one.service_id: one for one in await Offerings(db).of(me.id)}
    ticked = {str(key) for key, one in offered.items() if one.standing != "denied"}
    home = await Addresses(db, me.id).main()
    lives = {"address": home.line, "pincode": home.pincode} if home else {}
    now = {"trade": professional.trade, "experience_years": str(professional.experience_years)}
    return page(
        request,
        "vetting/offered_services.html",
        status=422 if errors else 200,
        professional=professional,
        user=user,
        public_name=public_name(user.full_name),
        home=home,
        offered=offered,
        catalogue=await Offerings(db).catalogue(),
        trades=trades_of(list(offered.values()), professional.trade),
        ticked=set(sent.all("service_ids")) if sent is not None else ticked,
        values=shown_again(sent) if sent is not None else now,
        errors=(errors or {}) if moving is None else {},
        place=shown_again(moving) if moving is not None else lives,
        place_errors=(errors or {}) if moving is not None else {},
    )
