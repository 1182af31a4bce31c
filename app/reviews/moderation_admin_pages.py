"""/admin/reviews/{id}: one review with its reports, hidden or shown with a reason (W31)."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.i18n import _
from app.reviews.moderation import hide_review, show_review
from app.reviews.moderation_repository import ModeratedReviews
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.validation import typed_text


class ReviewModerationAdminPages(Controller):
    path = "/admin/reviews/{review_id:int}"
    opt = only("admin")

    @get(name="admin-review")
    async def show(self, request: Request, review_id: FromPath[int], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render(request, db, review_id)

    @post("/hide", name="admin-review-hide")
    async def hide(
        self, request: Request, review_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        await ModeratedReviews(db).row(review_id)
        return await submit(
            request,
            lambda: hide_review(db, me, review_id, typed_text(form, "reason")),
            form=form,
            on_error=lambda rejection: _render(request, db, review_id, rejection),
            then=f"/admin/reviews/{review_id}",
            message=_("The review is hidden. Its author reads your reason."),
        )

    @post("/show", name="admin-review-show")
    async def show_again(
        self, request: Request, review_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        await ModeratedReviews(db).row(review_id)
        return await submit(
            request,
            lambda: show_review(db, me, review_id, typed_text(form, "reason")),
            form=form,
            on_error=lambda rejection: _render(request, db, review_id, rejection),
            then=f"/admin/reviews/{review_id}",
            message=lambda was_hidden: (
                _("The review is public again.")
                if was_hidden
                else _("The review stays public. The reports are settled.")
            ),
        )


async def _render(
    request: Request, db: AsyncSession, review_id: int, rejection: Rejection | None = None
) -> HtmlResponse:
    reviews = ModeratedReviews(db)
    reports = await reviews.reports_of(review_id)
    response = await admin_page(
        request,
        db,
        "reviews/admin/review.html",
        review=await reviews.row(review_id),
        reports=reports,
        waiting=any(report.settled_at is None for report in reports),
        values=rejection.values if rejection else {},
        errors=rejection.errors if rejection else {},
        refusal=rejection.refusal if rejection else None,
    )
    response.status_code = rejection.status if rejection else 200
    return response
