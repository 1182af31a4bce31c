"""The public page of a professional."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import cache_tags
from app.discovery import invalidation
from app.discovery.labels import language_of
from app.discovery.repository import CatalogueQueries
from app.reviews.repository import Reviews
from app.web.forms import parse_query
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import page

REVIEWS_PAGE_SIZE = 10


class ProfessionalPages(Controller):
    opt = everyone()

    @get("/professionals/{person_id:int}")
    async def show(self, request: Request, person_id: FromPath[int], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        fields = parse_query(request)
        card = await CatalogueQueries(db).public_card(person_id)
        return page(
            request,
            "discovery/professional.html",
            max_age=invalidation.CATALOGUE_MAX_AGE_SECONDS,
            tags=(cache_tags.PROFESSIONALS, cache_tags.REVIEWS, cache_tags.CARDS),
            card=card,
            reviews=await Reviews(db).of_professional(person_id, fields.get("after"), REVIEWS_PAGE_SIZE),
            language_of=language_of,
        )
