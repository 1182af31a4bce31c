"""/admin/bookings: the table and the panel of one booking; show its contact (views are logged), void its code."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.audit.history import History
from app.bookings.booking import Booking
from app.bookings.code import entry_locked_until, is_spent
from app.bookings.decline import Dispute
from app.bookings.labels import ADMIN_STATE_FILTERS, CANCELLATIONS, FLAG_FILTERS, PAYMENT_METHODS, translated
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.timeline import timeline_steps
from app.bookings.timeline_repository import timeline_events
from app.core import clock
from app.core.i18n import N_, _
from app.dispatch import assignment
from app.dispatch.refund_repository import RefundQueue
from app.dispatch.repository import FILTERS, SORTS, AdminBookings
from app.dispatch.unassigned_repository import UnassignedBookings
from app.jobs.repository import Jobs
from app.payments.repository import Charges
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form, parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.panels import load_panels
from app.web.render import redirect, swap, wants_fragment
from app.web.table import TableView, table_view
from app.web.validation import validate_form

PATH = "/admin/bookings"
PANEL = "dispatch/_booking.html"
TABS = ("", "money", "history")
PERIOD_LABELS = {"today": N_("Today"), "upcoming": N_("Upcoming"), "past": N_("Past")}


class VoidCodeForm(Struct, kw_only=True):
    reason: Annotated[
        str, Meta(min_length=1, max_length=500, extra={"error": N_("Give a reason in 500 characters or fewer.")})
    ]


class BookingAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-bookings")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        table = await _table(db, _view(request))
        return await admin_page(request, db, "dispatch/bookings.html", "dispatch/_bookings.html", **table)

    @get("/{ref:str}", name="admin-booking")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _render(request, db, me, await Bookings(db).by_reference(ref))

    @get("/{ref:str}/contact", name="admin-contact", opt={"in_transaction": True})
    async def contact(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        """Show address and phones, after the view is recorded."""
        booking = await Bookings(db).by_reference(ref, lock=True)
        booking.record_contact_view(me)
        await db.flush()
        return await _render(request, db, me, booking, contact=await Jobs(db).admin_contact(booking))

    @post("/{ref:str}/voided-code", name="admin-voided-code")
    async def void_code(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def void() -> Booking:
            return await assignment.void_code(db, me, ref, validate_form(VoidCodeForm, form).reason)

        async def render_error(rejection: Rejection) -> HtmlResponse:
            booking = await Bookings(db).by_reference(ref)
            return await _render(request, db, me, booking, rejection=rejection)

        async def render_result(booking: Booking) -> HtmlResponse:
            if not wants_fragment(request):
                return redirect(request, _view(request).record_url(booking.reference))
            context = {"view": _view(request), **await _record(request, db, me, booking), "message": message}
            return swap(request, "dispatch/booking_changed.swap.html", **context)

        message = _("Code voided. The customer was notified how to get a new one.")
        return await submit(
            request,
            void,
            form=form,
            on_error=render_error,
            message="" if wants_fragment(request) else message,
            then=render_result,
        )


def _view(request: Request) -> TableView:
    """The table: today unless something is searched for; what is to come begins with the next."""
    params = parse_query(request)
    is_narrowed = any(params.get(name, "").strip() for name in ("q", "after", *FILTERS))
    period = params.get("period", "").strip() or ("all" if is_narrowed else "today")
    default = "starts" if period in ("today", "upcoming") else "-starts"
    view = table_view(request, PATH, sorts=SORTS, default=default, filters=FILTERS)
    return replace(view, filters={**view.filters, "period": period})


async def _render(
    request: Request, db: AsyncSession, me: Me, booking: Booking, *, rejection: Rejection | None = None, **more: Any
) -> HtmlResponse:
    """Render one booking and the table; only the panel for HTMX."""
    view = _view(request)
    table = {} if wants_fragment(request) else await _table(db, view)
    context = {"view": view, **table, **await _record(request, db, me, booking), **more}
    if rejection:
        context["refusal"] = rejection.refusal
        context["errors"] = rejection.errors
        context["values"] = {} if rejection.refusal else rejection.values
    response = await admin_page(request, db, "dispatch/bookings.html", PANEL, **context)
    response.status_code = rejection.status if rejection else 200
    return response


async def _table(db: AsyncSession, view: TableView) -> dict[str, Any]:
    bookings = AdminBookings(db)
    matches = await bookings.search(view.q)
    counts = await bookings.counts(view.filters, view.q)
    return {
        "view": view,
        "matches": matches,
        "page": await bookings.page(
            view.filters, matches, counts, sort=view.sort, descending=view.descending, after=view.after
        ),
        "counts": counts,
        "categories": await bookings.categories(),
        "active_filters": await describe_filters(bookings, {**view.filters, "period": ""}),
        "endings": translated(CANCELLATIONS),
        "flags": translated(FLAG_FILTERS),
        "payments": translated(PAYMENT_METHODS),
        "booking": None,
    }


async def _record(request: Request, db: AsyncSession, me: Me, booking: Booking) -> dict[str, Any]:
    """Return the panel's context; only what the open tab shows is read."""
    tab = parse_query(request).get("tab", "")
    code = booking.live_code("finish" if booking.state == State.STARTED else "start")
    due = booking.state in (State.ASSIGNED, State.STARTED)
    return {
        "booking": booking,
        "row": await AdminBookings(db).row(booking.id),
        "tab": tab if tab in TABS else "",
        "steps": timeline_steps(booking, await timeline_events(db, booking.reference), me),
        "code": code if due else None,
        "code_is_void": due and is_spent(code),
        "locked_until": entry_locked_until(code, clock.now()),
        "dispute": await db.get(Dispute, booking.id),
        "declines": await UnassignedBookings(db).declines(booking.id),
        "charges": await Charges(db).of_booking(booking.id),
        "refunds": await RefundQueue(db).of_booking(booking.id) if tab == "money" else [],
        "panels": await load_panels(request, db, f"dispatch.booking{tab and '.'}{tab}", booking),
        "history": await History(db).of(booking.subject) if tab == "history" else None,
        "contact": None,
        "refusal": None,
        "values": {},
        "errors": {},
        "message": None,
    }


