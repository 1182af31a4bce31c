"""The admins' room in Google Chat: what is posted there, once, and what happens when the server fails."""

import contextlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core import clock
from app.core.datetimes import format_day
from app.core.errors import Invalid
from app.core.outbox import Outbox
from app.jobs.acceptance import accept
from app.jobs.handover import start
from app.notifications.channel import ChannelState
from app.notifications.channels.google_chat.transport import ADDRESS, DIGEST, NAME, ChatRenderer, GoogleChat, add_digest
from app.notifications.http_transport import HttpOutboxWorker
from app.settings import Settings
from tasks.notifications import DELIVERY_TASKS, send_room_digest
from tests.application import task_context
from tests.factories import a_request, an_admin
from tests.notifications.conftest import rows
from tests.webhook_sink import URL, http_response, webhook_server


@pytest.fixture
async def chat(tmp_path):
    async with webhook_server(tmp_path) as made:
        yield made


@pytest.fixture
def own_database(database):
    """Nothing here happens side by side, so the database that forgets will do."""
    return database


@pytest.fixture
def worker(own_database, settings, chat):
    room = GoogleChat(own_database, URL, chat.client())
    return HttpOutboxWorker(own_database, ChatRenderer("https://doorstep.example"), room, settings)


async def write(database, number: int, name: str = "booking.disputed") -> None:
    async with database.work() as db:
        now = clock.now()
        for n in range(number):
            row = {"kind": name, "address": ADDRESS, "dedupe_key": f"{name}:{now}:{n}", "data": {"booking": "7K3MQ9WD"}}
            db.add(Outbox(**row, channel=NAME, priority=0, created_at=now, due_at=now))


async def state(database) -> ChannelState:
    async with database.work() as db:
        return (await db.scalars(select(ChannelState))).one()


async def of_kind(database, kind: str) -> list[Outbox]:
    return [row for row in await rows(database) if row.kind == kind]


async def test_wrong_codes_and_a_dispute_are_reported_once_without_personal_data(
    own_database, town, encryption, chat, worker
):
    async with own_database.work() as db:
        for name in ("Meena Iyer", "Lekha Narayanan"):
            await an_admin(db, name)
        await accept(db, town.ravi, town.booking.reference, encryption)
    for digit in range(5):
        with contextlib.suppress(Invalid):
            async with own_database.work() as db:
                await start(
                    db, own_database.work, town.ravi, town.booking.reference, f"00000{digit}", encryption, early=True
                )
    async with own_database.work() as db:
        booking = await Bookings(db).by_reference(town.booking.reference, lock=True)
        booking.dispute(town.asha, "He broke the tap and was rude to Paati.")
    assert await worker.drain() == 2
    chat_texts = [json.loads(request.split(b"\r\n\r\n", 1)[1])["text"] for request in chat.requests]
    link = f"https://doorstep.example/admin/bookings/{town.booking.reference}"
    assert chat_texts == [
        f"Wrong codes at the door: booking {town.booking.reference}.\n{link}",
        f"The no-show fee was disputed: booking {town.booking.reference}.\n{link}",
    ]
    assert await worker.drain() == 0
    everything = " ".join(chat_texts)
    for private in ("Asha", "Ravi", "Paati", "Flat 3B", town.asha.phone, town.asha.email):
        assert private not in everything


async def test_nothing_else_goes_to_the_room(own_database, town, encryption):
    async with own_database.work() as db:
        await accept(db, town.ravi, town.booking.reference, encryption)
    assert {row.channel for row in await rows(own_database)} == {"email"}


async def test_the_room_may_have_the_list_of_tomorrow_by_reference(own_database, town, encryption, chat, worker):
    day = town.booking.starts_at.astimezone(clock.IST).date()
    async with own_database.work() as db:
        service = await db.get_one(Service, town.booking.service_id)
        other = await a_request(db, town.asha, service, town.booking.starts_at + timedelta(hours=3))
        await accept(db, town.ravi, town.booking.reference, encryption)
    async with own_database.work() as db:
        assert await add_digest(db, day)
    async with own_database.work() as db:
        assert not await add_digest(db, day)  # once for each day
        assert await add_digest(db, day + timedelta(days=1))
    assert await worker.drain() == 2
    texts = [json.loads(request.split(b"\r\n\r\n", 1)[1])["text"].split("\n") for request in chat.requests]
    link = "https://doorstep.example/admin/bookings"
    assert texts[0] == [
        f"{format_day(day)}: jobs 1, unassigned 1",
        f"Jobs: {town.booking.reference}",
        f"Unassigned: {other.reference}",
        link,
    ]
    assert texts[1] == [f"{format_day(day + timedelta(days=1))}: jobs 0, unassigned 0", link]


