"""A review for programs: /api/request/close/{id}. It closes the booking."""

from typing import Annotated

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.api_repository import BookingRows
from app.bookings.api_schemas import BookingJson, booking_json
from app.core.api_types import Body
from app.core.encryption import Vault
from app.core.i18n import N_
from app.reviews.write import write
from app.web.api import once, read_body, row, tell
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc


class ReviewBody(Body):
    """Stars and words."""

    rating: Annotated[
        int,
        Meta(
            ge=1,
            le=5,
            description="Stars, 1 to 5.",
            examples=[5],
            extra={"error": N_("Press a star, from one to five.")},
        ),
    ]
    comment: Annotated[str, Meta(max_length=2_000, description="Read by everybody.", examples=["Quick and clean."])] = (
        ""
    )


CLOSE = Doc(
    summary="Review a booking that is done; within 48 hours it may be changed",
    tag="Bookings",
    body=ReviewBody,
    path={"booking_id": "Number of the booking."},
    answers={200: BookingJson},
    refuses=(409,),
    once=True,
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
        vault: NamedDependency[Vault],
    ) -> JsonResponse:
        given = await read_body(request, ReviewBody)

        async def make() -> JsonResponse:
            rows = BookingRows(db)
            await write(db, me, await rows.reference_for(me, row(booking_id)), given.rating, given.comment)
            await db.flush()
            return tell(booking_json(me, await rows.one(booking_id), vault))

        return await once(request, db, me, given, make)
