"""/admin/reviews: reviews by stars, service, pincode and person; whether the review of a flagged booking counts."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.moves import Flag
from app.core.i18n import N_, _
from app.dispatch.admin_pages import describe_filters
from app.dispatch.repository import AdminBookings
from app.reviews.admin_repository import FILTERS, SORTS, ReviewList
from app.reviews.moderation_repository import ModeratedReviews
from app.reviews.submission import decide_flag
from app.web.admin import admin_page
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, redirect
from app.web.table import table_view
from app.web.validation import validate_form

PATH = "/admin/reviews"
MAX_LISTED = 50  # reported and hidden reviews on the page


class ReviewAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-reviews")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        params, bookings = table_view(request, PATH, sorts=SORTS, default="-starts", filters=FILTERS), AdminBookings(db)
        reviews, moderated = ReviewList(db), ModeratedReviews(db)
        state = params.filters["state"]
        is_first = not (params.filtered or params.after)
        filter_labels = await describe_filters(bookings, {**params.filters, "rating": "", "state": ""})
        return await admin_page(
            request,
            db,
            "reviews/admin/reviews.html",
            "reviews/admin/_reviews.html",
            view=params,
            page=await reviews.listed(params.filters, descending=params.descending, after=params.after),
            counts=await reviews.counts(params.filters),
            categories=await bookings.categories(),
            state=state,
            reported=await moderated.reported(MAX_LISTED) if is_first or state == "reported" else [],
            hidden=await moderated.hidden(MAX_LISTED) if state == "hidden" else [],
            report_counts=await moderated.counts(),
            filter_labels=filter_labels,
        )


class FlagForm(Struct, kw_only=True):
    counts: Annotated[str, Meta(pattern="^(yes|no)$", extra={"error": N_("Choose whether the review counts.")})]


class FlagAdminPages(Controller):
    path = "/admin/bookings/{ref:str}/flag"
    opt = only("admin")

    @post(name="admin-flag")
    async def update(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        counts = validate_form(FlagForm, await parse_form(request)).counts == "yes"
        booking = await decide_flag(db, me, ref, Flag.COUNTS if counts else Flag.EXCLUDED)
        flash(request, _("Saved: the review counts.") if counts else _("Saved: the review doesn't count."))
        return redirect(request, f"/admin/bookings/{booking.reference}")
