"""The desk's own room in Google Chat: what an admin is to look at, a reference and a link, and nobody's data.

A room is read by many: nothing that is for one person goes there.
"""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Chronicle, Event
from app.core.i18n import N_, _
from app.core.orm import Base
from app.core.outbox import Outbox
from app.notifications.kinds import NOW
from app.notifications.messages import Letter

NAME = "chat"
ROOM = "the desk's room"  # in the row's address: no person's
# The facts that are said there.
SAID = {
    "booking.code_locked": N_("Wrong codes at a door: booking %(booking)s."),
    "booking.code_voided": N_("Ten wrong codes at a door, the code does not count any more: booking %(booking)s."),
    "booking.disputed": N_("Something is wrong with booking %(booking)s, somebody says."),
}


def rows(event: Event, record: Chronicle) -> Iterable[Base]:
    """One for the room, however many admins there are."""
    reference = getattr(record, "reference", None)
    if event.name not in SAID or reference is None:
        return
    yield Outbox(
        channel=NAME,
        lane=NOW,
        kind=event.name,
        address=ROOM,
        data={"booking": reference},
        dedupe_key=f"{event.subject}:{event.seq}:{NAME}",
        created_at=event.at,
        due_at=event.at,
    )


class Cards:
    """A row as the room reads it."""

    def __init__(self, site: str) -> None:
        self._site = site

    async def write(self, _db: AsyncSession, row: Outbox) -> Letter:
        said = _(SAID[row.kind], booking=row.data["booking"])
        return Letter(ROOM, said, "", f"{said}\n{self._site}/admin/bookings/{row.data['booking']}")
