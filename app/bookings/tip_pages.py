"""/bookings/…/tip: how much; then the payment page."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.customer_repository import OwnBookings
from app.bookings.repository import Bookings
from app.payments.tip import Tip
from app.payments.tips import ask_tip, may_tip, parse_tip
from app.payments.tips_repository import Tips
from app.web.actions import Rejection, submit
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page, redirect


class TipPages(Controller):
    path = "/bookings/{ref:str}/tip"
    opt = only("customer")

    @get(name="tip")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        booking = await Bookings(db).for_customer(me, ref)
        is_possible = may_tip(booking.state, booking.closed_at, booking.professional_id)
        if not is_possible or await Tips(db).paid(booking.id):
            return redirect(request, f"/bookings/{booking.reference}")
        return await _render(request, db, me, ref)

    @post()
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        booking = await Bookings(db).for_customer(me, ref, lock=True)

        async def ask() -> Tip:
            amount = parse_tip(form.get("amount", ""))
            return await ask_tip(db, booking, amount, state=booking.state, closed_at=booking.closed_at)

        return await submit(
            request,
            ask,
            form=form,
            on_error=lambda rejection: _render(request, db, me, ref, rejection),
            then=f"/bookings/{booking.reference}/payment",
        )


async def _render(
    request: Request, db: AsyncSession, me: Me, ref: str, rejection: Rejection | None = None
) -> HtmlResponse:
    booking = await Bookings(db).for_customer(me, ref)
    return page(
        request,
        "bookings/tip.html",
        status=rejection.status if rejection else 200,
        booking=booking,
        who=await OwnBookings(db, me).card(booking.professional_id, booking.pincode),
        values=rejection.values if rejection else {},
        errors=rejection.errors if rejection else {},
        refusal=rejection.refusal if rejection else None,
    )
