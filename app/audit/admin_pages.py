"""/admin/events: all events, the latest first, and one event with the proof of its hash chain."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import ROW_IDS
from app.audit.history import HistoryEntry
from app.audit.repository import ChainProof, EventFilter, EventQueries
from app.core.datetimes import YEARS, parse_day
from app.core.event_types import registry
from app.core.i18n import _
from app.core.references import parse_reference
from app.web.admin import admin_page
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.table import TableView, table_view

PATH = "/admin/events"
FILTERS = ("record", "by", "name", "from", "until")
USER_PAGES = {"customer": "/admin/customers", "professional": "/admin/professionals", "admin": "/admin/admins"}


class EventAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-events")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render(request, db, "audit/_events.html")

    @get("/{event_id:int}", name="admin-event")
    async def show(self, request: Request, event_id: FromPath[int], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        events = EventQueries(db)
        entry = await events.get(event_id)
        return await _render(request, db, "audit/_event.html", entry, await events.proof(entry))


async def _render(
    request: Request,
    db: AsyncSession,
    fragment: str,
    entry: HistoryEntry | None = None,
    proof: ChainProof | None = None,
) -> HtmlResponse:
    view, events = table_view(request, PATH, sorts=("time",), default="-time", filters=FILTERS), EventQueries(db)
    filters = _filters(view)
    actor = await events.name_and_role(filters.by)
    return await admin_page(
        request,
        db,
        "audit/events.html",
        fragment,
        view=view,
        page=await events.matching(filters, descending=view.descending, after=view.after),
        names=[
            ("", _("Any type")),
            *((event_type.name, _(event_type.message, who=_("Someone"))) for event_type in registry),
        ],
        families=[("", _("All"), None), *((family.name, _(family.label), None) for family in registry.families)],
        who=actor[0] if actor else "",
        entry=entry,
        proof=proof,
        record_page=await _record_page(events, entry) if entry else None,
    )


def _filters(view: TableView) -> EventFilter:
    values = view.filters
    return EventFilter(
        people=view.q,
        by=_user_id(values["by"]) if values["by"] else None,
        record=_subject(values["record"]),
        name=values["name"],
        since=parse_day(values["from"], YEARS),
        until=parse_day(values["until"], YEARS),
    )


def _user_id(text: str) -> int:
    """Parse an id; 0, which matches no user, if it is invalid."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    return number if number in ROW_IDS else 0


def _subject(text: str) -> str:
    """A booking's reference alone means the booking."""
    kind, dash, key = text.partition("-")
    if kind == "booking" or not (dash and kind.isalpha() and kind.islower()):
        return f"booking-{parse_reference(key if kind == 'booking' else text)}" if text else ""
    return text


async def _record_page(events: EventQueries, entry: HistoryEntry) -> str | None:
    """The admin page of the record that the event happened to."""
    family = registry.family_of(entry.name)
    kind, _dash, key = entry.subject.partition("-")
    if kind == "user":
        user = await events.name_and_role(int(key))
        return f"{USER_PAGES[user[1]]}/{key}" if user else None
    return f"{family.admin_page}/{key}" if family and family.admin_page else None
