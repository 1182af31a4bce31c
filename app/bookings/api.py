"""Bookings for programs: the lists, and a new one, by the verbs of the pages."""

from collections.abc import Mapping

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Users
from app.accounts.user import Role
from app.bookings import checkout
from app.bookings.api_repository import BookingRows, Told
from app.bookings.api_schemas import BookBody, BookingJson, booking_json
from app.bookings.moves import State
from app.bookings.schemas import NewBooking
from app.catalog.repository import Services
from app.core.api_types import Listed, Paged
from app.core.encryption import Vault
from app.core.errors import Invalid, Missing
from app.core.i18n import _
from app.core.paging import Page
from app.jobs.offers import Offer, bench_of, open_to
from app.jobs.repository import Jobs
from app.payments import pretend_bank
from app.web.api import called, once, read_body, read_query, row, tell
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Bookings"
BOOKINGS = Listed[BookingJson]
ALL = Doc(summary="All service requests", tag=TAG, query=Paged, answers={200: BOOKINGS}, refuses=(404,))
OF_SERVICE = Doc(
    summary="Service requests of the services that are called so",
    tag=TAG,
    query=Paged,
    path={"name": "Name of a service, or a part of it."},
    answers={200: BOOKINGS},
)
OF_CUSTOMER = Doc(
    summary="Service requests of a customer; a customer reads their own",
    tag=TAG,
    query=Paged,
    path={"customer_id": "Number of the customer."},
    answers={200: BOOKINGS},
)
OF_PROFESSIONAL = Doc(
    summary="A professional's own jobs and open offers; while blocked the started job alone",
    tag=TAG,
    query=Paged,
    path={"professional_id": "Number of the professional."},
    answers={200: BOOKINGS},
)
BOOK = Doc(
    summary="Book a free start, paid or to be paid after the work",
    tag=TAG,
    body=BookBody,
    answers={201: BookingJson},
    refuses=(409,),
    once=True,
)
# The fields of a payment stand inside the body.
INSIDE = {name: f"payment.{name}" for name in ("method", "card_number", "expiry", "cvv", "upi_id", "code")}


BOOKED = ("service_id", "start", "address", "pincode", "note", "professional_id")


class BookingLists(Controller):
    path = "/api"

    @get("/request", name="api_requests", opt=only("admin", api=True, doc=ALL))
    async def index(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> JsonResponse:
        asked = read_query(request, Paged)
        return _listed(me, vault, await BookingRows(db).every(asked.after, asked.limit))

    @get("/service_request/{name:str}", name="api_requests_of_service", opt=only("admin", api=True, doc=OF_SERVICE))
    async def of_service(
        self,
        request: Request,
        name: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> JsonResponse:
        asked = read_query(request, Paged)
        services = await Services(db).called(name.replace("\x00", ""))
        return _listed(me, vault, await BookingRows(db).of_services(services, asked.after, asked.limit))

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
        vault: NamedDependency[Vault],
    ) -> JsonResponse:
        asked = read_query(request, Paged)
        if me.role == "customer" and customer_id != me.id:
            raise Missing
        if (await Users(db).get(row(customer_id))).role != Role.CUSTOMER:
            raise Missing
        return _listed(me, vault, await BookingRows(db).of_customer(customer_id, asked.after, asked.limit))

    @get(
        "/servicerequest/{professional_id:int}",
        name="api_jobs",
        opt=only("professional", api=True, blocked_may=True, doc=OF_PROFESSIONAL),
    )
    async def of_professional(
        self,
        request: Request,
        professional_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> JsonResponse:
        asked = read_query(request, Paged)
        if professional_id != me.id:
            raise Missing
        offers = await _offers(db, me)
        found = await BookingRows(db).of_professional(me.id, list(offers), asked.after, asked.limit)
        if me.blocked is not None:
            found = Page([one for one in found.items if one.state == State.STARTED], found.next)
        return _listed(me, vault, found, offers)


class BookApi(Controller):
    path = "/api/request/service"

    @post(name="api_book", opt=only("customer", api=True, doc=BOOK))
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> JsonResponse:
        given = await read_body(request, BookBody)
        payment: dict[str, str] = msgspec.to_builtins(given.payment)
        with called(**INSIDE):
            paid_by = pretend_bank.read(payment)
        kept = {"method": paid_by.method, "brand": paid_by.brand, "last4": paid_by.last4}  # of a card no more than that

        async def make() -> JsonResponse:
            asked = NewBooking(**{name: getattr(given, name) for name in BOOKED})
            wish = await checkout.wish_of(db, me, asked, typed=True)
            price = await _price(db, wish.service_id)
            with called(**INSIDE):
                booking = await checkout.order(db, me, wish, price, payment)
            await db.flush()
            return tell(booking_json(me, await BookingRows(db).one(booking.id), vault), 201)

        return await once(request, db, me, {**msgspec.to_builtins(given), "payment": kept}, make)


# How


async def _price(db: AsyncSession, service_id: int) -> int:
    """Paise, as the catalogue says. Invalid beside the field when there is no such service."""
    try:
        return (await Services(db).by_id(service_id)).price
    except Missing as strange:
        raise Invalid({"service_id": _("We do not offer this any more.")}) from strange


async def _offers(db: AsyncSession, me: Me) -> Mapping[str, Offer]:
    """What they could accept now, by reference."""
    jobs = await Jobs(db).agenda(me)
    bench = await bench_of(db, me, [job.busy for job in jobs if not job.is_done])
    return {offer.reference: offer for offer in await open_to(db, bench)}


def _listed(me: Me, vault: Vault, page: Page[Told], offers: Mapping[str, Offer] | None = None) -> JsonResponse:
    return tell(BOOKINGS(items=[booking_json(me, one, vault, offers) for one in page.items], next=page.next))
