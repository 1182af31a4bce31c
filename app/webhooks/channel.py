"""Signed words for programs: what became of a booking, by references and times alone, and nobody's personal data.

The signature is the one of standardwebhooks.com: HMAC-SHA256 over id, time and body; libraries check it.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import object_session

from app.bookings.booking import Booking
from app.core import clock
from app.core.events import Chronicle, Event
from app.core.orm import Base
from app.core.outbox import Outbox
from app.notifications.kinds import SOON
from app.notifications.messages import Letter
from app.webhooks.repository import living_ids
from app.webhooks.webhook import CHANNEL

MARK = "whsec_"  # what a secret begins with
TEST = "test"
# The facts that are told. What is said at the door, of codes, or who passed on an offer, stays in the house.
TOLD = (
    "booking.requested",
    "booking.assigned",
    "booking.given",
    "booking.returned",
    "booking.offered_again",
    "booking.moved",
    "booking.departed",
    "booking.arrived",
    "booking.started",
    "booking.completed",
    "booking.closed",
    "booking.cancelled",
    "booking.settled",
)


def rows(event: Event, record: Chronicle) -> Iterable[Base]:
    """One for each webhook that listens now."""
    session = object_session(record)
    if event.name not in TOLD or not isinstance(record, Booking) or session is None:
        return
    for webhook_id in living_ids(session):
        data: dict[str, object] = {
            "type": event.name,
            "timestamp": event.at.astimezone(clock.IST).isoformat(),
            "data": _facts(event, record),
        }
        yield row(webhook_id, event.name, data, f"{event.subject}:{event.seq}", event.at)


def row(webhook_id: int, kind: str, data: dict[str, object], key: str, at: datetime) -> Outbox:
    channel = f"{CHANNEL}{webhook_id}"
    return Outbox(
        channel=channel,
        lane=SOON,
        kind=kind,
        address=channel,
        data=data,
        dedupe_key=f"{key}:{channel}",
        created_at=at,
        due_at=at,
    )


class Parcels:
    """A row as a program reads it: the same bytes on every try."""

    async def write(self, _db: AsyncSession, row: Outbox) -> Letter:
        return Letter(row.channel, row.kind, "", json.dumps(row.data, sort_keys=True, separators=(",", ":")))


def delivery_id(row: Outbox) -> str:
    """The same on every try, so that who has it already knows."""
    return "msg_" + hashlib.sha256(row.dedupe_key.encode()).hexdigest()[:32]


def signed(secrets: Sequence[str], message: str, at: int, body: bytes) -> str:
    """`at` in seconds since 1970; one signature for each secret, parted by spaces."""
    said = f"{message}.{at}.".encode() + body
    return " ".join(f"v1,{_signature(secret, said)}" for secret in secrets)


def _signature(secret: str, said: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(MARK))
    return base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()


def _facts(event: Event, booking: Booking) -> dict[str, object]:
    """Times with offset, money in paise; `sequence` tells the order of one booking's facts."""
    return {
        "ref": booking.reference,
        "state": booking.state,
        "sequence": event.seq,
        "service_id": booking.service_id,
        "service": booking.service_name,
        "start": booking.starts_at.astimezone(clock.IST).isoformat(),
        "end": booking.ends_at.astimezone(clock.IST).isoformat(),
        "price_paise": booking.price,
        "cancelled_as": booking.cancelled_as,
    }
