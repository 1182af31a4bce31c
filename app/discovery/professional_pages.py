"""A professional's public card."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.discovery import invalidation as stale
from app.discovery.labels import language_of
from app.discovery.repository import Looking
from app.reviews.repository import Reviews
from app.web.forms import query
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import page

REVIEWS_A_PAGE = 10


class ProfessionalPages(Controller):
    opt = everyone()

    @get("/professionals/{person_id:int}")
    async def show(self, request: Request, person_id: FromPath[int], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        fields = query(request)
        card = await Looking(db).professional(person_id)
        return page(
            request,
            "discovery/professional.html",
            keep_for=stale.WORDS_KEPT,
            under=(stale.PEOPLE, stale.REVIEWS, stale.CARDS),
            card=card,
            reviews=await Reviews(db).of_professional(person_id, fields.get("after"), REVIEWS_A_PAGE),
            language_of=language_of,
        )
