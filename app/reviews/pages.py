"""Where a customer writes a review, and changes it for 48 hours."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.names import public_name
from app.bookings.customer_repository import OwnBookings
from app.bookings.customer_view import place_name
from app.bookings.repository import Bookings
from app.core.errors import Refused
from app.core.i18n import _
from app.core.references import parse_reference
from app.reviews.repository import Reviews
from app.reviews.schemas import NewReview
from app.reviews.submission import submission_refusal, submit_review
from app.web.actions import Rejection, submit
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page
from app.web.validation import validate_form


class ReviewPages(Controller):
    path = "/bookings/{ref:str}/review"
    opt = only("customer")

    @get(name="review")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _render(request, db, me, ref)

    @post()
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def submit_form() -> None:
            new_review = validate_form(NewReview, form)
            await submit_review(db, me, ref, new_review.rating, new_review.comment)

        return await submit(
            request,
            submit_form,
            form=form,
            on_error=lambda rejection: _render(request, db, me, ref, rejection),
            message=_("Thank you for your review."),
            then=f"/bookings/{parse_reference(ref)}",
        )


async def _render(
    request: Request,
    db: AsyncSession,
    me: Me,
    ref: str,
    rejection: Rejection | None = None,
) -> HtmlResponse:
    booking = await Bookings(db).for_customer(me, ref)
    existing = await Reviews(db).of_booking(booking.id)
    message = submission_refusal(booking, existing)
    refusal = (rejection.refusal if rejection else None) or (
        Refused(message, reason="state", about="review") if message else None
    )
    errors = rejection.errors if rejection else {}
    existing_values = {"rating": existing.rating, "comment": existing.comment} if existing else {}
    return page(
        request,
        "reviews/new.html",
        status=409 if refusal else 422 if errors else 200,
        booking=booking,
        professional=await OwnBookings(db, me).assigned_professional(booking, booking.professional_id),
        existing=existing,
        possible=message is None,
        values={**existing_values, **(rejection.values if rejection else {})},
        errors=errors,
        refusal=refusal,
        shown_as=f"{public_name(me.name)}, {await place_name(db, booking)}",
    )
