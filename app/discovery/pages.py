"""The front of the house: home, results, and the pages to read."""

from collections.abc import Mapping

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Addresses
from app.core import clock
from app.core.cache import Cache
from app.core.errors import Invalid
from app.discovery import invalidation as stale
from app.discovery.home import front
from app.discovery.labels import count_of_services, sorts
from app.discovery.results import Asked, Search
from app.discovery.service_list import SORTS, Filters
from app.discovery.unmet_search_counter import Wanted
from app.web.forms import Form, query
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import page, wants_fragment

LONGEST = 200


class HomePages(Controller):
    opt = everyone()

    @get("/")
    async def show(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        cache: NamedDependency[Cache],
        me: NamedDependency[Me | None],
    ) -> HtmlResponse:
        shown = await front(db, cache, await main_pincode(db, me))
        return page(
            request,
            "discovery/home.html",
            keep_for=seconds_kept(),
            under=(stale.TIMES, stale.CARDS, stale.BOOKED),
            front=shown,
        )


class ResultPages(Controller):
    opt = everyone()

    @get("/services")
    async def index(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        cache: NamedDependency[Cache],
        me: NamedDependency[Me | None],
        wanted: NamedDependency[Wanted],
    ) -> HtmlResponse:
        asked = read_asked(request)
        results = await Search(db, cache).results(asked)
        if results.unmet and results.where is not None and (results.known or not wants_fragment(request)):
            # Half a word, typed and looked for on the way, means nothing and counts as nothing.
            wanted.met_nobody(results.where.pincode, results.sought, asked.filters.category)
        return page(
            request,
            "discovery/results.html",
            "discovery/results.swap.html",
            status=422 if results.errors else 200,
            keep_for=0 if results.unmet else seconds_kept(),
            under=(stale.TIMES, stale.CARDS),
            results=results,
            counted=count_of_services(results.count),
            sorts=sorts(),
        )


class ReadingPages(Controller):
    """Nothing here depends on anybody or on anything stored."""

    opt = everyone()

    @get(["/about", "/help", "/privacy", "/terms"])
    async def show(self, request: Request) -> HtmlResponse:
        name = request.scope["path"].strip("/")
        return page(request, f"discovery/{name}.html", keep_for=stale.SOUGHT_KEPT)


async def main_pincode(db: AsyncSession, me: Me | None) -> str | None:
    """Where a signed-in customer lives."""
    if me is None or me.role != "customer":
        return None
    address = await Addresses(db, me.id).main()
    return address.pincode if address else None


def seconds_kept() -> float:
    """Until the next minute at most: with each minute another start may come too near (notice)."""
    now = clock.now()
    return min(stale.TIMES_KEPT, 60 - now.second - now.microsecond / 1e6)


def read_asked(request: Request) -> Asked:
    """The address of a list of results. What cannot be read is told beside its field, the rest is kept."""
    fields, errors = told(request)
    sort = fields.get("sort", "")
    return Asked(
        q=" ".join(fields.get("q", "").split())[:LONGEST],
        pincode=fields.get("pincode", "").strip()[:LONGEST],
        sort=sort if sort in SORTS else "best",
        filters=_filters(fields),
        after=fields.get("after") or None,
        errors=errors,
    )


def told(request: Request) -> tuple[Form, dict[str, str]]:
    """The address's fields, and the errors of those that cannot be read."""
    try:
        fields = query(request)
        return fields, dict(fields.unreadable)
    except Invalid as error:
        return Form((name, str(value)) for name, value in error.values.items()), dict(error.errors)


def _filters(fields: Mapping[str, str]) -> Filters:
    """A price in rupees and a rating from a list: anything else means no limit."""
    price, rating = fields.get("max_price", ""), fields.get("min_rating", "")
    return Filters(
        category=fields.get("category", "")[:100],
        max_price=int(price) * 100 if price.isascii() and price.isdigit() and len(price) < 9 else None,
        min_rating=float(rating) if rating in ("4", "4.5") else None,
    )
