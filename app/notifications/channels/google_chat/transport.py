"""Post to the admins' room through Google Chat's webhook."""

import json
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.datetimes import format_day
from app.core.db import Database
from app.core.event_types import registry
from app.core.http_client import HttpClient
from app.core.i18n import _
from app.core.outbox import Outbox
from app.notifications.channel import DeliveryContext
from app.notifications.http_transport import HttpOutboxWorker, HttpTransport, OutboundRequest
from app.notifications.kinds import SOON
from app.notifications.messages import RenderedMessage
from app.notifications.reminder_repository import ReminderQueries
from app.notifications.repository import OutboxRepository

NAME = "chat"
DIGEST = "digest"  # the kind of its outbox rows
MAX_DIGEST_REFERENCES = 40
ADDRESS = "the admins' chat room"  # recipient of the outbox rows


async def deliver(context: DeliveryContext) -> int:
    """Where no room is configured, pending rows are deleted."""
    settings, database = context.settings, context.database
    url = settings.google_chat_webhook_url
    if url is None:
        async with database.work() as db:
            await OutboxRepository(db).delete_pending(NAME)
        return 0
    return await HttpOutboxWorker(
        database, ChatRenderer(settings.base_url), GoogleChat(database, url), settings
    ).drain()


class ChatRenderer:
    """Renders a row as one line and a link to the booking; a digest as a list of references."""

    def __init__(self, site: str) -> None:
        self._site = site

    async def render(self, _db: AsyncSession, row: Outbox) -> RenderedMessage:
        if row.kind == DIGEST:
            text = _digest_text(row)
            return RenderedMessage(ADDRESS, text, "", f"{text}\n{self._site}/admin/bookings")
        text = _(registry.require(row.kind).chat, booking=row.data["booking"])
        return RenderedMessage(ADDRESS, text, "", f"{text}\n{self._site}/admin/bookings/{row.data['booking']}")


async def add_digest(db: AsyncSession, day: date) -> bool:
    """Write the day's digest for the room; False when it was written before."""
    now, since, until = clock.now(), clock.at(day), clock.at(day + timedelta(days=1))
    jobs, unassigned = await ReminderQueries(db).references_of(since, until, MAX_DIGEST_REFERENCES)
    row = Outbox(
        channel=NAME,
        priority=SOON,
        kind=DIGEST,
        address=ADDRESS,
        data={"day": day.isoformat(), "jobs": jobs, "unassigned": unassigned},
        dedupe_key=f"{DIGEST}:{day}:{NAME}",
        created_at=now,
        due_at=now,
    )
    return bool(await OutboxRepository(db).insert_new([row]))


def _digest_text(row: Outbox) -> str:
    """Counts and references of a day: `data` has the first references and the number of all."""
    lines = [
        _(
            "%(day)s: jobs %(jobs)s, unassigned %(unassigned)s",
            day=format_day(date.fromisoformat(row.data["day"])),
            jobs=row.data["jobs"]["count"],
            unassigned=row.data["unassigned"]["count"],
        )
    ]
    for label, listed in ((_("Jobs"), row.data["jobs"]), (_("Unassigned"), row.data["unassigned"])):
        references = listed["references"]
        if references:
            more = " …" if listed["count"] > len(references) else ""
            lines.append(f"{label}: {', '.join(references)}{more}")
    return "\n".join(lines)


class GoogleChat(HttpTransport):
    """Google Chat's webhook of one room."""

    kind = "channel_off"

    def __init__(self, database: Database, url: str, http_client: HttpClient | None = None) -> None:
        super().__init__(database, NAME, url, http_client)

    def build_request(self, message: RenderedMessage, row: Outbox) -> OutboundRequest:
        return OutboundRequest(json.dumps({"text": message.text}).encode(), "application/json; charset=UTF-8")
