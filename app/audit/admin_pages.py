"""/admin/events: everything that happened, the latest first, and one event with its place in the chain."""

from datetime import date

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import IDS
from app.audit.history import Fact
from app.audit.messages import FAMILIES, SAID
from app.audit.repository import Events, Proof, Wanted
from app.core.i18n import _
from app.web.admin import desk
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.table import View, view

PATH = "/admin/events"
FILTERS = ("record", "by", "name", "from", "until")
# Where a record is looked at; people have a page by their role.
RECORDS = {
    "booking": "/admin/bookings",
    "category": "/admin/services/categories",
    "service": "/admin/services",
    "webhook": "/admin/webhooks",
}
PEOPLE = {"customer": "/admin/customers", "professional": "/admin/professionals", "admin": "/admin/admins"}


class EventDesk(Controller):
    path = PATH
    opt = only("admin")

    @get(name="desk-events")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _draw(request, db, "audit/_events.html")

    @get("/{event_id:int}", name="desk-event")
    async def show(self, request: Request, event_id: FromPath[int], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        events = Events(db)
        fact = await events.one(event_id)
        return await _draw(request, db, "audit/_event.html", fact, await events.proof(fact))


async def _draw(
    request: Request, db: AsyncSession, fragment: str, fact: Fact | None = None, proof: Proof | None = None
) -> HtmlResponse:
    asked, events = view(request, PATH, sorts=("time",), default="-time", filters=FILTERS), Events(db)
    wanted = _wanted(asked)
    who = await events.person(wanted.by)
    return await desk(
        request,
        db,
        "audit/events.html",
        fragment,
        view=asked,
        page=await events.listed(wanted, descending=asked.descending, after=asked.after),
        names=[("", _("Anything")), *((name, _(words, who=_("Somebody"))) for name, words in SAID.items())],
        families=[("", _("All"), None), *((name, _(words), None) for name, words in FAMILIES.items())],
        who=who[0] if who else "",
        fact=fact,
        proof=proof,
        record_at=await _record_at(events, fact) if fact else None,
    )


def _wanted(asked: View) -> Wanted:
    chosen = asked.chosen
    return Wanted(
        people=asked.q,
        by=_number(chosen["by"]) if chosen["by"] else None,
        record=_subject(chosen["record"]),
        name=chosen["name"],
        since=_day(chosen["from"]),
        until=_day(chosen["until"]),
    )


def _number(typed: str) -> int:
    """A person's, or 0, which is nobody's."""
    number = int(typed) if typed.isascii() and typed.isdigit() else 0
    return number if number in IDS else 0


def _subject(typed: str) -> str:
    """A booking's reference alone means the booking."""
    return f"booking-{typed.upper()}" if typed and "-" not in typed else typed


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed) if len(typed) == len("2026-11-24") else None
    except ValueError:
        return None


async def _record_at(events: Events, fact: Fact) -> str | None:
    """The page of what it happened to."""
    kind, _dash, key = fact.subject.partition("-")
    if kind in RECORDS:
        return f"{RECORDS[kind]}/{key}"
    person = await events.person(int(key)) if kind == "user" else None
    return f"{PEOPLE[person[1]]}/{key}" if person else None
