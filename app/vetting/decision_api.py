"""An admin decides by API: who may work, who is blocked. And people change their own account."""

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import address_book
from app.accounts.auth import Me
from app.accounts.contact_fields import cleaned, line_of, pincode_of
from app.accounts.profile import change_details
from app.accounts.repository import Addresses, Pincodes, Users
from app.accounts.schemas import Details
from app.accounts.session import Sessions
from app.blocking.block import block, unblock
from app.core.db import Database
from app.core.errors import Invalid, Missing
from app.core.i18n import _
from app.people.api_schemas import (
    CustomerJson,
    DenialBody,
    ProfessionalJson,
    ProfileBody,
    ProfileJson,
    StatusBody,
    customer_json,
    professional_json,
    profile_json,
)
from app.people.customer_repository import Customers
from app.people.professional_repository import Professionals
from app.vetting.decision import approve, deny
from app.vetting.home_address import move_home
from app.web.api import once, read_body, row, tell
from app.web.guards import only, signed_in
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "People"
CUSTOMER = {"customer_id": "Number of the customer."}
PROFESSIONAL = {"professional_id": "Number of the professional."}
STATUS_OF_CUSTOMER = Doc(
    summary="Block or unblock a customer; what is open is cancelled with the money back",
    tag=TAG,
    body=StatusBody,
    path=CUSTOMER,
    answers={200: CustomerJson},
    refuses=(409,),
    once=True,
)
STATUS_OF_PROFESSIONAL = Doc(
    summary="Block or unblock a professional; what they accepted is offered to others",
    tag=TAG,
    body=StatusBody,
    path=PROFESSIONAL,
    answers={200: ProfessionalJson},
    refuses=(409,),
    once=True,
)
VERIFY = Doc(
    summary="Approve what waits of a professional",
    tag=TAG,
    path=PROFESSIONAL,
    answers={200: ProfessionalJson},
    refuses=(409,),
)
DENY = Doc(
    summary="Deny what waits of a professional",
    tag=TAG,
    body=DenialBody,
    path=PROFESSIONAL,
    answers={200: ProfessionalJson},
    refuses=(409,),
)
PROFILE = Doc(
    summary="Change one's own account",
    tag=TAG,
    body=ProfileBody,
    path={"person_id": "One's own number."},
    answers={200: ProfileJson},
)


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
        given = await read_body(request, StatusBody)

        async def make() -> JsonResponse:
            await Customers(db).one(row(customer_id))
            await _set(db, database, me, customer_id, given)
            return tell(customer_json(await Customers(db).one(customer_id)))

        return await once(request, db, me, given, make)

    @post("/professional/{professional_id:int}", name="api_status_professional", opt={"doc": STATUS_OF_PROFESSIONAL})
    async def professional(
        self,
        request: Request,
        professional_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
    ) -> JsonResponse:
        given = await read_body(request, StatusBody)

        async def make() -> JsonResponse:
            await Professionals(db).one(row(professional_id))
            await _set(db, database, me, professional_id, given)
            return tell(professional_json(await Professionals(db).one(professional_id)))

        return await once(request, db, me, given, make)


class DecisionApi(Controller):
    path = "/api"
    opt = only("admin", api=True)

    @post("/verify/professional/{professional_id:int}", name="api_verify", opt={"doc": VERIFY})
    async def verify(
        self, professional_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        await Professionals(db).one(row(professional_id))
        await approve(db, me, professional_id)
        return tell(professional_json(await Professionals(db).one(professional_id)))

    @post("/deny/professional/{professional_id:int}", name="api_deny", opt={"doc": DENY})
    async def denial(
        self,
        request: Request,
        professional_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> JsonResponse:
        given = await read_body(request, DenialBody)
        await Professionals(db).one(row(professional_id))
        await deny(db, me, professional_id, given.reason)
        return tell(professional_json(await Professionals(db).one(professional_id)))


class ProfileApi(Controller):
    path = "/api/profile/edit/{person_id:int}"

    @post(name="api_profile", opt=signed_in(api=True, doc=PROFILE))
    async def update(
        self, request: Request, person_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        given = await read_body(request, ProfileBody)
        if person_id != me.id:
            raise Missing
        user = await Users(db).get(me.id, lock=True)
        name = user.full_name if given.full_name is UNSET else given.full_name
        phone = user.phone if given.phone is UNSET else given.phone
        await change_details(db, user, Details(full_name=name, phone=phone))
        await _move(db, me, given)
        await db.flush()
        return tell(profile_json(user, await Addresses(db, me.id).main()))


# How


async def _set(db: AsyncSession, database: Database, me: Me, person_id: int, given: StatusBody) -> None:
    if given.blocked:
        await block(db, Sessions(database), me, person_id, given.reason)
    else:
        await unblock(db, me, person_id, given.reason)
    await db.flush()


async def _move(db: AsyncSession, me: Me, given: ProfileBody) -> None:
    """Where they live, when it is said. An admin lives nowhere here."""
    line, pincode = given.address, given.pincode
    if line is UNSET and pincode is UNSET:
        return
    if me.role == "admin":
        raise Invalid({name: _("There is no such field.") for name in ("address", "pincode")})
    if line is UNSET or pincode is UNSET:
        raise Invalid({"address" if line is UNSET else "pincode": _("This field is missing.")})
    if me.role == "professional":
        await move_home(db, me, line, pincode)
        return
    kept = cleaned({"address": lambda: line_of(line), "pincode": lambda: pincode_of(pincode)})
    place = await Pincodes(db).known(kept["pincode"])
    await address_book.write_main(db, me, kept["address"], place.pincode)
