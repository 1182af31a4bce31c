"""/admin/reviews: reviews by stars, service, pincode and person."""

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.dispatch.admin_pages import describe_filters
from app.dispatch.repository import AdminBookings
from app.reviews.admin_repository import FILTERS, SORTS, ReviewList
from app.web.admin import admin_page
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.table import table_view

PATH = "/admin/reviews"


class ReviewAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-reviews")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        params, bookings = table_view(request, PATH, sorts=SORTS, default="-starts", filters=FILTERS), AdminBookings(db)
        reviews = ReviewList(db)
        filter_labels = await describe_filters(bookings, {**params.filters, "rating": ""})
        return await admin_page(
            request,
            db,
            "reviews/admin/reviews.html",
            "reviews/admin/_reviews.html",
            view=params,
            page=await reviews.listed(params.filters, descending=params.descending, after=params.after),
            counts=await reviews.counts(params.filters),
            categories=await bookings.categories(),
            filter_labels=filter_labels,
        )
