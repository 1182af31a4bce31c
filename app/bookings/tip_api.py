"""Tips in the JSON API: POST /api/bookings/{ref}/tip."""

from typing import Annotated, Literal

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.api_schemas import PaymentBody
from app.bookings.checkout import authorise_tip
from app.bookings.payment_form import PaymentForm, PaymentFormKind
from app.bookings.repository import Bookings
from app.core.api_types import Body, Paise, Price, TypedPrice
from app.core.encryption import Encryption
from app.core.money import format_decimal
from app.payments.saved_methods_repository import SavedMethods
from app.payments.tips import ask_tip, parse_tip, pay_tip
from app.web.api import idempotent, json_response, read_body, rename_errors
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc


class TipBody(Body, kw_only=True):
    """A tip for the professional, paid now or on the payment page."""

    amount: TypedPrice
    payment: Annotated[
        PaymentBody | None, Meta(description="How it is paid; without it, on the payment page.", examples=[None])
    ] = None


class TipJson(Struct, kw_only=True):
    """A tip."""

    booking: Annotated[str, Meta(description="The booking's public reference.", examples=["7K3MQ9WD"])]
    amount: Price
    amount_paise: Paise
    state: Annotated[Literal["unpaid", "paid"], Meta(description="Whether it is paid.", examples=["paid"])]


TIP = Doc(
    summary="Tip the professional of a booking, once",
    tag="Bookings",
    body=TipBody,
    path={"ref": "The booking's public reference."},
    responses={201: TipJson},
    error_statuses=(409,),
    idempotent=True,
)


class TipApi(Controller):
    path = "/api/bookings/{ref:str}/tip"
    opt = only("customer", api=True)

    @post(name="api_tip", opt={"doc": TIP})
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> JsonResponse:
        body = await read_body(request, TipBody)
        await Bookings(db).for_customer(me, ref)  # what is not theirs is 404, whatever the amount

        async def tip() -> JsonResponse:
            amount = parse_tip(body.amount)
            form = await _payment_form(db, me, encryption, body.payment) if body.payment else None
            with rename_errors(**{name: f"payment.{name}" for name in ("method", "card_number", "upi_id", "code")}):
                authorisation = authorise_tip(form, amount) if form else None
            booking = await Bookings(db).for_customer(me, ref, lock=True)
            tip_row = await ask_tip(db, booking, amount, state=booking.state, closed_at=booking.closed_at)
            if authorisation is not None:
                await pay_tip(db, booking, me, tip_row, authorisation)
            return json_response(
                TipJson(
                    booking=booking.reference,
                    amount=format_decimal(tip_row.amount),
                    amount_paise=tip_row.amount,
                    state="paid" if tip_row.paid_at else "unpaid",
                ),
                201,
            )

        return await idempotent(request, db, me, {"ref": ref, "amount": body.amount}, tip)


async def _payment_form(db: AsyncSession, me: Me, encryption: Encryption, body: PaymentBody) -> PaymentForm:
    fields = {name: str(getattr(body, name) or "") for name in ("method", "card_number", "expiry", "cvv", "upi_id")}
    saved = None
    if body.method == "saved":
        saved = await SavedMethods(db, me).instrument(encryption, str(body.saved_id or ""))
    return PaymentForm(PaymentFormKind.INSTRUMENT, {**fields, "code": body.code}, saved=saved)