@pytest.mark.parametrize("is_wanted", [False, True])
async def test_the_list_is_written_only_where_the_setting_says_so(own_database, settings, is_wanted):
    url = "https://chat.googleapis.com/v1/spaces/x"
    configured = replace(settings, google_chat_webhook_url=url, google_chat_digest=is_wanted)
    assert await send_room_digest(task_context(own_database, configured, tick=clock.now())) is is_wanted
    assert len(await of_kind(own_database, DIGEST)) == is_wanted


async def test_retry_after_is_respected(own_database, chat, worker):
    await write(own_database, 3)
    chat.answers = [http_response(429, "Retry-After: 600"), http_response(200)]
    now = clock.now()
    with clock.freeze(now):
        assert await worker.drain() == 0
        assert (await state(own_database)).wait_until == now + timedelta(seconds=600)
        assert (await state(own_database)).failures == 0
    with clock.freeze(now + timedelta(seconds=599)):
        assert await worker.drain() == 0
    assert len(chat.requests) == 1
    with clock.freeze(now + timedelta(seconds=601)):
        assert await worker.drain() == 3
    assert (await state(own_database)).wait_until is None


async def test_ten_failures_in_an_hour_switch_it_off_and_every_admin_hears_of_it(own_database, chat, worker):
    async with own_database.work() as db:
        admins = [await an_admin(db, name) for name in ("Meena Iyer", "Lekha Narayanan")]
    await write(own_database, 1)
    chat.answers = [http_response(500)]
    began = now = clock.now()
    for number in range(10):
        assert await of_kind(own_database, "channel_off") == []
        with clock.freeze(now):
            await write(own_database, 1, "booking.code_locked")
            await worker.drain()
        assert len(chat.requests) == number + 1
        now += timedelta(seconds=1)
    notified = await of_kind(own_database, "channel_off")
    assert {row.recipient_id for row in notified} == {admin.id for admin in admins}
    assert (await state(own_database)).disabled_at is not None
    chat.answers = [http_response(200)]
    with clock.freeze(began + timedelta(hours=23)):
        assert await worker.drain() == 0
    assert len(chat.requests) == 10
    with clock.freeze(began + timedelta(hours=25)):
        assert await worker.drain() == 11  # nothing was lost
    assert (await state(own_database)).disabled_at is None


async def test_a_room_that_is_still_gone_a_day_later_is_off_again_at_once(own_database, chat, worker):
    async with own_database.work() as db:
        await an_admin(db)
        now = clock.now()
        db.add(ChannelState(channel=NAME, failures=10, disabled_at=now - timedelta(hours=25)))
    await write(own_database, 1)
    chat.answers = [http_response(404)]
    await worker.drain()
    await write(own_database, 1)
    await worker.drain()
    assert len(chat.requests) == 1
    assert len(await of_kind(own_database, "channel_off")) == 1


async def test_failures_that_are_hours_between_them_do_not_add_up(own_database, chat, worker):
    chat.answers = [http_response(500)]
    now = clock.now()
    for _ in range(11):
        with clock.freeze(now):
            await write(own_database, 1, "booking.code_voided")
            await worker.drain()
        now += timedelta(minutes=31)
    assert (await state(own_database)).disabled_at is None


@pytest.mark.parametrize(
    "answer", [http_response(302, "Location: https://127.0.0.1/"), http_response(500), b"", http_response(403)]
)
async def test_what_was_not_taken_stays_and_says_why(own_database, chat, worker, answer):
    await write(own_database, 1)
    chat.answers = [answer]
    assert await worker.drain() == 0
    (row,) = await rows(own_database)
    assert (row.sent_at, row.parked_at, row.claimed_until) == (None, None, None)
    assert row.due_at > clock.now()
    assert (await state(own_database)).failures == 1
    assert "token" not in (await state(own_database)).last_error


async def test_a_private_address_is_a_failure_and_is_never_dialled(own_database, chat, worker):
    await write(own_database, 1)
    chat.addresses = ["169.254.169.254"]
    assert await worker.drain() == 0
    assert chat.connections == []
    assert (await state(own_database)).last_error == "not a public address"


async def test_what_they_cannot_read_is_parked(own_database, chat, worker):
    await write(own_database, 1)
    chat.answers = [http_response(400)]
    assert await worker.drain() == 0
    (row,) = await rows(own_database)
    assert row.parked_at


async def test_without_a_room_nothing_waits_for_one(own_database, own_url):
    await write(own_database, 2)
    settings = Settings.from_env({"DOORSTEP_ENV": "test", "DATABASE_URL": own_url})
    assert await DELIVERY_TASKS["drain_google_chat"](task_context(own_database, settings)) == 0
    assert await rows(own_database) == []
