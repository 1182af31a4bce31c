"""/admin/professionals: the table with the queue, one professional beside it, and the decision about what waits."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import IDS, Users
from app.audit.history import History
from app.core.errors import Invalid, Refused
from app.core.i18n import _
from app.core.keyset import AnyRow
from app.core.references import row_number
from app.people.customer_admin_pages import seen_by
from app.people.professional_repository import SORTS, STATES, Professionals, Wanted
from app.vetting.decision import Form as Decided
from app.vetting.decision import approve, deny, matter_of
from app.vetting.reapplication import out_of_date
from app.vetting.repository import Cases, Documents
from app.vetting.repository import Professionals as Vetted
from app.web.admin import desk
from app.web.forms import Form, form, query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, swap, wants_fragment
from app.web.table import View, view

PATH = "/admin/professionals"
TABS = ("", "services", "person", "history")
WHOLE, LIST, PANEL = (f"people/{name}.html" for name in ("professionals", "_professionals", "_professional"))


class ProfessionalDesk(Controller):
    path = PATH
    opt = only("admin")

    @get(name="desk-professionals")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await desk(request, db, WHOLE, LIST, **await _table(request, db), professional=None)

    @get("/{professional_id:int}", name="desk-professional")
    async def show(
        self,
        request: Request,
        professional_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> HtmlResponse:
        professional = await Professionals(db).one(professional_id)
        tab = query(request).get("tab", "")
        if tab == "person" and professional.left_at is None:
            await seen_by(db, me, professional_id)
        return await _draw(request, db, professional, tab if tab in TABS else "")

    @post("/{professional_id:int}/approval", name="approval")
    async def approval(
        self,
        request: Request,
        professional_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> HtmlResponse:
        sent = await form(request)
        professional = await Professionals(db).one(professional_id)
        try:
            await approve(db, me, professional_id, _decided(sent))
        except (Invalid, Refused) as error:
            return await _refused(request, db, professional_id, sent, error)
        return await redrawn(request, db, professional_id, _("%(name)s: approved.", name=professional.full_name))

    @post("/{professional_id:int}/denial", name="denial")
    async def denial(
        self,
        request: Request,
        professional_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> HtmlResponse:
        sent = await form(request)
        professional = await Professionals(db).one(professional_id)
        try:
            await deny(db, me, professional_id, sent.get("reason", ""), _decided(sent))
        except (Invalid, Refused) as error:
            return await _refused(request, db, professional_id, sent, error)
        return await redrawn(request, db, professional_id, _("%(name)s: denied.", name=professional.full_name))


def _decided(sent: Form) -> Decided:
    """A case that is no number is none that is open."""
    case = (row_number(sent["case"]) or 0) if sent.get("case") else None
    return Decided(case, sent.get("seen"), sent.all("checked") if "checked" in sent else None)


async def redrawn(request: Request, db: AsyncSession, professional_id: int, said: str) -> HtmlResponse:
    """The panel and its row after something was done, or the record's page with the words on top."""
    if not wants_fragment(request):
        flash(request, said)
        return go(request, _view(request).record_url(professional_id))
    professional = await Professionals(db).one(professional_id)
    context = await _about(db, professional, "")
    return swap(
        request,
        "people/professional_changed.swap.html",
        headers={"hx-replace-url": _view(request).record_url(professional_id)},
        view=_view(request),
        professional=professional,
        row=professional,
        tab="",
        said=said,
        **context,
    )


async def _refused(
    request: Request, db: AsyncSession, professional_id: int, sent: Form, no: Invalid | Refused
) -> HtmlResponse:
    """The panel again: with the ticks and the words that were typed, or with what is true by now."""
    professional = await Professionals(db).one(professional_id)
    told: dict[str, Any] = {"refusal": no} if isinstance(no, Refused) else {"errors": no.errors}
    told |= {"ticked": sent.all("checked"), "values": {"reason": sent.get("reason", "")}}
    answer = await _draw(request, db, professional, "", **told)
    answer.status_code = 409 if isinstance(no, Refused) else 422
    return answer


async def _draw(request: Request, db: AsyncSession, professional: AnyRow, tab: str, **told: Any) -> HtmlResponse:
    context: dict[str, Any] = {"view": _view(request), "professional": professional, "tab": tab}
    context |= await _about(db, professional, tab)
    if not wants_fragment(request):
        context |= await _table(request, db)
    return await desk(request, db, WHOLE, PANEL, **context | told)


async def _table(request: Request, db: AsyncSession) -> dict[str, Any]:
    asked, professionals = _view(request), Professionals(db)
    wanted = _wanted(asked)
    meant = await professionals.meant(wanted.q)
    page = await professionals.listed(wanted, meant, sort=asked.sort, descending=asked.descending, after=asked.after)
    service = await professionals.service_name(wanted.service) if wanted.service is not None else None
    return {"view": asked, "page": page, "counts": await professionals.counts(wanted, meant), "service": service}


async def _about(db: AsyncSession, professional: AnyRow, tab: str) -> dict[str, Any]:
    """What the panel shows of one professional."""
    matter = await matter_of(db, professional.id)
    told: dict[str, Any] = {"matter": matter, "block": await Users(db).block_of(professional.id)}
    told |= {"errors": {}, "values": {}, "ticked": [], "refusal": None}
    if tab == "":
        documents = [one for one in await Documents(db).of(professional.id) if one.stored_as]
        told["current"] = [one for one in documents if one.state == "approved"]
        told["former"] = [one for one in documents if one.state in ("denied", "replaced")]
        told["out_of_date"] = out_of_date(await Vetted(db).get(professional.id))
        told["last"] = next((one for one in await Cases(db).of(professional.id) if one.state != "open"), None)
    if tab == "person":
        told["addresses"] = await Professionals(db).addresses(professional.id)
        told["areas"] = await Professionals(db).areas(professional.id)
    if tab == "history":
        told["history"] = await History(db).of(f"user-{professional.id}")
        told["cases"] = await Cases(db).of(professional.id)
    return told


def _wanted(asked: View) -> Wanted:
    service, pincode = row_number(asked.chosen["service"]), asked.chosen["pincode"]
    return Wanted(
        asked.q,
        asked.chosen["state"] if asked.chosen["state"] in STATES else "",
        service if service in IDS else None,
        pincode if pincode.isdecimal() else "",
    )


def _view(request: Request) -> View:
    return view(request, PATH, sorts=SORTS, default="state", filters=("state", "service", "pincode"))
