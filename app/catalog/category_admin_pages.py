"""/admin/services/categories: the doors of the home page, made, changed, moved, taken out and brought back."""

from collections.abc import Mapping

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.audit.history import History
from app.catalog import category_changes
from app.catalog.admin_repository import Lists
from app.catalog.change_repository import Catalogue
from app.catalog.labels import drawings, parts_of_category
from app.catalog.schemas import as_typed, read_category, told
from app.catalog.service import Category
from app.catalog.service_changes import ChangedMeanwhile
from app.catalog.service_form_admin_pages import merged, told_of
from app.core.errors import Invalid, Refused
from app.core.i18n import _
from app.core.references import reference, row_number
from app.web.admin import desk
from app.web.forms import form, read_by, shown_again
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go

PATH = "/admin/services/categories"
FORM = "catalog/admin/_category_form.html"


class CategoryDesk(Controller):
    path = PATH
    opt = only("admin")

    @get(name="desk-categories")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        found = await Lists(db).shelves()
        return await desk(request, db, "catalog/admin/categories.html", "catalog/admin/_categories.html", shelves=found)

    @get("/new", name="desk-new-category")
    async def new(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        last = len(await Catalogue(db).doors()) + 1
        values = {"position": str(last), "drawing": "help", "idempotency_key": reference() + reference()}
        return await _drawn(request, db, None, values)

    @post("/new")
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            category = await category_changes.create(
                db, me, read_by(read_category, sent), sent.get("idempotency_key", "")
            )
        except Invalid as error:
            return await _drawn(request, db, None, shown_again(sent), errors=error.errors, status=422)
        flash(request, _("“%(name)s” has a door on the home page now.", name=category.name))
        return go(request, PATH)

    @get("/{category_id:int}", name="desk-category")
    async def show(
        self, request: Request, category_id: FromPath[int], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        catalogue = Catalogue(db)
        category = await catalogue.category(category_id)
        values = as_typed(told(await catalogue.draft_of_category(category))) | {"seen": str(category.event_count)}
        return await _drawn(request, db, category, values)

    @post("/{category_id:int}")
    async def update(
        self, request: Request, category_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        category = await Catalogue(db).category(category_id)
        seen = row_number(sent.get("seen", "")) or 0
        try:
            await category_changes.edit(db, me, category_id, read_by(read_category, sent), seen)
        except Invalid as error:
            return await _drawn(request, db, category, shown_again(sent), errors=error.errors, status=422)
        except ChangedMeanwhile as news:
            return await _drawn(request, db, category, merged(shown_again(sent), news), refusal=news, status=409)
        flash(request, _("Saved."))
        return go(request, PATH)

    @get("/{category_id:int}/retirement", name="desk-category-retirement")
    async def ask_to_retire(
        self, request: Request, category_id: FromPath[int], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _asking(request, db, category_id)

    @post("/{category_id:int}/retirement")
    async def retire(
        self, request: Request, category_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        try:
            category = await category_changes.retire(db, me, category_id)
        except Refused as refusal:
            return await _asking(request, db, category_id, refusal)
        flash(request, _("“%(name)s” has no door any more.", name=category.name))
        return go(request, PATH)

    @post("/{category_id:int}/return", name="desk-category-return")
    async def offer_again(
        self, request: Request, category_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        category = await category_changes.offer_again(db, me, category_id)
        flash(request, _("“%(name)s” has its door again. Its services come back one by one.", name=category.name))
        return go(request, PATH)

    @post("/{category_id:int}/removal", name="desk-category-removal")
    async def remove(
        self, request: Request, category_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        try:
            await category_changes.remove(db, me, category_id)
        except Refused as refusal:
            return await _asking(request, db, category_id, refusal)
        flash(request, _("Deleted. Nothing stood in it."))
        return go(request, PATH)


# How


async def _drawn(
    request: Request,
    db: AsyncSession,
    category: Category | None,
    values: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    refusal: Refused | None = None,
    status: int = 200,
) -> HtmlResponse:
    labels = parts_of_category()
    services, offered = await Catalogue(db).shelf(category.id) if category else (0, 0)
    return await desk(
        request,
        db,
        "catalog/admin/category_form.html",
        FORM,
        status=status,
        record=category,
        values=values,
        errors=dict(errors or {}),
        refusal=refusal,
        news=told_of(refusal.news, labels, {}) if isinstance(refusal, ChangedMeanwhile) else [],
        labels=labels,
        drawings=drawings(),
        services=services,
        offered=offered,
        history=await History(db).of(category.subject) if category else None,
    )


async def _asking(request: Request, db: AsyncSession, category_id: int, refusal: Refused | None = None) -> HtmlResponse:
    """What will happen, and one button."""
    category = await Catalogue(db).category(category_id)
    services, offered = await Catalogue(db).shelf(category.id)
    return await desk(
        request,
        db,
        "catalog/admin/category_retirement.html",
        status=409 if refusal else 200,
        category=category,
        services=services,
        offered=offered,
        refusal=refusal,
    )
