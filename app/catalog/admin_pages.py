"""/admin/services: the table, one service beside it, and what takes it out of the catalogue or brings it back."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.audit.history import History
from app.catalog import service_changes
from app.catalog.admin_repository import SORTS, STATES, Lists, Wanted
from app.catalog.change_repository import Catalogue
from app.catalog.labels import modes, terms
from app.catalog.repository import Services
from app.catalog.schemas import MODES
from app.core import clock
from app.core.cache import Cache
from app.core.errors import Refused
from app.core.i18n import _
from app.web.admin import desk
from app.web.forms import query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, swap, wants_fragment
from app.web.table import View, view

PATH = "/admin/services"
PANEL = "catalog/admin/_service.html"
TABS = ("", "prices", "bookings", "history")
# Counted anew after each new booking (app.discovery.invalidation, COUNTED) and after a minute at the latest.
BOOKED, BOOKED_KEPT = "counted:services", 60


class ServiceDesk(Controller):
    path = PATH
    opt = only("admin")

    @get(name="desk-services")
    async def index(
        self, request: Request, db: NamedDependency[AsyncSession], cache: NamedDependency[Cache]
    ) -> HtmlResponse:
        asked = table_view(request)
        return await desk(
            request, db, "catalog/admin/services.html", "catalog/admin/_services.html", **await _table(db, cache, asked)
        )

    @get("/{service_id:int}", name="desk-service")
    async def show(
        self,
        request: Request,
        service_id: FromPath[int],
        db: NamedDependency[AsyncSession],
        cache: NamedDependency[Cache],
    ) -> HtmlResponse:
        return await _drawn(request, db, cache, service_id)

    @get("/{service_id:int}/retirement", name="desk-service-retirement")
    async def ask_to_retire(
        self,
        request: Request,
        service_id: FromPath[int],
        db: NamedDependency[AsyncSession],
        cache: NamedDependency[Cache],
    ) -> HtmlResponse:
        return await _drawn(request, db, cache, service_id, asking="retirement")

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
        return await _done(request, db, cache, service_id, _("No longer offered. What is booked will be done."))

    @post("/{service_id:int}/return", name="desk-service-return")
    async def offer_again(
        self,
        request: Request,
        service_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        cache: NamedDependency[Cache],
    ) -> HtmlResponse:
        await service_changes.offer_again(db, me, service_id)
        return await _done(request, db, cache, service_id, _("Offered again, from now on."))

    @get("/{service_id:int}/removal", name="desk-service-removal")
    async def ask_to_remove(
        self,
        request: Request,
        service_id: FromPath[int],
        db: NamedDependency[AsyncSession],
        cache: NamedDependency[Cache],
    ) -> HtmlResponse:
        return await _drawn(request, db, cache, service_id, asking="removal")

    @post("/{service_id:int}/removal")
    async def remove(
        self,
        request: Request,
        service_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        cache: NamedDependency[Cache],
    ) -> HtmlResponse:
        try:
            await service_changes.remove(db, me, service_id)
        except Refused as refusal:
            return await _drawn(request, db, cache, service_id, status=409, asking="removal", refusal=refusal)
        flash(request, _("Deleted. Nobody had ever booked it."))
        return go(request, table_view(request).url())


def table_view(request: Request) -> View:
    return view(request, PATH, sorts=SORTS, default="name", filters=("state", "category", "mode"))


# How


async def _drawn(
    request: Request,
    db: AsyncSession,
    cache: Cache,
    service_id: int,
    *,
    status: int = 200,
    asking: str = "",
    refusal: Refused | None = None,
) -> HtmlResponse:
    """One service beside the table; for HTMX alone. `asking`: what waits to be confirmed."""
    asked = table_view(request)
    record = await _record(request, db, cache, service_id)
    around = {} if wants_fragment(request) else await _table(db, cache, asked)
    context = {"view": asked, **around, **record, "asking": asking, "refusal": refusal}
    return await desk(request, db, "catalog/admin/services.html", PANEL, status=status, **context)


async def _done(request: Request, db: AsyncSession, cache: Cache, service_id: int, words: str) -> HtmlResponse:
    """The panel and its row drawn anew, or the page with the words on top."""
    asked = table_view(request)
    if not wants_fragment(request):
        flash(request, words)
        return go(request, asked.record_url(service_id))
    record = await _record(request, db, cache, service_id)
    context = {"view": asked, **record, "asking": "", "refusal": None, "said": words}
    headers = {"hx-replace-url": asked.record_url(service_id)}
    return swap(request, "catalog/admin/service_changed.swap.html", headers=headers, **context)


async def _table(db: AsyncSession, cache: Cache, asked: View) -> dict[str, Any]:
    lists = Lists(db)
    wanted = Wanted(
        q=asked.q,
        state=_one_of(asked.chosen["state"], STATES),
        category=asked.chosen["category"],
        mode=_one_of(asked.chosen["mode"], MODES),
    )
    return {
        "view": asked,
        "page": await lists.listed(
            wanted, await _booked(db, cache), sort=asked.sort, descending=asked.descending, after=asked.after
        ),
        "counts": await lists.counts(wanted),
        "shelves": await lists.shelves(),
        "modes": modes(),
        "service": None,
    }


async def _record(request: Request, db: AsyncSession, cache: Cache, service_id: int) -> dict[str, Any]:
    """The panel's part of the page; only what the open tab shows is read."""
    catalogue, lists = Catalogue(db), Lists(db)
    service = await catalogue.service(service_id)
    tab = _one_of(query(request).get("tab", ""), TABS)
    return {
        "service": await Services(db).by_id(service.id),
        "row": await lists.row(service.id, await _booked(db, cache)),
        "around": await lists.around(service.id, clock.now()),
        "tab": tab,
        "words": await catalogue.draft_of_service(service),
        "languages": terms(),
        "prices": await lists.prices(service) if tab == "prices" else [],
        "open_bookings": await lists.open_bookings(service.id) if tab == "bookings" else [],
        "history": await History(db).of(service.subject) if tab == "history" else None,
        "modes": modes(),
    }


async def _booked(db: AsyncSession, cache: Cache) -> dict[int, int]:
    return await cache.get(BOOKED, BOOKED_KEPT, Lists(db).booked, dict[int, int])


def _one_of(text: str, choices: tuple[str, ...]) -> str:
    return text if text in choices else ""
