"""JSON API of reviews: POST /api/request/close/{id} writes a review and closes the booking."""

from typing import Annotated

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.api_repository import ApiBookings
from app.bookings.api_schemas import BookingJson, booking_json
from app.core.api_types import Body
from app.core.encryption import Encryption
from app.core.i18n import N_
from app.reviews.submission import submit_review
from app.web.api import idempotent, json_response, read_body, row_id
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc


class ReviewBody(Body):
    """Rating and comment."""

    rating: Annotated[
        int,
        Meta(
            ge=1,
            le=5,
            description="Rating in stars, 1 to 5.",
            examples=[5],
            extra={"error": N_("Choose a rating from 1 to 5 stars.")},
        ),
    ]
    comment: Annotated[
        str, Meta(max_length=2_000, description="Text of the review; it is public.", examples=["Quick and clean."])
    ] = ""


CLOSE = Doc(
    summary="Review a completed booking; you can edit the review for 48 hours",
    tag="Bookings",
    body=ReviewBody,
    path={"booking_id": "ID of the booking."},
    responses={200: BookingJson},
    error_statuses=(409,),
    idempotent=True,
)


class ReviewApi(Controller):
    path = "/api/request/close/{booking_id:int}"

    @post(name="api_close_booking", status_code=200, opt=only("customer", api=True, doc=CLOSE))
    async def create(
        self,
        request: Request,
        booking_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> JsonResponse:
        body = await read_body(request, ReviewBody)

        async def submit() -> JsonResponse:
            rows = ApiBookings(db)
            await submit_review(db, me, await rows.reference_for(me, row_id(booking_id)), body.rating, body.comment)
            await db.flush()
            return json_response(booking_json(me, await rows.get(booking_id), encryption))

        return await idempotent(request, db, me, body, submit)
