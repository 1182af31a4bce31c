"""/admin/customers: the table and the panel of one customer; promote a customer to admin."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Users
from app.accounts.session import Sessions
from app.accounts.user import Role
from app.audit.history import History
from app.blocking.admin_pages import BlockAdminPages
from app.core.db import Database
from app.core.errors import Refused
from app.core.events import Person
from app.core.i18n import _
from app.core.paging import AnyRow
from app.people.admin_roles import promote
from app.people.customer_repository import SORTS, STATES, CustomerFilter, Customers
from app.scheduling.exclusion_repository import Exclusions
from app.web.actions import submit
from app.web.admin import admin_page
from app.web.forms import parse_form, parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import swap, wants_fragment
from app.web.table import TableView, table_view

PATH = "/admin/customers"
TABS = ("", "bookings", "history")


class CustomerAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-customers")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render(request, db, "people/_customers.html")

    @get("/{customer_id:int}", name="admin-customer", opt={"in_transaction": True})
    async def show(
        self, request: Request, customer_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        customer = await Customers(db).get(customer_id)
        tab = parse_query(request).get("tab", "")
        if tab not in TABS[1:] and customer.deleted_at is None:
            await record_contact_view(db, me, customer_id)
        return await _render(request, db, "people/_customer.html", customer, tab if tab in TABS else "")

    @post("/{customer_id:int}/promotion", name="promotion", opt=only("admin", fresh=True, right="owner"))
    async def promotion(
        self,
        request: Request,
        customer_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
    ) -> HtmlResponse:
        await parse_form(request)
        customer = await Customers(db).get(customer_id)
        return await submit(
            request,
            lambda: promote(db, Sessions(database), me, customer_id),
            catch=(Refused,),
            on_error=lambda rejection: _render(
                request, db, "people/_customer.html", customer, "history", rejection.refusal
            ),
            message=_("%(name)s is now an admin and must sign in again.", name=customer.full_name),
            then=f"/admin/admins/{customer_id}",
        )


class CustomerBlockPages(BlockAdminPages):
    path = PATH
    role = Role.CUSTOMER

    async def render_changed(self, request: Request, db: AsyncSession, person_id: int, message: str) -> HtmlResponse:
        return await render_changed(request, db, person_id, message)


async def render_changed(request: Request, db: AsyncSession, customer_id: int, message: str) -> HtmlResponse:
    """Render the panel and its row after an action, on the tab without phone and address."""
    view, customer = _view(request), await Customers(db).get(customer_id)
    context: dict[str, Any] = {
        "view": view,
        "customer": customer,
        "row": customer,
        "tab": "history",
        "message": message,
        "refusal": None,
    }
    headers = {"hx-replace-url": view.record_url(customer_id, tab="history")}
    context |= await _record_context(db, customer, "history")
    return swap(request, "people/customer_changed.swap.html", headers=headers, **context)


async def record_contact_view(db: AsyncSession, me: Person, person_id: int) -> None:
    """Record that an admin saw the person's phone and address."""
    person = await Users(db).get(person_id, lock=True)
    person.record("person.contact_seen", by=me)
    await db.flush()


async def _render(
    request: Request,
    db: AsyncSession,
    fragment: str,
    customer: AnyRow | None = None,
    tab: str = "",
    refusal: Refused | None = None,
) -> HtmlResponse:
    """Render the table with at most one record beside it; for HTMX only `fragment`."""
    view = _view(request)
    customers = Customers(db)
    criteria = CustomerFilter(view.q, view.filters["state"] if view.filters["state"] in STATES else "")
    context: dict[str, Any] = {"view": view, "customer": customer, "tab": tab, "refusal": refusal}
    if customer is not None:
        context |= await _record_context(db, customer, tab)
    if customer is None or not wants_fragment(request):
        context["page"] = await customers.list_page(
            criteria, sort=view.sort, descending=view.descending, after=view.after
        )
        context["counts"] = await customers.counts(view.q)
    status = 409 if refusal else 200
    return await admin_page(request, db, "people/customers.html", fragment, status=status, **context)


async def _record_context(db: AsyncSession, customer: AnyRow, tab: str) -> dict[str, Any]:
    customers = Customers(db)
    context: dict[str, Any] = {"totals": await customers.totals(customer.id)}
    context["block"] = await Users(db).active_block(customer.id)
    if tab == "bookings":
        context["bookings"] = await customers.bookings(customer.id)
    if tab == "history":
        context["history"] = await History(db).of(f"user-{customer.id}")
        context["exclusions"] = await Exclusions(db).of_person(customer.id)
    if tab == "":
        context["addresses"] = await customers.addresses(customer.id)
    return context


def _view(request: Request) -> TableView:
    return table_view(request, PATH, sorts=SORTS, default="-since", filters=("state",))
