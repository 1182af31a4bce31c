"""/admin/professionals: the table and the panel of one professional; decide their case."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.contact_fields import typed_pincode
from app.accounts.names import greeting_name
from app.accounts.repository import ROW_IDS, Users
from app.accounts.user import Role
from app.audit.history import History
from app.blocking.admin_pages import BlockAdminPages
from app.core.i18n import _
from app.core.paging import AnyRow
from app.core.references import parse_row_id
from app.people.customer_admin_pages import record_contact_view
from app.people.professional_repository import SORTS, STATES, ProfessionalFilter, Professionals
from app.scheduling.exclusion_repository import Exclusions
from app.vetting.decision import DecisionForm, approve, deny, review_case_of
from app.vetting.document import FORMER_STATES, DocumentState
from app.vetting.reapplication import has_expired_documents
from app.vetting.repository import Cases, Documents
from app.vetting.repository import Professionals as VettedProfessionals
from app.vetting.verification import CaseState
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import Form, parse_form, parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, redirect, swap, wants_fragment
from app.web.table import TableView, table_view
from app.web.validation import typed_text

PATH = "/admin/professionals"
TABS = ("", "services", "person", "history")
PAGE_TEMPLATE, LIST_TEMPLATE, PANEL_TEMPLATE = (
    f"people/{name}.html" for name in ("professionals", "_professionals", "_professional")
)


class ProfessionalAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-professionals")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await admin_page(
            request, db, PAGE_TEMPLATE, LIST_TEMPLATE, **await _table_context(request, db), professional=None
        )

    @get("/{professional_id:int}", name="admin-professional", opt={"in_transaction": True})
    async def show(
        self,
        request: Request,
        professional_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> HtmlResponse:
        professional = await Professionals(db).get(professional_id)
        tab = parse_query(request).get("tab", "")
        if tab == "person" and professional.deleted_at is None:
            await record_contact_view(db, me, professional_id)
        return await _render(request, db, professional, tab if tab in TABS else "")

    @post("/{professional_id:int}/approval", name="approval")
    async def approval(
        self,
        request: Request,
        professional_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> HtmlResponse:
        form = await parse_form(request)
        professional = await Professionals(db).get(professional_id)
        return await submit(
            request,
            lambda: approve(db, me, professional_id, _decision_form(form)),
            form=form,
            on_error=lambda rejection: _render_rejected(request, db, professional_id, form, rejection),
            then=lambda _result: render_changed(
                request, db, professional_id, _("Approved: %(name)s.", name=professional.full_name)
            ),
        )

    @post("/{professional_id:int}/denial", name="denial")
    async def denial(
        self,
        request: Request,
        professional_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> HtmlResponse:
        form = await parse_form(request)
        professional = await Professionals(db).get(professional_id)
        return await submit(
            request,
            lambda: deny(db, me, professional_id, typed_text(form, "reason"), _decision_form(form)),
            form=form,
            on_error=lambda rejection: _render_rejected(request, db, professional_id, form, rejection),
            then=lambda _result: render_changed(
                request, db, professional_id, _("Rejected: %(name)s.", name=professional.full_name)
            ),
        )


class ProfessionalBlockPages(BlockAdminPages):
    path = PATH
    role = Role.PROFESSIONAL

    async def render_changed(self, request: Request, db: AsyncSession, person_id: int, message: str) -> HtmlResponse:
        return await render_changed(request, db, person_id, message)


def _decision_form(form: Form) -> DecisionForm:
    """The submitted decision; a case that is not a number counts as 0, which matches no open case."""
    case = (parse_row_id(form["case"]) or 0) if form.get("case") else None
    return DecisionForm(case, form.get("seen"), form.all("checked") if "checked" in form else None)


async def render_changed(request: Request, db: AsyncSession, professional_id: int, message: str) -> HtmlResponse:
    """Render the panel and its row after an action, or redirect to the record's page with the message."""
    if not wants_fragment(request):
        flash(request, message)
        return redirect(request, _view(request).record_url(professional_id))
    professional = await Professionals(db).get(professional_id)
    context = await _record_context(db, professional, "")
    return swap(
        request,
        "people/professional_changed.swap.html",
        headers={"hx-replace-url": _view(request).record_url(professional_id)},
        view=_view(request),
        professional=professional,
        row=professional,
        tab="",
        message=message,
        **context,
    )


async def _render_rejected(
    request: Request, db: AsyncSession, professional_id: int, form: Form, rejection: Rejection
) -> HtmlResponse:
    """Render the panel as it is now: with the ticks and the reason that were sent, and what is wrong with them."""
    return await _render(
        request,
        db,
        await Professionals(db).get(professional_id),
        "",
        errors=rejection.errors,
        refusal=rejection.refusal,
        ticked=form.all("checked"),
        values={"reason": form.get("reason", "")},
        status=rejection.status,
    )


async def _render(request: Request, db: AsyncSession, professional: AnyRow, tab: str, **more: Any) -> HtmlResponse:
    context: dict[str, Any] = {"view": _view(request), "professional": professional, "tab": tab}
    context |= await _record_context(db, professional, tab)
    if not wants_fragment(request):
        context |= await _table_context(request, db)
    return await admin_page(request, db, PAGE_TEMPLATE, PANEL_TEMPLATE, **context | more)


async def _table_context(request: Request, db: AsyncSession) -> dict[str, Any]:
    view, professionals = _view(request), Professionals(db)
    criteria = _filter(view)
    matches = await professionals.match_words(criteria.q)
    page = await professionals.list_page(
        criteria, matches, sort=view.sort, descending=view.descending, after=view.after
    )
    service = await professionals.service_name(criteria.service) if criteria.service is not None else None
    return {"view": view, "page": page, "counts": await professionals.counts(criteria, matches), "service": service}


async def _record_context(db: AsyncSession, professional: AnyRow, tab: str) -> dict[str, Any]:
    """What the panel shows of one professional."""
    context: dict[str, Any] = {
        "review": await review_case_of(db, professional.id),
        "greeting_name": greeting_name(professional.full_name),
    }
    context["block"] = await Users(db).active_block(professional.id)
    context |= {"errors": {}, "values": {}, "ticked": [], "refusal": None}
    if tab == "":
        documents = [document for document in await Documents(db).of(professional.id) if document.stored_as]
        context["current"] = [document for document in documents if document.state == DocumentState.APPROVED]
        context["former"] = [document for document in documents if document.state in FORMER_STATES]
        context["has_expired_documents"] = has_expired_documents(await VettedProfessionals(db).get(professional.id))
        context["last"] = next(
            (case for case in await Cases(db).of(professional.id) if case.state != CaseState.OPEN), None
        )
    if tab == "person":
        context["addresses"] = await Professionals(db).addresses(professional.id)
        context["areas"] = await Professionals(db).area_count(professional.id)
    if tab == "history":
        context["history"] = await History(db).of(f"user-{professional.id}")
        context["exclusions"] = await Exclusions(db).of_person(professional.id)
        context["cases"] = await Cases(db).of(professional.id)
    return context


def _filter(view: TableView) -> ProfessionalFilter:
    service, pincode = parse_row_id(view.filters["service"]), view.filters["pincode"]
    return ProfessionalFilter(
        view.q,
        view.filters["state"] if view.filters["state"] in STATES else "",
        service if service in ROW_IDS else None,
        typed_pincode(pincode) or "",
    )


def _view(request: Request) -> TableView:
    return table_view(request, PATH, sorts=SORTS, default="state", filters=("state", "service", "pincode"))
