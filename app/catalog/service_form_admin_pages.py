"""The form of a service, new or changed, with what customers will see of it before it is saved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.catalog import service_changes
from app.catalog.admin_pages import PATH, table_view
from app.catalog.admin_repository import Lists
from app.catalog.change_repository import Catalogue
from app.catalog.labels import modes, parts_of_service, said
from app.catalog.repository import Door
from app.catalog.schemas import as_typed, read_service, told
from app.catalog.service import Category, Service
from app.catalog.service_changes import ChangedMeanwhile, Meanwhile
from app.core.errors import Invalid, Refused
from app.core.i18n import _
from app.core.references import reference, row_number
from app.web.admin import desk
from app.web.forms import form, read_by, shown_again
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, wants_fragment

FORM = "catalog/admin/_service_form.html"
USUAL = {"mode": "instant", "minutes": "60", "notice_minutes": "120", "horizon_days": "7"}


@dataclass(frozen=True, slots=True)
class Stars:
    """The rating that it has by now."""

    mean: float = 0.0
    count: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """As customers will see it."""

    name: str
    description: str
    included: list[str]
    excluded: list[str]
    price: int
    minutes: int
    category: Door


class ServiceForms(Controller):
    path = PATH
    opt = only("admin")

    @get("/new", name="desk-new-service")
    async def new(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        values = USUAL | {"idempotency_key": reference() + reference()}
        return await _drawn(request, db, None, values | _chosen_category(request))

    @post("/new")
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            service = await service_changes.create(db, me, read_by(read_service, sent), sent.get("idempotency_key", ""))
        except Invalid as error:
            return await _drawn(request, db, None, shown_again(sent), errors=error.errors, status=422)
        flash(request, _("In the catalogue. Customers see it from now on, where somebody does it."))
        return go(request, table_view(request).record_url(service.id))

    @post("/preview", name="desk-service-preview")
    async def preview(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        """Nothing is kept. For HTMX the preview alone; for a plain browser the form with the preview beside it."""
        sent = await form(request)
        known = row_number(sent.get("service", ""))
        service = await Catalogue(db).service(known) if known else None
        errors: Mapping[str, str] = {}
        try:
            read_by(read_service, sent)
        except Invalid as error:
            errors = error.errors
        alone = "catalog/admin/_preview.html"
        status = 422 if errors and not wants_fragment(request) else 200
        return await _drawn(request, db, service, shown_again(sent), errors=errors, status=status, fragment=alone)

    @get("/{service_id:int}/edit", name="desk-edit-service")
    async def edit(
        self, request: Request, service_id: FromPath[int], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        catalogue = Catalogue(db)
        service = await catalogue.service(service_id)
        values = as_typed(told(await catalogue.draft_of_service(service))) | {"seen": str(service.event_count)}
        return await _drawn(request, db, service, values)

    @post("/{service_id:int}/edit")
    async def update(
        self, request: Request, service_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        service = await Catalogue(db).service(service_id)
        seen = row_number(sent.get("seen", "")) or 0
        try:
            await service_changes.edit(db, me, service_id, read_by(read_service, sent), seen)
        except Invalid as error:
            return await _drawn(request, db, service, shown_again(sent), errors=error.errors, status=422)
        except ChangedMeanwhile as news:
            values = merged(shown_again(sent), news)
            return await _drawn(request, db, service, values, refusal=news, status=409)
        flash(request, _("Saved. New bookings go by it; what is booked stays as it was agreed."))
        return go(request, table_view(request).record_url(service_id))


def merged(typed: Mapping[str, str], news: ChangedMeanwhile) -> dict[str, str]:
    """What was typed stays; a field that only the others changed takes theirs."""
    before = as_typed({one.field: one.was for one in news.news})
    now = as_typed({one.field: one.now for one in news.news})
    theirs = {field: now[field] for field in now if _same(typed.get(field, ""), before[field])}
    return {**typed, **theirs, "seen": str(news.seen)}


def told_of(news: list[Meanwhile], labels: Mapping[str, str], categories: Mapping[int, str]) -> list[dict[str, str]]:
    """Each in words: what, by whom, from what to what."""
    return [
        {
            "field": one.field,
            "label": labels[one.field],
            "who": one.who or _("Somebody"),
            "was": said(one.field, one.was, categories),
            "now": said(one.field, one.now, categories),
        }
        for one in news
    ]


# How


async def _drawn(
    request: Request,
    db: AsyncSession,
    service: Service | None,
    values: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    refusal: Refused | None = None,
    status: int = 200,
    fragment: str = FORM,
) -> HtmlResponse:
    """The form with everything that was typed, and the preview of it as far as it can be drawn."""
    catalogue = Catalogue(db)
    doors = await catalogue.doors()
    names = {door.id: door.name for door in doors}
    labels = parts_of_service()
    stars = await Lists(db).stars(service.id) if service else (0.0, 0)
    return await desk(
        request,
        db,
        "catalog/admin/service_form.html",
        fragment,
        status=status,
        view=table_view(request),
        record=service,
        values=values,
        errors=dict(errors or {}),
        refusal=refusal,
        news=told_of(refusal.news, labels, names) if isinstance(refusal, ChangedMeanwhile) else [],
        labels=labels,
        doors=[door for door in doors if door.retired_at is None or (service and service.category_id == door.id)],
        modes=modes(),
        preview=_seen(values, doors),
        spread=Stars(*stars),
    )


def _seen(values: Mapping[str, str], doors: Any) -> Seen | None:
    """None while something of it cannot be read yet."""
    try:
        draft = read_service(values)
    except Invalid:
        return None
    door: Category | None = next((door for door in doors if door.id == draft.category_id), None)
    if door is None:
        return None
    category = Door(door.slug, door.name, door.short_name, door.drawing)
    lines = list(draft.included), list(draft.excluded)
    return Seen(draft.name, draft.description, *lines, draft.price, draft.minutes, category)


def _chosen_category(request: Request) -> dict[str, str]:
    """From a category's page one begins with that category."""
    return {"category_id": request.query_params.get("category_id", "")}


def _same(typed: str, kept: str) -> bool:
    return typed.split() == kept.split()
