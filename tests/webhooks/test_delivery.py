"""Delivery to webhooks: signed, once for each event, and what happens when the server fails."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.errors import Invalid, Refused
from app.core.http_client import HttpClient
from app.core.outbox import Outbox
from app.jobs.acceptance import accept
from app.notifications.http_transport import HttpOutboxWorker
from app.webhooks import registration
from app.webhooks.repository import WebhookRepository
from app.webhooks.transport import StandardWebhook, WebhookRenderer
from tests.factories import an_admin
from tests.notifications.conftest import rows
from tests.webhook_sink import http_response, webhook_server

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
DOCUMENTED_PAYLOADS = json.loads(
    PAGE.read_text(encoding="utf-8").split("```json\n")[1].split("```")[0]
)  # the body on the page
URL = "https://chat.example/doorstep?key=k"


@pytest.fixture
async def sink(tmp_path):
    async with webhook_server(tmp_path) as made:
        yield made


@pytest.fixture
def own_database(database):
    """Nothing here happens side by side, so the database that forgets will do."""
    return database


@pytest.fixture
async def meena(own_database, town):
    async with own_database.work() as db:
        return await an_admin(db)


@pytest.fixture
async def registered(own_database, encryption, meena):
    """(id, secret)."""
    async with own_database.work() as db:
        made, secret = await registration.register(db, encryption, meena, URL)
        return made.id, secret


@pytest.fixture
def drain(own_database, encryption, settings, sink, registered):
    async def drain(outside: HttpClient | None = None) -> int:
        async with own_database.work() as db:
            webhook = await WebhookRepository(db).get(registered[0])
        transport = StandardWebhook(own_database, encryption, webhook, outside or sink.client())
        return await HttpOutboxWorker(own_database, WebhookRenderer(), transport, settings).drain()

    return drain


async def send_test(own_database, meena, registered):
    async with own_database.work() as db:
        await registration.test(db, meena, registered[0])


def read(received: bytes) -> tuple[dict[str, str], bytes]:
    head, body = received.split(b"\r\n\r\n", 1)
    lines = [line.partition(":") for line in head.decode().split("\r\n")[1:]]
    return {name.lower(): value.strip() for name, _, value in lines}, body


def signature(secret: str, head: dict[str, str], body: bytes) -> str:
    """Compute the signature as a receiver does, by the standard."""
    text = f"{head['webhook-id']}.{head['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


async def log_of(database, registered):
    async with database.work() as db:
        repository = WebhookRepository(db)
        return await repository.deliveries(await repository.get(registered[0]), 50)


async def test_what_becomes_of_a_booking_is_sent_signed_and_names_no_one(
    own_database, town, encryption, sink, registered, drain
):
    async with own_database.work() as db:
        await accept(db, town.ravi, town.booking.reference, encryption)
    assert await drain() == 1
    head, body = read(sink.requests[0])
    payload = json.loads(body)
    assert (payload["type"], payload["data"]["ref"], payload["data"]["state"]) == (
        "booking.assigned",
        town.booking.reference,
        "assigned",
    )
    assert payload["data"].keys() == DOCUMENTED_PAYLOADS["data"].keys()
    assert payload["data"]["start"] == town.booking.starts_at.isoformat()
    assert head["webhook-signature"] == signature(registered[1], head, body)
    assert abs(int(head["webhook-timestamp"]) - clock.now().timestamp()) < 60
    assert head["content-type"] == "application/json"
    for private in ("Asha", "Ravi", "Flat 3B", town.asha.phone, town.asha.email, town.ravi.phone):
        assert private not in sink.requests[0].decode()
    assert await drain() == 0


async def test_every_try_has_the_same_id_and_body_a_new_time_and_a_line_in_the_log(
    own_database, meena, sink, registered, drain
):
    await send_test(own_database, meena, registered)
    sink.answers = [http_response(500), http_response(302, "Location: https://127.0.0.1/"), http_response(200)]
    now = clock.now()
    for minutes in (0, 2, 10):
        with clock.freeze(now + timedelta(minutes=minutes)):
            await drain()
    attempts = [read(request) for request in sink.requests]
    assert len({head["webhook-id"] for head, _ in attempts}) == 1
    assert len({body for _, body in attempts}) == 1
    assert len({head["webhook-timestamp"] for head, _ in attempts}) == 3
    assert all(head["webhook-signature"] == signature(registered[1], head, body) for head, body in attempts)
    (delivery,) = await log_of(own_database, registered)
    assert [attempt.status for attempt in delivery.attempts] == [500, 302, 200]
    assert delivery.state == "sent"


async def test_a_new_secret_signs_beside_the_old_one_for_a_day(
    own_database, encryption, meena, sink, registered, drain
):
    async with own_database.work() as db:
        fresh = await registration.renew(db, encryption, meena, registered[0])
    await send_test(own_database, meena, registered)
    await drain()
    head, body = read(sink.requests[0])
    assert head["webhook-signature"].split() == [signature(item, head, body) for item in (fresh, registered[1])]
    with clock.freeze(clock.now() + timedelta(hours=25)):
        await send_test(own_database, meena, registered)
        await drain()
    head, body = read(sink.requests[1])
    assert head["webhook-signature"] == signature(fresh, head, body)


async def test_retry_after_is_respected(own_database, meena, sink, registered, drain):
    await send_test(own_database, meena, registered)
    sink.answers = [http_response(429, "Retry-After: 600"), http_response(200)]
    now = clock.now()
    for seconds, taken in ((0, 0), (599, 0), (601, 1)):
        with clock.freeze(now + timedelta(seconds=seconds)):
            assert await drain() == taken
    assert len(sink.requests) == 2


async def test_ten_failures_in_an_hour_switch_it_off_and_an_admin_switches_it_on(
    own_database, meena, sink, registered, drain
):
    sink.answers = [http_response(500)]
    now = clock.now()
    for second in range(10):
        with clock.freeze(now + timedelta(seconds=second)):
            await send_test(own_database, meena, registered)
            await drain()
    notified = [row for row in await rows(own_database) if row.kind == "webhook_off"]
    assert [row.recipient_id for row in notified] == [meena.id]
    sink.answers = [http_response(200)]
    with clock.freeze(now + timedelta(hours=1)):
        assert await drain() == 0
        async with own_database.work() as db:
            await registration.switch_on(db, meena, registered[0])
        assert await drain() == 10  # nothing was lost
    async with own_database.work() as db:
        assert (await WebhookRepository(db).get(registered[0])).event_count == 13


async def test_a_private_address_is_never_dialled(own_database, meena, sink, registered, drain):
    await send_test(own_database, meena, registered)
    sink.addresses = ["10.0.0.7"]
    assert await drain() == 0
    assert sink.connections == []
    (delivery,) = await log_of(own_database, registered)
    assert [(attempt.status, attempt.result) for attempt in delivery.attempts] == [(None, "not a public address")]


@pytest.mark.parametrize(
    "url",
    [
        "http://program.example/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://10.1.2.3:8443/x",
        "https://169.254.169.254/latest",
        "https://me@program.example/",
        "https://intranet/",
        "https://127.1/x",
        "https://0177.0.0.1/x",
        "https://127.0.0.1。/x",
        "ftp://program.example/",
        "banana",
    ],
)
async def test_an_address_that_is_not_public_https_is_refused_at_once(own_database, encryption, meena, url):
    async with own_database.work() as db:
        with pytest.raises(Invalid):
            await registration.register(db, encryption, meena, url)


async def test_there_are_five_at_most_and_none_twice(own_database, encryption, meena, registered):
    async with own_database.work() as db:
        with pytest.raises(Invalid):
            await registration.register(db, encryption, meena, URL)
        for number in range(4):
            await registration.register(db, encryption, meena, f"https://program.example/{number}")
        with pytest.raises(Refused):
            await registration.register(db, encryption, meena, "https://program.example/more")


async def test_an_ended_one_hears_nothing_more(own_database, town, encryption, meena, registered):
    await send_test(own_database, meena, registered)
    async with own_database.work() as db:
        await registration.end(db, meena, registered[0])
    async with own_database.work() as db:
        await accept(db, town.ravi, town.booking.reference, encryption)
        assert (await db.scalars(select(Outbox).where(Outbox.channel.like("webhook:%")))).all() == []


async def test_where_no_one_listens_nothing_is_written(own_database, town, encryption):
    async with own_database.work() as db:
        await accept(db, town.ravi, town.booking.reference, encryption)
    assert {row.channel for row in await rows(own_database)} == {"email"}


async def test_the_secret_is_sealed_and_the_history_holds_neither_it_nor_the_query(own_database, registered):
    async with own_database.work() as db:
        stored = await WebhookRepository(db).get(registered[0])
        assert registered[1].encode() not in stored.encrypted_secret
        assert stored.public_url == "https://chat.example/doorstep"
