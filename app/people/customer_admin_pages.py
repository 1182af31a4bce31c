"""/admin/customers: the table, and one customer beside it."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Users
from app.accounts.session import Sessions
from app.audit.history import History
from app.core.db import Database
from app.core.errors import Refused
from app.core.events import Person
from app.core.i18n import _
from app.core.keyset import AnyRow
from app.people.admin_roles import promote
from app.people.customer_repository import SORTS, STATES, Customers, Wanted
from app.web.admin import desk
from app.web.forms import form, query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, swap, wants_fragment
from app.web.table import View, view

PATH = "/admin/customers"
TABS = ("", "bookings", "history")


class CustomerDesk(Controller):
    path = PATH
    opt = only("admin")

    @get(name="desk-customers")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _draw(request, db, "people/_customers.html")

    @get("/{customer_id:int}", name="desk-customer")
    async def show(
        self, request: Request, customer_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        customer = await Customers(db).one(customer_id)
        tab = query(request).get("tab", "")
        if tab not in TABS[1:] and customer.left_at is None:
            await seen_by(db, me, customer_id)
        return await _draw(request, db, "people/_customer.html", customer, tab if tab in TABS else "")

    @post("/{customer_id:int}/promotion", name="promotion", opt=only("admin", fresh=True))
    async def promotion(
        self,
        request: Request,
        customer_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
    ) -> HtmlResponse:
        await form(request)
        customer = await Customers(db).one(customer_id)
        try:
            await promote(db, Sessions(database), me, customer_id)
        except Refused as refusal:
            return await _draw(request, db, "people/_customer.html", customer, "history", refusal=refusal)
        flash(request, _("%(name)s is an admin now, and signs in anew.", name=customer.full_name))
        return go(request, f"/admin/admins/{customer_id}")


async def redrawn(request: Request, db: AsyncSession, customer_id: int, words: str) -> HtmlResponse:
    """The panel and its row, after something was done to this customer; phone and address are not shown."""
    asked, customer = _view(request), await Customers(db).one(customer_id)
    context: dict[str, Any] = {
        "view": asked,
        "customer": customer,
        "row": customer,
        "tab": "history",
        "said": words,
        "refusal": None,
    }
    headers = {"hx-replace-url": asked.record_url(customer_id, tab="history")}
    context |= await _about(db, customer, "history")
    return swap(request, "people/customer_changed.swap.html", headers=headers, **context)


async def seen_by(db: AsyncSession, me: Person, person_id: int) -> None:
    """Phone and address of somebody were on an admin's screen: that is written down."""
    person = await Users(db).get(person_id, lock=True)
    person.record("person.contact_seen", by=me)
    await db.flush()


async def _draw(
    request: Request,
    db: AsyncSession,
    fragment: str,
    customer: AnyRow | None = None,
    tab: str = "",
    refusal: Refused | None = None,
) -> HtmlResponse:
    """The table with one record beside it, if any; for HTMX only the piece that was asked for."""
    asked = _view(request)
    customers = Customers(db)
    wanted = Wanted(asked.q, asked.chosen["state"] if asked.chosen["state"] in STATES else "")
    context: dict[str, Any] = {"view": asked, "customer": customer, "tab": tab, "refusal": refusal}
    if customer is not None:
        context |= await _about(db, customer, tab)
    if customer is None or not wants_fragment(request):
        context["page"] = await customers.listed(
            wanted, sort=asked.sort, descending=asked.descending, after=asked.after
        )
        context["counts"] = await customers.counts(asked.q)
    status = 409 if refusal else 200
    return await desk(request, db, "people/customers.html", fragment, status=status, **context)


async def _about(db: AsyncSession, customer: AnyRow, tab: str) -> dict[str, Any]:
    customers = Customers(db)
    told: dict[str, Any] = {"around": await customers.around(customer.id)}
    told["block"] = await Users(db).block_of(customer.id)
    if tab == "bookings":
        told["bookings"] = await customers.bookings(customer.id)
    if tab == "history":
        told["history"] = await History(db).of(f"user-{customer.id}")
    if tab == "":
        told["addresses"] = await customers.addresses(customer.id)
    return told


def _view(request: Request) -> View:
    return view(request, PATH, sorts=SORTS, default="-since", filters=("state",))
