"""Create and change a service in a form, with a preview of what customers will see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.catalog import service_changes
from app.catalog.admin_pages import PATH, services_view
from app.catalog.admin_repository import CatalogueAdminQueries
from app.catalog.labels import format_value, mode_labels, question_labels, service_field_labels
from app.catalog.repository import CatalogueRepository, CategoryTile
from app.catalog.schemas import MAX_QUESTIONS, QUESTION_NUMBERS, draft_facts, form_values, read_service
from app.catalog.service import Category, Service
from app.catalog.service_changes import EditConflict
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.references import new_reference, parse_row_id
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form, redisplayable
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import wants_fragment
from app.web.validation import validate_with

FORM_TEMPLATE = "catalog/admin/_service_form.html"
MIN_QUESTION_ROWS = 2
DEFAULT_VALUES = {"mode": "instant", "minutes": "60", "notice_minutes": "120", "horizon_days": "7"}


@dataclass(frozen=True, slots=True)
class PreviewRating:
    """The current rating of the service, for the preview."""

    mean: float = 0.0
    count: int = 0


@dataclass(frozen=True, slots=True)
class ServicePreview:
    """The service as customers will see it."""

    name: str
    description: str
    included: list[str]
    excluded: list[str]
    parts: str
    preparation: list[str]
    guarantee: str
    questions: list[Sequence[str]]
    price: int
    minutes: int
    category: CategoryTile


class ServiceFormAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get("/new", name="admin-new-service")
    async def new(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        values = DEFAULT_VALUES | {"idempotency_key": new_reference() + new_reference()}
        return await _render_form(request, db, None, values | _category_from_query(request))

    @post("/new")
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def create() -> Service:
            draft = validate_with(read_service, form)
            return await service_changes.create(db, me, draft, form.get("idempotency_key", ""))

        return await submit(
            request,
            create,
            form=form,
            catch=(Invalid,),
            on_error=lambda rejection: _render_form(request, db, None, rejection.values, rejection),
            message=_("Service added. Customers can now see it wherever a professional offers it."),
            then=lambda service: services_view(request).record_url(service.id),
        )

    @post("/preview", name="admin-service-preview")
    async def preview(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        """Save nothing; render the preview for HTMX, the form with the preview for a plain browser.

        `add` renders the form with one more pair of fields for a question and its answer.
        """
        form = await parse_form(request)
        service_id = parse_row_id(form.get("service", ""))
        service = await CatalogueRepository(db).service(service_id) if service_id else None
        values, rejection = redisplayable(form), None
        if form.get("add"):
            return await _render_form(request, db, service, values | {"question_rows": str(_question_rows(values) + 1)})
        try:
            validate_with(read_service, form)
        except Invalid as error:
            rejection = Rejection(error)
        if wants_fragment(request):
            return await _render_form(request, db, service, values, fragment="catalog/admin/_preview.html")
        return await _render_form(request, db, service, values, rejection)

    @get("/{service_id:int}/edit", name="admin-edit-service")
    async def edit(
        self, request: Request, service_id: FromPath[int], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        catalogue = CatalogueRepository(db)
        service = await catalogue.service(service_id)
        values = form_values(draft_facts(await catalogue.service_draft(service))) | {"seen": str(service.event_count)}
        return await _render_form(request, db, service, values)

    @post("/{service_id:int}/edit")
    async def update(
        self, request: Request, service_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        service = await CatalogueRepository(db).service(service_id)
        version = parse_row_id(form.get("seen", "")) or 0

        async def edit() -> Service:
            return await service_changes.edit(db, me, service_id, validate_with(read_service, form), version)

        return await submit(
            request,
            edit,
            form=form,
            catch=(Invalid, EditConflict),
            on_error=lambda rejection: _render_form(
                request, db, service, merge_conflicts(rejection.values, rejection.error), rejection
            ),
            message=_("Saved. This applies to new bookings. Existing bookings stay as agreed."),
            then=services_view(request).record_url(service_id),
        )


def merge_conflicts(typed: Mapping[str, str], error: Exception) -> dict[str, str]:
    """Keep what was typed; after an EditConflict take the other admin's value of fields that only they changed."""
    if not isinstance(error, EditConflict):
        return dict(typed)
    before = form_values({each.field: each.before for each in error.conflicts})
    current = form_values({each.field: each.after for each in error.conflicts})
    unchanged_by_me = {field: current[field] for field in current if _is_same_text(typed.get(field, ""), before[field])}
    return {**typed, **unchanged_by_me, "seen": str(error.version)}


