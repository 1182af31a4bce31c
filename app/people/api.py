"""JSON API of customers and professionals, their status, and the own profile."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import address_book
from app.accounts.auth import Me
from app.accounts.contact_fields import parse_address_line, parse_pincode
from app.accounts.profile import change_details
from app.accounts.repository import Addresses, Pincodes, Users
from app.accounts.schemas import Details
from app.accounts.session import Sessions
from app.accounts.tax_identity import change_tax_identity, tax_fields_of
from app.accounts.user import User
from app.blocking.block import block, unblock
from app.core.api_types import Listed, Paged
from app.core.db import Database
from app.core.errors import Invalid, Missing
from app.core.i18n import _
from app.core.paging import CountedPage
from app.core.validation import collect
from app.people.api_schemas import (
    CustomerJson,
    NameQuery,
    ProfileBody,
    ProfileJson,
    StatusBody,
    customer_json,
    profile_json,
)
from app.people.customer_admin_pages import record_contact_view
from app.people.customer_repository import CustomerFilter, Customers
from app.people.professional_repository import NameMatches, ProfessionalFilter, Professionals
from app.vetting.api_schemas import ProfessionalJson, professional_json
from app.vetting.home_address import move_home
from app.web.api import idempotent, json_response, read_body, read_query, row_id
from app.web.guards import only, signed_in
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "People"
CUSTOMERS, PROFESSIONALS = Listed[CustomerJson], Listed[ProfessionalJson]
WHICH = {"customer_id": "ID of the customer.", "professional_id": "ID of the professional."}
ALL_CUSTOMERS = Doc(
    summary="List customers, newest first", tag=TAG, query=Paged, responses={200: CUSTOMERS}, error_statuses=(404,)
)
A_CUSTOMER = Doc(
    summary="Get a customer with phone and address; customers can get only themselves",
    tag=TAG,
    path=WHICH,
    responses={200: CustomerJson},
)
ALL_PROFESSIONALS = Doc(
    summary="List professionals, newest first",
    tag=TAG,
    query=Paged,
    responses={200: PROFESSIONALS},
    error_statuses=(404,),
)
A_PROFESSIONAL = Doc(
    summary="Get a professional with phone and address; professionals can get only themselves",
    tag=TAG,
    path=WHICH,
    responses={200: ProfessionalJson},
)
SEARCH = Doc(
    summary="Search professionals by name, trade, area, email or phone",
    tag=TAG,
    query=NameQuery,
    responses={200: PROFESSIONALS},
    error_statuses=(404,),
)


CUSTOMER_ID = {"customer_id": WHICH["customer_id"]}
PROFESSIONAL_ID = {"professional_id": WHICH["professional_id"]}
STATUS_OF_CUSTOMER = Doc(
    summary="Block or unblock a customer; blocking cancels upcoming bookings with a full refund",
    tag=TAG,
    body=StatusBody,
    path=CUSTOMER_ID,
    responses={200: CustomerJson},
    error_statuses=(409,),
    idempotent=True,
)
STATUS_OF_PROFESSIONAL = Doc(
    summary="Block or unblock a professional; blocking offers their accepted jobs to others",
    tag=TAG,
    body=StatusBody,
    path=PROFESSIONAL_ID,
    responses={200: ProfessionalJson},
    error_statuses=(409,),
    idempotent=True,
)
PROFILE = Doc(
    summary="Edit your own account",
    tag=TAG,
    body=ProfileBody,
    path={"person_id": "Your own ID."},
    responses={200: ProfileJson},
)


class PeopleApi(Controller):
    path = "/api"

    @get("/customers", name="api_customers", opt=only("admin", api=True, doc=ALL_CUSTOMERS))
    async def customers(self, request: Request, db: NamedDependency[AsyncSession]) -> JsonResponse:
        params = read_query(request, Paged)
        page = await Customers(db).list_page(
            CustomerFilter(), sort="since", descending=True, after=params.after, limit=params.limit
        )
        return json_response(CUSTOMERS(items=[customer_json(row) for row in page.items], next=page.next))

    @get(
        "/customer/{customer_id:int}",
        name="api_customer",
        opt=only("admin", "customer", api=True, in_transaction=True, doc=A_CUSTOMER),
    )
    async def customer(
        self, customer_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        _own_or_admin(me, customer_id)
        customer = await Customers(db).get(row_id(customer_id))
        if me.role == "admin" and customer.deleted_at is None:
            await record_contact_view(db, me, customer_id)
        lines = await Customers(db).addresses(customer_id)
        return json_response(customer_json(customer, lines[0].line if lines else None, whole=True))

    @get("/professional", name="api_professionals", opt=only("admin", api=True, doc=ALL_PROFESSIONALS))
    async def professionals(self, request: Request, db: NamedDependency[AsyncSession]) -> JsonResponse:
        params = read_query(request, Paged)
        page = await Professionals(db).list_page(
            ProfessionalFilter(),
            NameMatches(),
            sort="since",
            descending=True,
            after=params.after,
            limit=params.limit,
        )
        return _page(page)

    @get(
        "/professional/{professional_id:int}",
        name="api_professional",
        opt=only("admin", "professional", api=True, in_transaction=True, doc=A_PROFESSIONAL),
    )
    async def professional(
        self, professional_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        _own_or_admin(me, professional_id)
        professional = await Professionals(db).get(row_id(professional_id))
        if me.role == "admin" and professional.deleted_at is None:
            await record_contact_view(db, me, professional_id)
        lines = await Professionals(db).addresses(professional_id)
        return json_response(professional_json(professional, lines[0].line if lines else None, whole=True))

    @get("/user", name="api_users", opt=only("admin", api=True, doc=SEARCH))
    async def search(self, request: Request, db: NamedDependency[AsyncSession]) -> JsonResponse:
        params, professionals = read_query(request, NameQuery), Professionals(db)
        matches = await professionals.match_words(params.name)
        page = await professionals.list_page(
            ProfessionalFilter(params.name),
            matches,
            sort="since",
            descending=True,
            after=params.after,
            limit=params.limit,
        )
        return _page(page)


class StatusApi(Controller):
    path = "/api/status"
    opt = only("admin", api=True)

    @post("/customer/{customer_id:int}", name="api_status_customer", opt={"doc": STATUS_OF_CUSTOMER})
    async def customer(
        self,
        request: Request,
        customer_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
    ) -> JsonResponse:
        body = await read_body(request, StatusBody)

        async def set_status() -> JsonResponse:
            await Customers(db).get(row_id(customer_id))
            await _set_status(db, database, me, customer_id, body)
            return json_response(customer_json(await Customers(db).get(customer_id)))

        return await idempotent(request, db, me, body, set_status)

    @post("/professional/{professional_id:int}", name="api_status_professional", opt={"doc": STATUS_OF_PROFESSIONAL})
    async def professional(
        self,
        request: Request,
        professional_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
    ) -> JsonResponse:
        body = await read_body(request, StatusBody)

        async def set_status() -> JsonResponse:
            await Professionals(db).get(row_id(professional_id))
            await _set_status(db, database, me, professional_id, body)
            return json_response(professional_json(await Professionals(db).get(professional_id)))

        return await idempotent(request, db, me, body, set_status)


class ProfileApi(Controller):
    path = "/api/profile/edit/{person_id:int}"

    @post(name="api_profile", opt=signed_in(api=True, doc=PROFILE))
    async def update(
        self, request: Request, person_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, ProfileBody)
        if person_id != me.id:
            raise Missing
        user = await Users(db).get(me.id, lock=True)
        name = user.full_name if body.full_name is UNSET else body.full_name
        phone = user.phone if body.phone is UNSET else body.phone
        details = Details(full_name=name, phone=phone)
        if body.share_phone is not UNSET:
            details.share_phone = "yes" if body.share_phone else "no"
        await change_details(db, user, details)
        await _change_tax_identity(db, user, body)
        await _move_home(db, me, body)
        await db.flush()
        home = await Addresses(db, me.id).main()
        return json_response(profile_json(user, home, await tax_fields_of(db, user.id)))


async def _change_tax_identity(db: AsyncSession, user: User, body: ProfileBody) -> None:
    """What is on invoices, if included. Admins get none."""
    sent = {name: getattr(body, name) for name in ("gstin", "business_name")}
    typed = {name: None if value is UNSET else value for name, value in sent.items()}
    if user.role == "admin" and any(value is not None for value in typed.values()):
        raise Invalid({name: _("This field doesn't exist.") for name, value in typed.items() if value is not None})
    await change_tax_identity(db, user, typed["gstin"], typed["business_name"])


def _own_or_admin(me: Me, person_id: int) -> None:
    if me.role != "admin" and me.id != person_id:
        raise Missing


def _page(page: CountedPage) -> JsonResponse:
    return json_response(PROFESSIONALS(items=[professional_json(row) for row in page.items], next=page.next))


async def _set_status(db: AsyncSession, database: Database, me: Me, person_id: int, body: StatusBody) -> None:
    if body.blocked:
        await block(db, Sessions(database), me, person_id, body.reason)
    else:
        await unblock(db, me, person_id, body.reason)
    await db.flush()


async def _move_home(db: AsyncSession, me: Me, body: ProfileBody) -> None:
    """The home address, if included. Admins have none."""
    line, pincode = body.address, body.pincode
    if line is UNSET and pincode is UNSET:
        return
    if me.role == "admin":
        raise Invalid({name: _("This field doesn't exist.") for name in ("address", "pincode")})
    if line is UNSET or pincode is UNSET:
        raise Invalid({"address" if line is UNSET else "pincode": _("This field is missing.")})
    if me.role == "professional":
        await move_home(db, me, line, pincode)
        return
    cleaned = collect({"address": lambda: parse_address_line(line), "pincode": lambda: parse_pincode(pincode)})
    place = await Pincodes(db).require(cleaned["pincode"])
    await address_book.save_main(db, me, cleaned["address"], place.pincode)
