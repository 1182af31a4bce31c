"""JSON API of bookings: the lists, and a new booking."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Users
from app.accounts.user import Role
from app.bookings.api_repository import ApiBooking, ApiBookings
from app.bookings.api_schemas import BookBody, BookingJson, PaymentBody, booking_json
from app.bookings.booking_request import read_booking_request
from app.bookings.checkout import book_and_pay
from app.bookings.payment_form import PaymentForm, PaymentFormKind
from app.bookings.schemas import NewBooking
from app.bookings.visit_details import VISIT_FIELDS
from app.catalog.repository import ServiceRepository
from app.core.after_commit import AfterCommit
from app.core.api_types import Listed, Paged
from app.core.db import Database, TransactionFactory
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing
from app.core.paging import Page
from app.payments import pretend_bank
from app.payments.saved_methods_repository import SavedMethods
from app.promotions.guesses import count_guess
from app.settings import Settings
from app.web.api import idempotent, json_response, read_body, read_query, rename_errors, row_id
from app.web.context import context_of
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc
from app.web.security import client_address

TAG = "Bookings"
BOOKINGS = Listed[BookingJson]
ALL = Doc(summary="List all bookings", tag=TAG, query=Paged, responses={200: BOOKINGS}, error_statuses=(404,))
OF_SERVICE = Doc(
    summary="List bookings by service name",
    tag=TAG,
    query=Paged,
    path={"name": "Name of the service, or part of it."},
    responses={200: BOOKINGS},
)
OF_CUSTOMER = Doc(
    summary="List a customer's bookings; customers can list only their own",
    tag=TAG,
    query=Paged,
    path={"customer_id": "ID of the customer."},
    responses={200: BOOKINGS},
)
BOOK = Doc(
    summary="Book a free time slot, paid now or after the job",
    tag=TAG,
    body=BookBody,
    responses={201: BookingJson},
    error_statuses=(409,),
    idempotent=True,
)
# Errors of the payment are reported under its fields inside the body.
PAYMENT_FIELDS = {name: f"payment.{name}" for name in PaymentBody.__struct_fields__}
BOOKING_FIELDS = ("service_id", "start", "address", "pincode", "note", "professional_id", *VISIT_FIELDS)


class BookingListApi(Controller):
    path = "/api"

    @get("/request", name="api_requests", opt=only("admin", api=True, doc=ALL))
    async def index(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> JsonResponse:
        query = read_query(request, Paged)
        return booking_page_response(me, encryption, await ApiBookings(db).all(query.after, query.limit))

    @get(
        "/service_request/{name:str}",
        name="api_requests_of_service",
        opt=only("admin", api=True, doc=OF_SERVICE),
    )
    async def of_service(
        self,
        request: Request,
        name: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> JsonResponse:
        query = read_query(request, Paged)
        services = await ServiceRepository(db).ids_named(name.replace("\x00", ""))
        return booking_page_response(
            me, encryption, await ApiBookings(db).of_services(services, query.after, query.limit)
        )

    @get(
        "/request/service/{customer_id:int}",
        name="api_requests_of_customer",
        opt=only("admin", "customer", api=True, doc=OF_CUSTOMER),
    )
    async def of_customer(
        self,
        request: Request,
        customer_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> JsonResponse:
        query = read_query(request, Paged)
        if me.role == Role.CUSTOMER:
            if customer_id != me.id:
                raise Missing
        elif (await Users(db).get(row_id(customer_id))).role != Role.CUSTOMER:
            raise Missing
        return booking_page_response(
            me, encryption, await ApiBookings(db).of_customer(customer_id, query.after, query.limit)
        )


class BookingApi(Controller):
    path = "/api/request/service"

    @post(name="api_book", opt=only("customer", api=True, doc=BOOK))
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        settings: NamedDependency[Settings],
    ) -> JsonResponse:
        body = await read_body(request, BookBody)
        stored, new_transaction = _stored_payment(body.payment), partial(database.work, after_commit)
        address = client_address(request.scope, settings.trusted_proxies)
        await count_guess(new_transaction, me.id, address, body.payment.coupon)

        async def create_booking() -> JsonResponse:
            new_booking = NewBooking(**{name: getattr(body, name) for name in BOOKING_FIELDS})
            booking_request = await read_booking_request(db, me, new_booking, me.email, address_given=True)
            with rename_errors(**PAYMENT_FIELDS):
                form = await _payment_form(db, me, encryption, body.payment)
                booking = await book_and_pay(db, me, booking_request, form)
            if booking.payment not in ("credit", "coupon"):
                remembering = partial(_remember, new_transaction, me, encryption, form, body.payment)
                context_of(request).follow_ups.append(remembering)
            return json_response(booking_json(me, await ApiBookings(db).get(booking.id), encryption), 201)

        return await idempotent(request, db, me, {**msgspec.to_builtins(body), "payment": stored}, create_booking)


def _stored_payment(payment: PaymentBody) -> dict[str, Any]:
    """What the stored request holds of a payment: no more of a card than its brand and last digits."""
    if payment.method == "saved":
        return {"method": "saved", "saved_id": payment.saved_id}
    discounts = {"coupon": payment.coupon, "use_credit": payment.use_credit}
    stored: dict[str, Any] = {"method": payment.method}
    try:
        with rename_errors(**PAYMENT_FIELDS):
            instrument = pretend_bank.read_instrument(_fields(payment))
        stored |= {"brand": instrument.brand, "last4": instrument.last4}
    except Invalid:
        if not payment.coupon and payment.use_credit == "no":
            raise  # else nothing may be left for the method to pay
    stored |= {"remember": "yes"} if payment.remember == "yes" else {}
    return stored | (discounts if payment.coupon or payment.use_credit == "yes" else {})


async def _payment_form(db: AsyncSession, me: Me, encryption: Encryption, payment: PaymentBody) -> PaymentForm:
    """Raises Invalid for a remembered method that is not theirs or has expired."""
    is_saved, saved_id = payment.method == "saved", str(payment.saved_id or "")
    saved = await SavedMethods(db, me).instrument(encryption, saved_id) if is_saved else None
    return PaymentForm(PaymentFormKind.INSTRUMENT, _fields(payment), saved=saved)


def _fields(payment: PaymentBody) -> dict[str, str]:
    return {name: str(value) for name, value in msgspec.to_builtins(payment).items() if value is not None}


async def _remember(
    new_transaction: TransactionFactory, me: Me, encryption: Encryption, form: PaymentForm, payment: PaymentBody
) -> None:
    """Remember the method that was paid with where the request asks so, or that a remembered one was used."""
    async with new_transaction() as db:
        saved_methods = SavedMethods(db, me)
        if payment.method == "saved" and payment.saved_id is not None:
            await saved_methods.use(payment.saved_id)
        elif payment.remember == "yes" and (instrument := form.instrument()).method != "after":
            await saved_methods.remember(encryption, instrument, confirmed=True)


def booking_page_response(
    me: Me, encryption: Encryption, page: Page[ApiBooking], distances_km: Mapping[str, float | None] | None = None
) -> JsonResponse:
    """A page of bookings as `me` may see them; `distances_km` by reference, for those offered to `me`."""
    items = [booking_json(me, booking, encryption, distances_km) for booking in page.items]
    return json_response(BOOKINGS(items=items, next=page.next))
