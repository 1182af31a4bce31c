"""Adding an event is one declaration: history, cache, notifications, webhooks and calendar follow from it."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from app.audit.history import History
from app.bookings.booking import Booking
from app.bookings.calendar_repository import _revisions
from app.bookings.repository import Bookings
from app.core.admin_audience import ADMIN_AUDIENCE, BOOKINGS_TOPIC
from app.core.cache_tags import REVIEWS, SLOTS
from app.core.event_types import (
    EventFamily,
    EventRegistry,
    EventType,
    NotificationRule,
    UndeclaredEvent,
    record_field,
    registry,
)
from app.core.events import pop_outgoing_messages
from app.core.outbox import Outbox
from app.discovery.invalidation import stale_tags
from app.notifications.inbox import InboxItem
from app.webhooks import registration
from tests.factories import an_admin

PRAISED = EventType(
    "booking.praised",
    "%(who)s praised the work.",
    (REVIEWS, SLOTS),
    labels={"warmth": "how warmly"},
    hidden=("ledger_id",),
    private=("secret_wish",),
    enums=("method",),
    notifies=(
        NotificationRule("job_assigned", record_field("requested_professional_id")),
        NotificationRule("booking_completed", record_field("customer_id")),
    ),
    carries=("warmth",),
    webhook="booking.praised",
    chat="Praise for booking %(booking)s.",
    changes_calendar=True,
)


@pytest.fixture
def own_database(database):
    return database


@pytest.fixture
def praised() -> Iterator[EventType]:
    registry.register([PRAISED])
    yield PRAISED
    registry.unregister([PRAISED])


async def record(database, town, encryption) -> tuple[Booking, list[tuple[str, str]]]:
    """Asha praises the work while a webhook listens; the booking, and what is published after the commit."""
    async with database.work() as db:
        await registration.register(db, encryption, await an_admin(db), "https://chat.example/doorstep")
    async with database.work() as db:
        booking = await Bookings(db).by_reference(town.booking.reference)
        facts: dict[str, Any] = {"warmth": "very", "ledger_id": 7, "method": "upi"}
        booking.record("booking.praised", by=town.asha, personal={"secret_wish": "Tea"}, **facts)
        await db.flush()
        messages = [(message.audience, message.topic) for message in pop_outgoing_messages(db)]
    return booking, messages


async def test_it_stands_in_the_history(own_database, town, encryption, praised):
    booking, _messages = await record(own_database, town, encryption)
    async with own_database.work() as db:
        entry = (await History(db).of(booking.subject)).items[0]
    assert entry.sentence == "Asha Raman praised the work."
    assert {line.head: line.now for line in entry.lines} == {
        "How warmly": "very",
        "The payment method": "UPI",
        "Secret_wish": "hidden",
    }


async def test_it_clears_the_cache_and_reloads_open_pages(own_database, town, encryption, praised):
    assert stale_tags(praised.name) == (REVIEWS, SLOTS)
    _booking, messages = await record(own_database, town, encryption)
    assert {("cache", REVIEWS), ("cache", SLOTS), (ADMIN_AUDIENCE, BOOKINGS_TOPIC)} <= set(messages)
    assert (f"user:{town.asha.id}", "notices") in messages


async def test_it_is_notified_by_every_channel(own_database, town, encryption, praised):
    booking, _messages = await record(own_database, town, encryption)
    async with own_database.work() as db:
        item = (await db.scalars(select(InboxItem).where(InboxItem.kind == "booking_completed"))).one()
        rows = {row.channel.partition(":")[0]: row for row in await db.scalars(select(Outbox).order_by(Outbox.id))}
    assert (item.user_id, item.data) == (town.asha.id, {"warmth": "very", "booking": booking.reference})
    assert (rows["email"].kind, rows["email"].recipient_id) == ("booking_completed", town.asha.id)
    assert (rows["chat"].kind, rows["chat"].data) == (praised.name, {"booking": booking.reference})
    assert rows["webhook"].data["type"] == praised.name
    assert rows["webhook"].data["data"]["ref"] == booking.reference


def test_it_is_a_revision_of_the_calendar_entry(praised):
    assert praised.name in _revisions()


async def test_an_undeclared_event_cannot_be_recorded(own_database, town):
    async with own_database.work() as db:
        booking = await Bookings(db).by_reference(town.booking.reference)
        with pytest.raises(UndeclaredEvent, match="booking.praised"):
            booking.record("booking.praised", by=town.asha)


def test_a_declaration_says_what_it_makes_stale():
    with pytest.raises(TypeError):
        EventType("booking.praised", "%(who)s praised the work.")  # type: ignore[call-arg]  # that is the point


@pytest.mark.parametrize("name", ["booking.praised", "parcel.lost"])
def test_no_event_is_declared_twice_or_without_a_family(name):
    own = EventRegistry()
    own.register([PRAISED], [EventFamily("booking", "Bookings")])
    with pytest.raises(ValueError, match=name):
        own.register([EventType(name, "%(who)s.", ())])
