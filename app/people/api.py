"""People for programs: customers and professionals one by one and in lists, as the desk shows them."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.api_types import Listed, Paged
from app.core.errors import Missing
from app.core.keyset import Slice
from app.people.api_schemas import CustomerJson, NameQuery, ProfessionalJson, customer_json, professional_json
from app.people.customer_admin_pages import seen_by
from app.people.customer_repository import Customers
from app.people.customer_repository import Wanted as WantedCustomers
from app.people.professional_repository import Meant, Professionals, Wanted
from app.web.api import read_query, row, tell
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "People"
CUSTOMERS, PROFESSIONALS = Listed[CustomerJson], Listed[ProfessionalJson]
WHICH = {"customer_id": "Number of the customer.", "professional_id": "Number of the professional."}
ALL_CUSTOMERS = Doc(
    summary="Customers, the newest first", tag=TAG, query=Paged, answers={200: CUSTOMERS}, refuses=(404,)
)
A_CUSTOMER = Doc(
    summary="A customer with phone and address; a customer reads themselves",
    tag=TAG,
    path=WHICH,
    answers={200: CustomerJson},
)
ALL_PROFESSIONALS = Doc(
    summary="Professionals, the newest first", tag=TAG, query=Paged, answers={200: PROFESSIONALS}, refuses=(404,)
)
A_PROFESSIONAL = Doc(
    summary="A professional with phone and address; a professional reads themselves",
    tag=TAG,
    path=WHICH,
    answers={200: ProfessionalJson},
)
SEARCH = Doc(
    summary="Professionals whose name, trade, place or contact holds these words",
    tag=TAG,
    query=NameQuery,
    answers={200: PROFESSIONALS},
    refuses=(404,),
)


class PeopleApi(Controller):
    path = "/api"

    @get("/customers", name="api_customers", opt=only("admin", api=True, doc=ALL_CUSTOMERS))
    async def customers(self, request: Request, db: NamedDependency[AsyncSession]) -> JsonResponse:
        asked = read_query(request, Paged)
        found = await Customers(db).listed(
            WantedCustomers(), sort="since", descending=True, after=asked.after, limit=asked.limit
        )
        return tell(CUSTOMERS(items=[customer_json(one) for one in found.rows], next=found.next))

    @get("/customer/{customer_id:int}", name="api_customer", opt=only("admin", "customer", api=True, doc=A_CUSTOMER))
    async def customer(
        self, customer_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        _own_or_admin(me, customer_id)
        found = await Customers(db).one(row(customer_id))
        if me.role == "admin" and found.left_at is None:
            await seen_by(db, me, customer_id)
        lines = await Customers(db).addresses(customer_id)
        return tell(customer_json(found, lines[0].line if lines else None, whole=True))

    @get("/professional", name="api_professionals", opt=only("admin", api=True, doc=ALL_PROFESSIONALS))
    async def professionals(self, request: Request, db: NamedDependency[AsyncSession]) -> JsonResponse:
        asked = read_query(request, Paged)
        found = await Professionals(db).listed(
            Wanted(), Meant(), sort="since", descending=True, after=asked.after, limit=asked.limit
        )
        return _listed(found)

    @get(
        "/professional/{professional_id:int}",
        name="api_professional",
        opt=only("admin", "professional", api=True, doc=A_PROFESSIONAL),
    )
    async def professional(
        self, professional_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        _own_or_admin(me, professional_id)
        found = await Professionals(db).one(row(professional_id))
        if me.role == "admin" and found.left_at is None:
            await seen_by(db, me, professional_id)
        lines = await Professionals(db).addresses(professional_id)
        return tell(professional_json(found, lines[0].line if lines else None, whole=True))

    @get("/user", name="api_users", opt=only("admin", api=True, doc=SEARCH))
    async def search(self, request: Request, db: NamedDependency[AsyncSession]) -> JsonResponse:
        asked, professionals = read_query(request, NameQuery), Professionals(db)
        meant = await professionals.meant(asked.name)
        found = await professionals.listed(
            Wanted(asked.name), meant, sort="since", descending=True, after=asked.after, limit=asked.limit
        )
        return _listed(found)


# How


def _own_or_admin(me: Me, person_id: int) -> None:
    if me.role != "admin" and me.id != person_id:
        raise Missing


def _listed(found: Slice) -> JsonResponse:
    return tell(PROFESSIONALS(items=[professional_json(one) for one in found.rows], next=found.next))
