"""The public page of a professional."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.languages import language_labels
from app.catalog.repository import ServiceRepository
from app.core import cache_tags, clock
from app.core.i18n import _, ngettext
from app.core.storage import Storage
from app.discovery import invalidation
from app.discovery.labels import language_of
from app.discovery.pages import customer_id, main_pincode
from app.discovery.repository import CardService, CatalogueQueries, PublicCard
from app.favourites.repository import load_choices
from app.reviews.repository import Reviews
from app.scheduling.slot_search import next_starts
from app.vetting.repository import Documents
from app.web.forms import parse_query
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import page

REVIEWS_PAGE_SIZE = 10
PHOTO_HEADERS = {
    "cache-control": "public, max-age=300",
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
}
MAX_AREAS_NAMED = 3
POST_OFFICE_WORDS = {"mdo", "ho", "so", "po", "bo", "gpo", "ndtso"}


@dataclass(frozen=True, slots=True)
class NextOffer:
    """The professional's most reviewed service where the reader lives, and the first free start within a week."""

    service: CardService
    pincode: str
    start: datetime | None


class ProfessionalPages(Controller):
    opt = everyone()

    @get("/professionals/{person_id:int}")
    async def show(
        self,
        request: Request,
        person_id: FromPath[int],
        db: NamedDependency[AsyncSession],
        me: NamedDependency[Me | None],
    ) -> HtmlResponse:
        fields, max_age = parse_query(request), invalidation.slots_max_age()
        card = await CatalogueQueries(db).public_card(person_id)
        return page(
            request,
            "discovery/professional.html",
            max_age=max_age,
            tags=(cache_tags.PROFESSIONALS, cache_tags.REVIEWS, cache_tags.CARDS, cache_tags.SLOTS),
            card=card,
            offer=await _next_offer(db, card, await main_pincode(db, me), customer_id(me)),
            choices=await load_choices(db, me.id, person_id) if me and me.role == "customer" else None,
            areas=areas_text(card.areas),
            languages=[label for code, label in language_labels().items() if code in card.languages],
            reviews=await Reviews(db).of_professional(person_id, fields.get("after"), REVIEWS_PAGE_SIZE),
            language_of=language_of,
        )

    @get("/professionals/{person_id:int}/photo", name="professional-photo")
    async def photo(
        self, person_id: FromPath[int], db: NamedDependency[AsyncSession], storage: NamedDependency[Storage]
    ) -> HtmlResponse:
        """The photo that an admin has checked; nothing before, and nothing once it is replaced or removed."""
        stored_as = await Documents(db).public_photo(person_id)
        return Response(await storage.read(stored_as), media_type="image/jpeg", headers=PHOTO_HEADERS)


def areas_text(places: Sequence[str]) -> str:
    """Adyar, Besant Nagar and 66 more: two places, or all three; names without the words of post offices."""
    names = list(dict.fromkeys(map(_place_name, places)))
    if len(names) <= MAX_AREAS_NAMED:
        return ", ".join(names)
    rest = ngettext("%(num)s more", "%(num)s more", len(names) - 2)
    return _("%(first)s, %(second)s and %(rest)s", first=names[0], second=names[1], rest=rest)


def _place_name(place: str) -> str:
    words = [word for word in place.split() if word.strip(".").casefold() not in POST_OFFICE_WORDS]
    name = " ".join(words) or place
    return name.title() if name.isupper() else name


async def _next_offer(
    db: AsyncSession, card: PublicCard, pincode: str | None, customer_id: int | None
) -> NextOffer | None:
    """Where the reader lives if the professional comes there, else where the professional does."""
    if card.has_left or not card.services:
        return None
    offered = card.services[0]
    service = await ServiceRepository(db).by_slug(offered.slug)
    for where in dict.fromkeys((pincode or card.home_pincode, card.home_pincode)):
        starts = await next_starts(
            db, service, where, clock.now(), customer_id=customer_id, professional_id=card.id, limit=1
        )
        if starts:
            return NextOffer(offered, where, starts[0])
    return NextOffer(offered, pincode or card.home_pincode, None)