async def describe_filters(bookings: AdminBookings, filters: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (field, text) of every active filter without a chip of its own."""
    category_names = dict(await bookings.categories()) if filters.get("category") else {}
    texts: dict[str, Callable[[str], str]] = {
        "state": lambda value: (
            _(ADMIN_STATE_FILTERS[value]) if value in ("held", "completed", "closed", "open") else ""
        ),
        "period": lambda value: _(PERIOD_LABELS[value]) if value in PERIOD_LABELS else "",
        "cancelled_as": lambda value: _(CANCELLATIONS.get(value, "–")),
        "from": lambda value: _("From %(day)s", day=value),
        "to": lambda value: _("Until %(day)s", day=value),
        "category": lambda value: category_names.get(value, "–"),
        "pincode": lambda value: value,
        "payment": lambda value: _(PAYMENT_METHODS.get(value, "–")),
        "accepted": lambda _value: _("Accepted"),
        "accepted_under": lambda value: _("Accepted within %(n)s min", n=value),
        "rating": lambda value: _("Reviewed") if value == "yes" else _("%(n)s of 5 stars", n=value),
        "by_clock": lambda _value: _("Completed automatically"),
        "disputed": lambda _value: _("Disputed"),
        "locked": lambda _value: _("Code locked or voided"),
        "blocked": lambda _value: _("Assigned to a blocked professional"),
        "flag": lambda value: _(FLAG_FILTERS.get(value, "–")),
    }
    described = [(name, text(filters[name])) for name, text in texts.items() if filters.get(name)]
    names = (
        ("service", bookings.service_name),
        ("professional", bookings.person_name),
        ("customer", bookings.person_name),
    )
    for name, find_name in names:
        if filters.get(name):
            described.append((name, await find_name(filters[name])))
    return [(name, text) for name, text in described if text]
