"""/admin/services/categories: list, create, change, retire, restore and delete categories."""

from collections.abc import Mapping

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.audit.history import History
from app.catalog import category_changes
from app.catalog.admin_repository import CatalogueAdminQueries
from app.catalog.labels import category_field_labels, drawing_labels
from app.catalog.repository import CatalogueRepository
from app.catalog.schemas import draft_facts, form_values, read_category
from app.catalog.service import Category
from app.catalog.service_changes import EditConflict
from app.catalog.service_form_admin_pages import describe_conflicts, merge_conflicts
from app.core.errors import Invalid, Refused
from app.core.i18n import _
from app.core.references import new_reference, parse_row_id
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, redirect
from app.web.validation import validate_with

PATH = "/admin/services/categories"
FORM_TEMPLATE = "catalog/admin/_category_form.html"


class CategoryAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-categories")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        categories = await CatalogueAdminQueries(db).categories()
        return await admin_page(
            request, db, "catalog/admin/categories.html", "catalog/admin/_categories.html", categories=categories
        )

    @get("/new", name="admin-new-category")
    async def new(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        last = len(await CatalogueRepository(db).categories()) + 1
        values = {"position": str(last), "drawing": "help", "idempotency_key": new_reference() + new_reference()}
        return await _render_form(request, db, None, values)

    @post("/new")
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def create() -> Category:
            draft = validate_with(read_category, form)
            return await category_changes.create(db, me, draft, form.get("idempotency_key", ""))

        return await submit(
            request,
            create,
            form=form,
            catch=(Invalid,),
            on_error=lambda rejection: _render_form(request, db, None, rejection.values, rejection),
            message=lambda category: _("“%(name)s” is now on the home page.", name=category.name),
            then=PATH,
        )

    @get("/{category_id:int}", name="admin-category")
    async def show(
        self, request: Request, category_id: FromPath[int], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        catalogue = CatalogueRepository(db)
        category = await catalogue.category(category_id)
        values = form_values(draft_facts(await catalogue.category_draft(category))) | {
            "seen": str(category.event_count)
        }
        return await _render_form(request, db, category, values)

    @post("/{category_id:int}")
    async def update(
        self, request: Request, category_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        category = await CatalogueRepository(db).category(category_id)
        version = parse_row_id(form.get("seen", "")) or 0

        async def edit() -> Category:
            return await category_changes.edit(db, me, category_id, validate_with(read_category, form), version)

        return await submit(
            request,
            edit,
            form=form,
            catch=(Invalid, EditConflict),
            on_error=lambda rejection: _render_form(
                request, db, category, merge_conflicts(rejection.values, rejection.error), rejection
            ),
            message=_("Saved."),
            then=PATH,
        )

    @get("/{category_id:int}/retirement", name="admin-category-retirement")
    async def confirm_retirement(
        self, request: Request, category_id: FromPath[int], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _render_confirmation(request, db, category_id)

    @post("/{category_id:int}/retirement")
    async def retire(
        self, request: Request, category_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await submit(
            request,
            lambda: category_changes.retire(db, me, category_id),
            catch=(Refused,),
            on_error=lambda rejection: _render_confirmation(request, db, category_id, rejection),
            message=lambda category: _("“%(name)s” is no longer on the home page.", name=category.name),
            then=PATH,
        )

    @post("/{category_id:int}/return", name="admin-category-return")
    async def restore(
        self, request: Request, category_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        category = await category_changes.restore(db, me, category_id)
        flash(request, _("“%(name)s” is back on the home page. Restore its services one by one.", name=category.name))
        return redirect(request, PATH)

    @post("/{category_id:int}/removal", name="admin-category-removal")
    async def remove(
        self, request: Request, category_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await submit(
            request,
            lambda: category_changes.remove(db, me, category_id),
            catch=(Refused,),
            on_error=lambda rejection: _render_confirmation(request, db, category_id, rejection),
            message=_("Category deleted. It had no services."),
            then=PATH,
        )


async def _render_form(
    request: Request,
    db: AsyncSession,
    category: Category | None,
    values: Mapping[str, str],
    rejection: Rejection | None = None,
) -> HtmlResponse:
    labels = category_field_labels()
    services, offered = await CatalogueRepository(db).service_counts(category.id) if category else (0, 0)
    return await admin_page(
        request,
        db,
        "catalog/admin/category_form.html",
        FORM_TEMPLATE,
        status=rejection.status if rejection else 200,
        record=category,
        values=values,
        errors=rejection.errors if rejection else {},
        refusal=rejection.refusal if rejection else None,
        conflicts=describe_conflicts(rejection.error if rejection else None, labels, {}),
        labels=labels,
        drawings=drawing_labels(),
        services=services,
        offered=offered,
        history=await History(db).of(category.subject) if category else None,
    )


async def _render_confirmation(
    request: Request, db: AsyncSession, category_id: int, rejection: Rejection | None = None
) -> HtmlResponse:
    """Render what retiring the category means, with one button."""
    category = await CatalogueRepository(db).category(category_id)
    services, offered = await CatalogueRepository(db).service_counts(category.id)
    return await admin_page(
        request,
        db,
        "catalog/admin/category_retirement.html",
        status=rejection.status if rejection else 200,
        category=category,
        services=services,
        offered=offered,
        refusal=rejection.refusal if rejection else None,
    )
