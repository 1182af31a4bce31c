"""Where a professional answers a review, and where anyone signed in reports one (W31)."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.contact_fields import MAX_REASON_LENGTH
from app.core.errors import Missing
from app.core.i18n import _
from app.core.paging import AnyRow
from app.reviews.moderation import answer_review, report_review
from app.reviews.moderation_repository import ModeratedReviews
from app.reviews.review import MAX_ANSWER_LENGTH, answer_is_open
from app.web.actions import Rejection, submit
from app.web.forms import parse_form
from app.web.guards import only, signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import page
from app.web.validation import typed_text


class AnswerPages(Controller):
    path = "/reviews/{review_id:int}/answer"
    opt = only("professional")

    @get(name="review-answer")
    async def show(
        self, request: Request, review_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _render_answer(request, db, me, review_id)

    @post()
    async def create(
        self, request: Request, review_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        review = await _own_review(db, me, review_id)
        return await submit(
            request,
            lambda: answer_review(db, me, review_id, typed_text(form, "text")),
            form=form,
            on_error=lambda rejection: _render_answer(request, db, me, review_id, rejection),
            then=f"/jobs/{review.reference}",
            message=_("Your answer is public."),
        )


class ReportPages(Controller):
    path = "/reviews/{review_id:int}/report"
    opt = signed_in()

    @get(name="review-report")
    async def show(self, request: Request, review_id: FromPath[int], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render_report(request, db, review_id)

    @post()
    async def create(
        self, request: Request, review_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        review = await public_review(db, review_id)
        return await submit(
            request,
            lambda: report_review(db, me, review_id, typed_text(form, "reason")),
            form=form,
            on_error=lambda rejection: _render_report(request, db, review_id, rejection),
            then=f"/professionals/{review.professional_id}",
            message=_("Thank you. We'll look at this review."),
        )


async def public_review(db: AsyncSession, review_id: int) -> AnyRow:
    """A review that everyone may read. Raises Missing."""
    review = await ModeratedReviews(db).row(review_id)
    if not review.counts:
        raise Missing
    return review


async def _own_review(db: AsyncSession, me: Me, review_id: int) -> AnyRow:
    """A public review of the professional's own work. Raises Missing."""
    review = await public_review(db, review_id)
    if review.professional_id != me.id:
        raise Missing
    return review


async def _render_answer(
    request: Request, db: AsyncSession, me: Me, review_id: int, rejection: Rejection | None = None
) -> HtmlResponse:
    review = await _own_review(db, me, review_id)
    return page(
        request,
        "reviews/answer.html",
        status=rejection.status if rejection else 200,
        review=review,
        may_answer=answer_is_open(review.answered_at),
        values=rejection.values if rejection else {"text": review.answer or ""},
        errors=rejection.errors if rejection else {},
        refusal=rejection.refusal if rejection else None,
        max_length=MAX_ANSWER_LENGTH,
    )


async def _render_report(
    request: Request, db: AsyncSession, review_id: int, rejection: Rejection | None = None
) -> HtmlResponse:
    return page(
        request,
        "reviews/report.html",
        status=rejection.status if rejection else 200,
        review=await public_review(db, review_id),
        values=rejection.values if rejection else {},
        errors=rejection.errors if rejection else {},
        refusal=rejection.refusal if rejection else None,
        max_length=MAX_REASON_LENGTH,
    )
