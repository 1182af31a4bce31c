"""The page of a service: candidates, slots, what is included, reviews; and its slots as a fragment."""

from urllib.parse import urlencode

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.slot_picker import picker_days
from app.catalog.repository import ServiceDetails, ServiceRepository
from app.core import cache_tags
from app.discovery import invalidation
from app.discovery.availability import display_name, load_availability
from app.discovery.labels import language_of
from app.discovery.pages import customer_id, main_pincode, read_query_fields
from app.discovery.slot_selection import SlotSelection, read_slot_selection
from app.payments.shares import earning_of
from app.reviews.repository import Reviews
from app.web.forms import parse_query
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import page, wants_fragment

REVIEWS_SHOWN = 3
STARS = {str(n) for n in range(1, 6)}
REVIEWS_PAGE_SIZE = 20


class ServicePages(Controller):
    path = "/services/{slug:str}"
    opt = everyone()

    @get("/")
    async def show(
        self, request: Request, slug: FromPath[str], db: NamedDependency[AsyncSession], me: NamedDependency[Me | None]
    ) -> HtmlResponse:
        return await self._render_service(request, slug, db, me)

    @get("/slots")
    async def slots(
        self, request: Request, slug: FromPath[str], db: NamedDependency[AsyncSession], me: NamedDependency[Me | None]
    ) -> HtmlResponse:
        """Render the slots for HTMX and replace the URL by the selection; a plain browser gets the whole page."""
        return await self._render_service(request, slug, db, me, fragment="discovery/_slots.html")

    @get("/reviews")
    async def reviews(self, request: Request, slug: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        service, spread = await ServiceRepository(db).by_slug_with_stars(slug)
        query = parse_query(request)
        stars = int(query["stars"]) if query.get("stars") in STARS else None
        return page(
            request,
            "discovery/reviews.html",
            "discovery/_more_reviews.html",
            max_age=invalidation.CATALOGUE_MAX_AGE_SECONDS,
            tags=(cache_tags.REVIEWS, cache_tags.CARDS),
            service=service,
            spread=spread,
            stars=stars,
            reviews=await Reviews(db).of_service(service.id, query.get("after"), REVIEWS_PAGE_SIZE, stars=stars),
            language_of=language_of,
        )

    async def _render_service(
        self, request: Request, slug: FromPath[str], db: AsyncSession, me: Me | None, fragment: str | None = None
    ) -> HtmlResponse:
        max_age = invalidation.slots_max_age()
        service, spread = await ServiceRepository(db).by_slug_with_stars(slug)
        selection = await _slot_selection(request, service, db, me)
        availability = await load_availability(db, service, selection, customer_id=customer_id(me))
        is_fragment = fragment is not None and wants_fragment(request)
        reviews = None if is_fragment else await Reviews(db).of_service(service.id, limit=REVIEWS_SHOWN)
        return page(
            request,
            "discovery/service.html",
            fragment,
            status=422 if availability.errors else 200,
            max_age=max_age,
            tags=(cache_tags.SLOTS, cache_tags.CARDS, cache_tags.REVIEWS, cache_tags.PROFESSIONALS),
            headers={"hx-replace-url": _canonical_url(service, selection)} if is_fragment else None,
            service=service,
            selection=selection,
            availability=availability,
            more_professionals_url=_more_professionals_url(service, selection),
            days=picker_days(availability.days),
            display_name=display_name,
            earning=earning_of(service.price),
            language_of=language_of,
            spread=spread,
            reviews=reviews,
        )


async def _slot_selection(request: Request, service: ServiceDetails, db: AsyncSession, me: Me | None) -> SlotSelection:
    """Read the selection; the pincode defaults to the customer's main address."""
    fields, unreadable = read_query_fields(request)
    if not fields.get("pincode") and (home := await main_pincode(db, me)):
        fields["pincode"] = home
    return read_slot_selection(fields, service, unreadable)


def _more_professionals_url(service: ServiceDetails, selection: SlotSelection) -> str:
    params = {
        "pincode": selection.pincode,
        "professional": selection.professional_id or "",
        "day": selection.day.isoformat(),
        "start": selection.start,
        "pages": selection.pages + 1,
    }
    query = urlencode({name: value for name, value in params.items() if value})
    return f"/services/{service.slug}?{query}#more-professionals"


def _canonical_url(service: ServiceDetails, selection: SlotSelection) -> str:
    params = {"pincode": selection.pincode, "professional": selection.professional_id or ""}
    return f"/services/{service.slug}?{urlencode({name: value for name, value in params.items() if value})}"
