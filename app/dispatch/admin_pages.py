"""/admin/bookings: the table, one booking beside it, its contact (looks are written down), its code (voided unseen)."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.audit.history import History
from app.billing.ledger_repository import Ledger
from app.bookings.booking import Booking
from app.bookings.decline import Dispute
from app.bookings.labels import accounts, endings, kinds, payments, states
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.timeline import steps_of
from app.core import clock
from app.core.errors import Invalid, Refused
from app.core.i18n import N_, _
from app.dispatch import assignment
from app.dispatch.repository import FILTERS, SORTS, Desk
from app.dispatch.unassigned_repository import Dispatch
from app.jobs.handover import is_spent, locked_until
from app.jobs.repository import Jobs
from app.payments.repository import Charges
from app.web.admin import desk
from app.web.forms import form, query, read, shown_again
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, swap, wants_fragment
from app.web.table import View, view

PATH = "/admin/bookings"
PANEL = "dispatch/_booking.html"
TABS = ("", "money", "history")


class Why(Struct, kw_only=True):
    reason: Annotated[
        str, Meta(min_length=1, max_length=500, extra={"error": N_("Write why, in at most 500 characters.")})
    ]


class BookingDesk(Controller):
    path = PATH
    opt = only("admin")

    @get(name="desk-bookings")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        table = await _table(db, _view(request))
        return await desk(request, db, "dispatch/bookings.html", "dispatch/_bookings.html", **table)

    @get("/{ref:str}", name="desk-booking")
    async def show(self, request: Request, ref: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _drawn(request, db, await Bookings(db).by_reference(ref))

    @get("/{ref:str}/contact", name="desk-contact")
    async def contact(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        """Address and phones: that somebody looked is written down first."""
        booking = await Bookings(db).by_reference(ref, lock=True)
        booking.see_contact(me)
        await db.flush()
        return await _drawn(request, db, booking, contact=await Jobs(db).contact_of(booking))

    @post("/{ref:str}/voided-code", name="desk-voided-code")
    async def void_code(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            booking = await assignment.void_code(db, me, ref, read(Why, sent).reason)
        except Invalid as error:
            booking = await Bookings(db).by_reference(ref)
            return await _drawn(request, db, booking, status=422, errors=error.errors, values=shown_again(sent))
        except Refused as refusal:
            return await _drawn(request, db, await Bookings(db).by_reference(ref), status=409, refusal=refusal)
        words = _("The code is void. The customer has been told how to get a new one.")
        if not wants_fragment(request):
            flash(request, words)
            return go(request, _view(request).record_url(booking.reference))
        context = {"view": _view(request), **await _record(request, db, booking), "said": words}
        return swap(request, "dispatch/booking_changed.swap.html", **context)


# How


def _view(request: Request) -> View:
    return view(request, PATH, sorts=SORTS, default="-starts", filters=FILTERS)


async def _drawn(
    request: Request, db: AsyncSession, booking: Booking, *, status: int = 200, **more: Any
) -> HtmlResponse:
    """One booking beside the table; for HTMX alone."""
    asked = _view(request)
    around = {} if wants_fragment(request) else await _table(db, asked)
    context = {"view": asked, **around, **await _record(request, db, booking), **more}
    answer = await desk(request, db, "dispatch/bookings.html", PANEL, **context)
    answer.status_code = status
    return answer


async def _table(db: AsyncSession, asked: View) -> dict[str, Any]:
    lists = Desk(db)
    found = await lists.named(asked.q)
    return {
        "view": asked,
        "found": found,
        "page": await lists.listed(
            asked.chosen, found, sort=asked.sort, descending=asked.descending, after=asked.after
        ),
        "counts": await lists.counts(asked.chosen, asked.q),
        "categories": await lists.categories(),
        "told": await filters_in_words(lists, asked.chosen),
        "endings": endings(),
        "payments": payments(),
        "booking": None,
    }


async def _record(request: Request, db: AsyncSession, booking: Booking) -> dict[str, Any]:
    """The panel's part of the page; only what the open tab shows is read."""
    tab = query(request).get("tab", "")
    code = booking.live_code("finish" if booking.state == State.STARTED else "start")
    due = booking.state in (State.ASSIGNED, State.STARTED)
    return {
        "booking": booking,
        "row": await Desk(db).row(booking.id),
        "tab": tab if tab in TABS else "",
        "steps": steps_of(booking),
        "code": code if due else None,
        "code_is_void": due and is_spent(code),
        "locked_until": locked_until(code, clock.now()),
        "dispute": await db.get(Dispute, booking.id),
        "declines": await Dispatch(db).declines(booking.id),
        "charges": await Charges(db).of_booking(booking.id),
        "lines": await Ledger(db).of_booking(booking.id) if tab == "money" else [],
        "history": await History(db).of(booking.subject) if tab == "history" else None,
        "accounts": accounts(),
        "kinds": kinds(),
        "contact": None,
        "refusal": None,
        "values": {},
        "errors": {},
        "said": None,
    }


async def filters_in_words(lists: Desk, chosen: Mapping[str, str]) -> list[tuple[str, str]]:
    """(field, words) of every filter that no chip of its own stands for."""
    named = dict(await lists.categories())
    words: dict[str, Callable[[str], str]] = {
        "state": lambda value: states().get(value, "–") if value in ("held", "completed", "closed", "open") else "",
        "cancelled_as": lambda value: endings().get(value, "–"),
        "from": lambda value: _("From %(day)s", day=value),
        "to": lambda value: _("Until %(day)s", day=value),
        "category": lambda value: named.get(value, "–"),
        "pincode": lambda value: value,
        "payment": lambda value: payments().get(value, "–"),
        "accepted": lambda _value: _("Accepted"),
        "accepted_under": lambda value: _("Accepted within %(n)s min", n=value),
        "rating": lambda value: _("Reviewed") if value == "yes" else _("%(n)s of five stars", n=value),
        "by_clock": lambda _value: _("Ended by the clock"),
        "disputed": lambda _value: _("Objected to"),
        "locked": lambda _value: _("Code locked or void"),
        "blocked": lambda _value: _("Held by somebody blocked"),
    }
    told = [(name, said(chosen[name])) for name, said in words.items() if chosen.get(name)]
    for name, ask in (("service", lists.service), ("professional", lists.person), ("customer", lists.person)):
        if chosen.get(name):
            told.append((name, await ask(chosen[name])))
    return [(name, said) for name, said in told if said]
