"""/admin/reviews: what customers said, by stars, service, place and person."""

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.dispatch.admin_pages import filters_in_words
from app.dispatch.repository import Desk
from app.reviews.admin_repository import FILTERS, SORTS, ReviewList
from app.web.admin import desk
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.table import view

PATH = "/admin/reviews"


class ReviewDesk(Controller):
    path = PATH
    opt = only("admin")

    @get(name="desk-reviews")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        asked, lists = view(request, PATH, sorts=SORTS, default="-starts", filters=FILTERS), Desk(db)
        reviews = ReviewList(db)
        told = await filters_in_words(lists, {**asked.chosen, "rating": ""})
        return await desk(
            request,
            db,
            "reviews/admin/reviews.html",
            "reviews/admin/_reviews.html",
            view=asked,
            page=await reviews.listed(asked.chosen, descending=asked.descending, after=asked.after),
            counts=await reviews.counts(asked.chosen),
            categories=await lists.categories(),
            told=told,
        )
