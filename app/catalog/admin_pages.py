"""/admin/services: the table of services and the panel of one service; retire, restore and delete a service."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.audit.history import History
from app.catalog import service_changes
from app.catalog.admin_repository import SORTS, STATES, CatalogueAdminQueries, ServiceFilters
from app.catalog.labels import mode_labels, term_language_labels
from app.catalog.repository import CatalogueRepository, ServiceRepository
from app.catalog.schemas import MODES
from app.catalog.service import MIN_LEAD_MINUTES
from app.catalog.service_usage import service_usage
from app.core import clock
from app.core.cache import Cache
from app.core.errors import Refused
from app.core.i18n import _
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, redirect, swap, wants_fragment
from app.web.table import TableView, table_view

PATH = "/admin/services"
PANEL_TEMPLATE = "catalog/admin/_service.html"
TABS = ("", "prices", "bookings", "history")
# Counted anew after each new booking (app.core.cache_tags.COUNTED) and after a minute at the latest.
BOOKING_COUNTS_CACHE_KEY, BOOKING_COUNTS_MAX_AGE_SECONDS = "counted:services", 60


class ServiceAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-services")
    async def index(
        self, request: Request, db: NamedDependency[AsyncSession], cache: NamedDependency[Cache]
    ) -> HtmlResponse:
        view = services_view(request)
        return await admin_page(
            request,
            db,
            "catalog/admin/services.html",
            "catalog/admin/_services.html",
            **await _table_context(db, cache, view),
        )

    @get("/{service_id:int}", name="admin-service")
    async def show(
        self,
        request: Request,
        service_id: FromPath[int],
        db: NamedDependency[AsyncSession],
        cache: NamedDependency[Cache],
    ) -> HtmlResponse:
        return await _render_panel(request, db, cache, service_id)

    @get("/{service_id:int}/retirement", name="admin-service-retirement")
    async def confirm_retirement(
        self,
        request: Request,
        service_id: FromPath[int],
        db: NamedDependency[AsyncSession],
        cache: NamedDependency[Cache],
    ) -> HtmlResponse:
        return await _render_panel(request, db, cache, service_id, confirming="retirement")

    @post("/{service_id:int}/retirement")
    async def retire(
        self,
        request: Request,
        service_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        cache: NamedDependency[Cache],
    ) -> HtmlResponse:
        await service_changes.retire(db, me, service_id)
        return await _render_changed(
            request, db, cache, service_id, _("Service retired. Existing bookings will go ahead.")
        )

    @post("/{service_id:int}/return", name="admin-service-return")
    async def restore(
        self,
        request: Request,
        service_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        cache: NamedDependency[Cache],
    ) -> HtmlResponse:
        await service_changes.restore(db, me, service_id)
        return await _render_changed(
            request, db, cache, service_id, _("Service restored. Customers can book it again.")
        )

    @get("/{service_id:int}/removal", name="admin-service-removal")
    async def confirm_removal(
        self,
        request: Request,
        service_id: FromPath[int],
        db: NamedDependency[AsyncSession],
        cache: NamedDependency[Cache],
    ) -> HtmlResponse:
        return await _render_panel(request, db, cache, service_id, confirming="removal")

    @post("/{service_id:int}/removal")
    async def remove(
        self,
        request: Request,
        service_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        cache: NamedDependency[Cache],
    ) -> HtmlResponse:
        return await submit(
            request,
            lambda: service_changes.remove(db, me, service_id),
            catch=(Refused,),
            on_error=lambda rejection: _render_panel(
                request, db, cache, service_id, confirming="removal", rejection=rejection
            ),
            message=_("Service deleted. It had no bookings."),
            then=services_view(request).url(),
        )


def services_view(request: Request) -> TableView:
    return table_view(request, PATH, sorts=SORTS, default="name", filters=("state", "category", "mode"))


async def _render_panel(
    request: Request,
    db: AsyncSession,
    cache: Cache,
    service_id: int,
    *,
    confirming: str = "",
    rejection: Rejection | None = None,
) -> HtmlResponse:
    """Render one service's panel, for plain requests with the table; `confirming` is the action to confirm."""
    view = services_view(request)
    record = await _record_context(request, db, cache, service_id)
    table = {} if wants_fragment(request) else await _table_context(db, cache, view)
    context = {
        "view": view,
        **table,
        **record,
        "confirming": confirming,
        "refusal": rejection.refusal if rejection else None,
    }
    status = rejection.status if rejection else 200
    return await admin_page(request, db, "catalog/admin/services.html", PANEL_TEMPLATE, status=status, **context)


async def _render_changed(
    request: Request, db: AsyncSession, cache: Cache, service_id: int, message: str
) -> HtmlResponse:
    """Swap in the changed panel and table row, or redirect with a flash message."""
    view = services_view(request)
    if not wants_fragment(request):
        flash(request, message)
        return redirect(request, view.record_url(service_id))
    record = await _record_context(request, db, cache, service_id)
    offered_by = {service_id: record["usage"].offered_by}
    context = {
        "view": view,
        **record,
        "offered_by": offered_by,
        "confirming": "",
        "refusal": None,
        "message": message,
    }
    headers = {"hx-replace-url": view.record_url(service_id)}
    return swap(request, "catalog/admin/service_changed.swap.html", headers=headers, **context)


async def _table_context(db: AsyncSession, cache: Cache, view: TableView) -> dict[str, Any]:
    queries = CatalogueAdminQueries(db)
    filters = ServiceFilters(
        q=view.q,
        state=_choice_or_empty(view.filters["state"], STATES),
        category=view.filters["category"],
        mode=_choice_or_empty(view.filters["mode"], MODES),
    )
    page = await queries.page(
        filters, await _booking_counts(db, cache), sort=view.sort, descending=view.descending, after=view.after
    )
    return {
        "view": view,
        "page": page,
        "offered_by": await service_usage(db).offered_by_counts([row.id for row in page.items]),
        "counts": await queries.counts(filters),
        "categories": await queries.categories(),
        "modes": mode_labels(),
        "service": None,
    }


async def _record_context(request: Request, db: AsyncSession, cache: Cache, service_id: int) -> dict[str, Any]:
    """Load what the panel shows; tabs that are closed are not loaded."""
    catalogue, queries = CatalogueRepository(db), CatalogueAdminQueries(db)
    service = await catalogue.service(service_id)
    tab = _choice_or_empty(parse_query(request).get("tab", ""), TABS)
    return {
        "service": await ServiceRepository(db).by_id(service.id),
        "row": await queries.table_row(service.id, await _booking_counts(db, cache)),
        "usage": await service_usage(db).counts(service.id, clock.now()),
        "tab": tab,
        "draft": await catalogue.service_draft(service),
        "languages": term_language_labels(),
        "prices": await queries.price_history(service) if tab == "prices" else [],
        "open_bookings": await service_usage(db).open_bookings(service.id) if tab == "bookings" else [],
        "history": await History(db).of(service.subject) if tab == "history" else None,
        "modes": mode_labels(),
        "min_lead_minutes": MIN_LEAD_MINUTES,
    }


async def _booking_counts(db: AsyncSession, cache: Cache) -> dict[int, int]:
    load = service_usage(db).booking_counts
    return await cache.get(BOOKING_COUNTS_CACHE_KEY, BOOKING_COUNTS_MAX_AGE_SECONDS, load, dict[int, int])


def _choice_or_empty(text: str, choices: tuple[str, ...]) -> str:
    return text if text in choices else ""
