"""Where a customer writes a review, and changes it for 48 hours."""

from collections.abc import Mapping

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.user import public_name
from app.bookings.customer_repository import OwnBookings
from app.bookings.customer_view import place_name
from app.bookings.repository import Bookings
from app.core.errors import Invalid, Refused
from app.core.i18n import _
from app.reviews.repository import Reviews
from app.reviews.schemas import NewReview
from app.reviews.write import why_not, write
from app.web.forms import form, read, shown_again
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page


class ReviewPages(Controller):
    path = "/bookings/{ref:str}/review"
    opt = only("customer")

    @get(name="review")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _drawn(request, db, me, ref)

    @post()
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            told = read(NewReview, sent)
            await write(db, me, ref, told.rating, told.comment)
        except Invalid as error:
            return await _drawn(request, db, me, ref, values=shown_again(sent), errors=error.errors)
        except Refused as refusal:
            return await _drawn(request, db, me, ref, values=shown_again(sent), refusal=refusal)
        flash(request, _("Thank you for your review."))
        return go(request, f"/bookings/{ref.upper()}")


async def _drawn(
    request: Request,
    db: AsyncSession,
    me: Me,
    ref: str,
    *,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    refusal: Refused | None = None,
) -> HtmlResponse:
    booking = await Bookings(db).for_customer(me, ref)
    known = await Reviews(db).of_booking(booking.id)
    words = why_not(booking, known)
    refusal = refusal or (Refused(words) if words else None)
    before = {"rating": known.rating, "comment": known.comment} if known else {}
    return page(
        request,
        "reviews/new.html",
        status=409 if refusal else 422 if errors else 200,
        booking=booking,
        comer=await OwnBookings(db, me).comer(booking, booking.professional_id),
        known=known,
        possible=words is None,
        values={**before, **(values or {})},
        errors=dict(errors or {}),
        refusal=refusal,
        shown_as=f"{public_name(me.name)}, {await place_name(db, booking)}",
    )