def describe_conflicts(
    error: Exception | None, labels: Mapping[str, str], categories: Mapping[int, str]
) -> list[dict[str, str]]:
    """Describe each conflict: the field's label, who changed it, the value before and now."""
    return [
        {
            "field": conflict.field,
            "label": labels[conflict.field],
            "who": conflict.changed_by or _("Another admin"),
            "was": format_value(conflict.field, conflict.before, categories),
            "now": format_value(conflict.field, conflict.after, categories),
        }
        for conflict in (error.conflicts if isinstance(error, EditConflict) else ())
    ]


async def _render_form(
    request: Request,
    db: AsyncSession,
    service: Service | None,
    values: Mapping[str, str],
    rejection: Rejection | None = None,
    *,
    fragment: str = FORM_TEMPLATE,
) -> HtmlResponse:
    """Render the form with what was typed, and the preview if all fields are valid."""
    catalogue = CatalogueRepository(db)
    categories = await catalogue.categories()
    names = {category.id: category.name for category in categories}
    labels = service_field_labels()
    rating = await CatalogueAdminQueries(db).rating(service.id) if service else (0.0, 0)
    return await admin_page(
        request,
        db,
        "catalog/admin/service_form.html",
        fragment,
        status=rejection.status if rejection else 200,
        view=services_view(request),
        record=service,
        values=values,
        errors=rejection.errors if rejection else {},
        refusal=rejection.refusal if rejection else None,
        conflicts=describe_conflicts(rejection.error if rejection else None, labels, names),
        labels=labels | question_labels(),
        question_rows=_question_rows(values),
        categories=[
            category
            for category in categories
            if category.retired_at is None or (service and service.category_id == category.id)
        ],
        modes=mode_labels(),
        preview=_preview(values, categories),
        spread=PreviewRating(*rating),
    )


def _preview(values: Mapping[str, str], categories: Any) -> ServicePreview | None:
    """Build the preview; None while a field is invalid."""
    try:
        draft = read_service(values)
    except Invalid:
        return None
    category: Category | None = next((category for category in categories if category.id == draft.category_id), None)
    if category is None:
        return None
    tile = CategoryTile(category.slug, category.name, category.short_name, category.drawing)
    return ServicePreview(
        name=draft.name,
        description=draft.description,
        included=list(draft.included),
        excluded=list(draft.excluded),
        parts=draft.parts,
        preparation=list(draft.preparation),
        guarantee=draft.guarantee,
        questions=list(draft.questions),
        price=draft.price,
        minutes=draft.minutes,
        category=tile,
    )


def _question_rows(values: Mapping[str, str]) -> int:
    """How many pairs of fields are shown: an empty one after those that are filled in, and those that were added."""
    filled = [n for n in QUESTION_NUMBERS if values.get(f"question_{n}") or values.get(f"answer_{n}")]
    added = parse_row_id(values.get("question_rows", "")) or 0
    return min(max(MIN_QUESTION_ROWS, max(filled, default=0) + 1, added), MAX_QUESTIONS)


def _category_from_query(request: Request) -> dict[str, str]:
    """Preselect the category whose page links here."""
    return {"category_id": request.query_params.get("category_id", "")}


def _is_same_text(typed: str, saved: str) -> bool:
    return typed.split() == saved.split()
