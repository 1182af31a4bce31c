"""JSON API: answer and report reviews, and hide or show them as an admin (W31)."""

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.contact_fields import MAX_REASON_LENGTH
from app.core.api_types import Body, Id, Moment
from app.core.datetimes import to_ist
from app.core.errors import Missing
from app.core.paging import AnyRow
from app.reviews.moderation import answer_review, hide_review, report_review, show_review
from app.reviews.moderation_repository import ModeratedReviews
from app.reviews.review import MAX_ANSWER_LENGTH
from app.web.api import json_response, read_body, read_query, row_id
from app.web.guards import only, signed_in
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Reviews"
PATH_PARAMS = {"review_id": "ID of the review."}
MAX_LISTED = 100
Text = Annotated[str | None, Meta(examples=["…", None])]


class AnswerBody(Body):
    """A professional's answer."""

    text: Annotated[
        str,
        Meta(max_length=MAX_ANSWER_LENGTH, description="The answer; it is public.", examples=["Thank you, Asha."]),
    ]


class ReasonBody(Body):
    """A reason."""

    reason: Annotated[
        str,
        Meta(
            max_length=MAX_REASON_LENGTH,
            description="Why. The author of a review reads why it was hidden or shown.",
            examples=["It names a neighbour."],
        ),
    ]


class ReviewJson(Struct, kw_only=True):
    """A review with its answer."""

    id: Id
    ref: Annotated[
        str | None,
        Meta(description="Reference of the booking; only for its two sides and admins.", examples=["7K3MQ9WD", None]),
    ]
    rating: Annotated[int, Meta(description="Stars, 1 to 5.", examples=[5])]
    comment: Annotated[str, Meta(description="Text of the review.", examples=["Quick and clean."])]
    created_at: Moment
    professional_id: Id
    answer: Annotated[Text, Meta(description="The professional's answer.")]
    answered_at: Annotated[
        Moment | None,
        Meta(description="When the professional answered.", examples=["2026-12-01T10:00:00+05:30", None]),
    ]
    hidden_at: Annotated[
        Moment | None,
        Meta(
            description="Since when only its author and admins read it.", examples=["2026-12-01T10:00:00+05:30", None]
        ),
    ]
    hidden_reason: Annotated[Text, Meta(description="Why it is hidden.")]


class ReportJson(Struct, kw_only=True):
    """A report of a review."""

    reason: Annotated[str, Meta(description="What the reader wrote.", examples=["It names a neighbour."])]
    by: Annotated[str, Meta(description="Who reported it.", examples=["Divya Menon"])]
    at: Moment
    settled_at: Annotated[
        Moment | None,
        Meta(description="When an admin settled it; null before.", examples=["2026-12-01T10:00:00+05:30", None]),
    ]


class ModeratedReviewJson(ReviewJson, kw_only=True):
    """A review as admins read it."""

    customer: Annotated[str, Meta(description="Name of the author.", examples=["Kavitha Raj"])]
    professional: Annotated[str, Meta(description="Name of the professional.", examples=["Murugan Das"])]
    reports: Annotated[list[ReportJson], Meta(description="Reports, latest first.", examples=[[]])]


class ModerationQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which reviews."""

    state: Annotated[
        Literal["reported", "hidden"],
        Meta(description="`reported`: those that wait longest first; `hidden`: latest first.", examples=["reported"]),
    ] = "reported"


class ModerationList(Struct, kw_only=True):
    """Reviews that are reported or hidden, up to 100."""

    items: Annotated[list[ModeratedReviewJson], Meta(description="The reviews.", examples=[[]])]


SHOW = Doc(summary="Get a review", tag=TAG, path=PATH_PARAMS, responses={200: ReviewJson})
ANSWER = Doc(
    summary="Answer a review of your work, or change your answer for 48 hours",
    tag=TAG,
    body=AnswerBody,
    path=PATH_PARAMS,
    responses={200: ReviewJson},
    error_statuses=(409,),
)
REPORT = Doc(
    summary="Report a review, once",
    tag=TAG,
    body=ReasonBody,
    path=PATH_PARAMS,
    responses={200: ReviewJson},
    error_statuses=(409,),
)
LIST = Doc(summary="List reported or hidden reviews", tag=TAG, query=ModerationQuery, responses={200: ModerationList})
SHOW_MODERATED = Doc(
    summary="Get a review with its reports", tag=TAG, path=PATH_PARAMS, responses={200: ModeratedReviewJson}
)
HIDE = Doc(
    summary="Hide a review from all but its author",
    tag=TAG,
    body=ReasonBody,
    path=PATH_PARAMS,
    responses={200: ModeratedReviewJson},
    error_statuses=(409,),
)
SHOW_AGAIN = Doc(
    summary="Show a hidden review again, or settle the reports of a public one",
    tag=TAG,
    body=ReasonBody,
    path=PATH_PARAMS,
    responses={200: ModeratedReviewJson},
    error_statuses=(409,),
)


class ReviewResponseApi(Controller):
    path = "/api/reviews/{review_id:int}"

    @get(name="api_review", opt=signed_in(api=True, doc=SHOW))
    async def show(
        self, review_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        return json_response(await _readable(db, me, review_id))

    @post("/answer", name="api_answer_review", status_code=200, opt=only("professional", api=True, doc=ANSWER))
    async def answer(
        self, request: Request, review_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, AnswerBody)
        await answer_review(db, me, row_id(review_id), body.text)
        return json_response(await _readable(db, me, review_id))

    @post("/report", name="api_report_review", status_code=200, opt=signed_in(api=True, doc=REPORT))
    async def report(
        self, request: Request, review_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, ReasonBody)
        await report_review(db, me, row_id(review_id), body.reason)
        return json_response(await _readable(db, me, review_id))


class ReviewModerationApi(Controller):
    path = "/api/admin/reviews"
    opt = only("admin", api=True)

    @get(name="api_moderated_reviews", opt={"doc": LIST})
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> JsonResponse:
        reviews = ModeratedReviews(db)
        is_hidden = read_query(request, ModerationQuery).state == "hidden"
        rows = await (reviews.hidden(MAX_LISTED) if is_hidden else reviews.reported(MAX_LISTED))
        return json_response(ModerationList(items=[await _moderated(db, row) for row in rows]))

    @get("/{review_id:int}", name="api_moderated_review", opt={"doc": SHOW_MODERATED})
    async def show(self, review_id: FromPath[int], db: NamedDependency[AsyncSession]) -> JsonResponse:
        return json_response(await _moderated(db, await ModeratedReviews(db).row(row_id(review_id))))

    @post("/{review_id:int}/hide", name="api_hide_review", status_code=200, opt={"doc": HIDE})
    async def hide(
        self, request: Request, review_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, ReasonBody)
        await hide_review(db, me, row_id(review_id), body.reason)
        return json_response(await _moderated(db, await ModeratedReviews(db).row(review_id)))

    @post("/{review_id:int}/show", name="api_show_review", status_code=200, opt={"doc": SHOW_AGAIN})
    async def show_again(
        self, request: Request, review_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, ReasonBody)
        await show_review(db, me, row_id(review_id), body.reason)
        return json_response(await _moderated(db, await ModeratedReviews(db).row(review_id)))


async def _readable(db: AsyncSession, me: Me, review_id: int) -> ReviewJson:
    """A public review, or one's own. Raises Missing."""
    row = await ModeratedReviews(db).row(row_id(review_id))
    if not row.counts and row.customer_id != me.id:
        raise Missing
    return ReviewJson(**_fields(row, is_side=me.id in (row.customer_id, row.professional_id)))


async def _moderated(db: AsyncSession, row: AnyRow) -> ModeratedReviewJson:
    reports = [
        ReportJson(
            reason=report.reason,
            by=report.full_name,
            at=to_ist(report.created_at),
            settled_at=_moment(report.settled_at),
        )
        for report in await ModeratedReviews(db).reports_of(row.id)
    ]
    return ModeratedReviewJson(
        **_fields(row, is_side=True), customer=row.customer, professional=row.professional, reports=reports
    )


def _fields(row: AnyRow, *, is_side: bool) -> dict[str, Any]:
    return {
        "id": row.id,
        "ref": row.reference if is_side else None,
        "rating": row.rating,
        "comment": row.comment,
        "created_at": to_ist(row.created_at),
        "professional_id": row.professional_id,
        "answer": row.answer,
        "answered_at": _moment(row.answered_at),
        "hidden_at": _moment(row.hidden_at),
        "hidden_reason": row.hidden_reason,
    }


def _moment(moment: datetime | None) -> datetime | None:
    return to_ist(moment) if moment else None
