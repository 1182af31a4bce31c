"""/admin/customers: the table, and one customer beside it."""

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.keyset import AnyRow
from app.standing.customer_repository import SORTS, STATES, Customers, Wanted
from app.web.desk import desk
from app.web.guards import only
from app.web.table import View, view

Asked = Request[Any, Any, Any]
Page = Response[bytes]
PATH = "/admin/customers"


class CustomerDesk(Controller):
    path = PATH
    opt = only("admin")

    @get(name="desk-customers")
    async def index(self, request: Asked, db: NamedDependency[AsyncSession]) -> Page:
        return await _draw(request, db, "standing/desk/_customers.html")

    @get("/{customer_id:int}", name="desk-customer")
    async def show(self, request: Asked, customer_id: FromPath[int], db: NamedDependency[AsyncSession]) -> Page:
        customer = await Customers(db).one(customer_id)
        return await _draw(request, db, "standing/desk/_customer.html", customer)


async def _draw(request: Asked, db: AsyncSession, fragment: str, customer: AnyRow | None = None) -> Page:
    """The table with one record beside it, if any; for HTMX only the piece that was asked for."""
    asked = _view(request)
    customers = Customers(db)
    wanted = Wanted(asked.q, asked.chosen["state"] if asked.chosen["state"] in STATES else "")
    return await desk(
        request,
        db,
        "standing/desk/customers.html",
        fragment,
        view=asked,
        page=await customers.listed(wanted, sort=asked.sort, descending=asked.descending, after=asked.after),
        counts=await customers.counts(asked.q),
        customer=customer,
    )


def _view(request: Asked) -> View:
    return view(request, PATH, sorts=SORTS, default="-since", filters=("state",))
