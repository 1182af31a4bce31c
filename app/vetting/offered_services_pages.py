"""/profile/work: trade, years, languages, services and home address, with what the public sees of them (T0-20)."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.languages import language_labels
from app.accounts.names import public_name
from app.accounts.repository import Addresses, Users
from app.core.errors import Invalid
from app.core.i18n import _, ngettext
from app.scheduling.offered_services_repository import OfferedServices
from app.vetting.home_address import move_home
from app.vetting.offered_services import WorkForm, trade_choices, update_work
from app.vetting.repository import Professionals
from app.web.actions import Rejection, submit
from app.web.forms import Form, parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, page


class OfferedServicesPages(Controller):
    path = "/profile/work"
    opt = only("professional")

    @get(name="work")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render(request, db, me)

    @post()
    async def update(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def save() -> None:
            new = await update_work(db, me, _work_form(form))
            pending = ngettext(
                "Saved. %(num)s new service is waiting for approval.",
                "Saved. %(num)s new services are waiting for approval.",
                len(new),
            )
            flash(request, pending if new else _("Saved."), "waiting" if new else "done")

        return await submit(
            request,
            save,
            form=form,
            catch=(Invalid,),
            on_error=lambda rejection: _render(request, db, me, work=form, rejection=rejection),
            then="/profile/work",
        )

    @post("/address", name="work-address")
    async def move(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        form = await parse_form(request)
        return await submit(
            request,
            lambda: move_home(db, me, form.get("address", ""), form.get("pincode", "")),
            form=form,
            catch=(Invalid,),
            on_error=lambda rejection: _render(request, db, me, rejection=rejection),
            message=_("Saved. Your service area hasn't changed."),
            then="/profile/work",
        )


def _work_form(form: Form) -> WorkForm:
    """What is not a number becomes 0, a service that does not exist."""
    ticked = (value if value.isdecimal() and len(value) < 19 else "0" for value in form.all("service_ids"))
    services, languages = frozenset(int(value) for value in ticked), frozenset(form.all("languages"))
    return WorkForm(form.get("trade", ""), form.get("experience_years", ""), services, languages)


async def _render(
    request: Request, db: AsyncSession, me: Me, *, work: Form | None = None, rejection: Rejection | None = None
) -> HtmlResponse:
    """`rejection` is of the form about the work when `work` is given, otherwise of the one about the address."""
    professional = await Professionals(db).get(me.id)
    user = await Users(db).get(me.id)
    offered = {service.service_id: service for service in await OfferedServices(db).of(me.id)}
    ticked = {str(key) for key, service in offered.items() if service.approval_status != "denied"}
    home = await Addresses(db, me.id).main()
    address = {"address": home.line, "pincode": home.pincode} if home else {}
    values = {"trade": professional.trade, "experience_years": str(professional.experience_years)}
    rejected = rejection.values if rejection else {}
    errors = rejection.errors if rejection else {}
    about_address = rejection is not None and work is None
    return page(
        request,
        "vetting/offered_services.html",
        status=rejection.status if rejection else 200,
        professional=professional,
        user=user,
        public_name=public_name(user.full_name),
        home=home,
        offered=offered,
        catalogue=await OfferedServices(db).choices(),
        trades=trade_choices(list(offered.values()), professional.trade),
        ticked=set(work.all("service_ids")) if work is not None else ticked,
        languages=language_labels(),
        ticked_languages=set(work.all("languages")) if work is not None else set(professional.languages),
        values=rejected if work is not None else values,
        errors=errors if work is not None else {},
        place=rejected if about_address else address,
        place_errors=errors if about_address else {},
    )
