"""The home page, the search results, and the static pages."""

from collections.abc import Mapping

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core import cache_tags
from app.core.cache import Cache
from app.core.encryption import Encryption
from app.core.errors import Invalid
from app.discovery import invalidation
from app.discovery.home import load_customer_home, load_home
from app.discovery.labels import count_of_services, sorts
from app.discovery.repository import CatalogueQueries
from app.discovery.results import SearchQuery, ServiceSearch
from app.discovery.service_list import SORTS, ServiceFilters
from app.discovery.unmet_searches import UnmetSearchCounter
from app.web.forms import Form, parse_query
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import page, wants_fragment

MAX_QUERY_LENGTH = 200


class HomePages(Controller):
    opt = everyone()

    @get("/")
    async def show(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        cache: NamedDependency[Cache],
        me: NamedDependency[Me | None],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        """The visitors' page; customers who have booked see their next visit first. Its fragment is what is theirs."""
        max_age = invalidation.slots_max_age()
        is_customer = me is not None and me.role == "customer"
        home = await (
            load_customer_home(db, cache, encryption, me, me.name) if me and is_customer else load_home(db, cache)
        )
        return page(
            request,
            "discovery/home.html",
            "discovery/_own.html" if home.own else None,
            max_age=max_age,
            tags=(cache_tags.SLOTS, cache_tags.CARDS, cache_tags.MOST_BOOKED),
            home=home,
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
        unmet_searches: NamedDependency[UnmetSearchCounter],
    ) -> HtmlResponse:
        query, max_age = read_search_query(request), invalidation.slots_max_age()
        results = await ServiceSearch(db, cache, customer_id(me)).find(query)
        if results.is_unmet and results.area is not None and (results.is_understood or not wants_fragment(request)):
            # A half-typed word searched for while typing does not count.
            unmet_searches.record(results.area.pincode, results.service_id, query.filters.category)
        return page(
            request,
            "discovery/results.html",
            "discovery/_more.html" if query.after else "discovery/results.swap.html",
            status=422 if results.errors else 200,
            max_age=0 if results.is_unmet else max_age,
            tags=(cache_tags.SLOTS, cache_tags.CARDS),
            results=results,
            counted=count_of_services(results.count),
            sorts=sorts(),
        )


class StaticPages(Controller):
    """Static pages."""

    opt = everyone()

    @get(["/about", "/privacy", "/terms"])
    async def show(self, request: Request) -> HtmlResponse:
        name = request.scope["path"].strip("/")
        return page(request, f"discovery/{name}.html", max_age=invalidation.SEARCH_MAX_AGE_SECONDS)


def customer_id(me: Me | None) -> int | None:
    """The id of a signed-in customer; None for visitors and other roles, who see all professionals."""
    return me.id if me is not None and me.role == "customer" else None


async def main_pincode(db: AsyncSession, me: Me | None) -> str | None:
    """Return the pincode of a signed-in customer's main address."""
    if me is None or me.role != "customer":
        return None
    area = await CatalogueQueries(db).main_area(me.id)
    return area.pincode if area else None


def read_search_query(request: Request) -> SearchQuery:
    """Read the query of the results page; unreadable fields become errors."""
    fields, errors = read_query_fields(request)
    sort = fields.get("sort", "")
    return SearchQuery(
        q=" ".join(fields.get("q", "").split())[:MAX_QUERY_LENGTH],
        pincode=fields.get("pincode", "").strip()[:MAX_QUERY_LENGTH],
        sort=sort if sort in SORTS else "best",
        filters=_filters(fields),
        after=fields.get("after") or None,
        errors=errors,
    )


def read_query_fields(request: Request) -> tuple[Form, dict[str, str]]:
    """Return the query's fields, and the errors of those that cannot be read."""
    try:
        fields = parse_query(request)
        return fields, dict(fields.unreadable)
    except Invalid as error:
        return Form((name, str(value)) for name, value in error.values.items()), dict(error.errors)


def _filters(fields: Mapping[str, str]) -> ServiceFilters:
    """Read the filters: a price in rupees, a rating from the list; anything else means no limit."""
    price, rating = fields.get("max_price", ""), fields.get("min_rating", "")
    return ServiceFilters(
        category=fields.get("category", "")[:100],
        max_price=int(price) * 100 if price.isascii() and price.isdigit() and len(price) < 9 else None,
        min_rating=float(rating) if rating in ("4", "4.5") else None,
    )
