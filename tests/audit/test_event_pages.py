"""/admin/events: events by record, user, event and day, and the proof of their hash chains."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from app.audit.repository import EventFilter, EventQueries
from app.core import clock
from app.core.db import Database
from app.core.events import PLATFORM
from tests.factories import a_customer, a_service, an_admin

PATH = "/admin/events"
TAMPERED = """UPDATE events SET facts = facts || '{{"after": {{"price": 1}}}}' WHERE subject = '{0}' AND seq = 2"""


@pytest.fixture
async def recorded_events(app_database, browser_of):
    """Three services, each with a history; who looked after them; and Meena's browser."""
    async with app_database.work() as db:
        meena, lekha = await an_admin(db, "Meena Iyer"), await an_admin(db, "Lekha Nair")
        services = [await a_service(db) for _ in range(3)]
        for days, service in enumerate(services):
            at = clock.now() - timedelta(days=days)
            service.record("service.created", by=PLATFORM, at=at, after={"price": 149_00})
            service.record(
                "service.changed",
                by=lekha,
                at=at + timedelta(minutes=1),
                before={"price": 149_00},
                after={"price": 159_00},
            )
    return services, lekha, await browser_of(meena)


async def test_the_whole_history_of_one_record(recorded_events):
    services, _lekha, meena = recorded_events
    page = await meena.visit(f"{PATH}?record={services[0].subject}")
    assert "Lekha Nair changed the price from ₹149 to ₹159." in page.text
    assert "Doorstep added the service to the catalogue." in page.text
    assert f'href="{PATH}?record={services[1].subject}"' not in page.text


@pytest.mark.parametrize(
    ("query", "seqs"),
    [
        ({"name": "service"}, [2, 1]),
        ({"name": "service.changed"}, [2]),
        ({"name": "booking"}, []),
        ({"name": "service.painted"}, []),
        ({"by": "{lekha}"}, [2]),
        ({"by": "0"}, []),
        ({"by": "Lekha"}, []),
        ({"q": "{email}"}, [2]),
        ({"q": "nobody of this name"}, []),
        ({"from": "{today}", "until": "{today}"}, [2, 1]),
        ({"until": "{yesterday}"}, []),
        ({"from": "banana"}, [2, 1]),
        ({"sort": "time"}, [1, 2]),
    ],
)
async def test_filters_select_what_is_listed(recorded_events, query, seqs):
    services, lekha, meena = recorded_events
    values = {
        "lekha": lekha.id,
        "email": lekha.email,
        "today": clock.today(),
        "yesterday": clock.today() - timedelta(days=1),
    }
    overrides = {name: value.format(**values) for name, value in query.items()}
    page = await meena.visit(f"{PATH}?" + urlencode({"record": services[0].subject, **overrides}))
    sentences = {1: "Doorstep added the service", 2: "Lekha Nair changed the price"}
    found = sorted((page.text.index(text), seq) for seq, text in sentences.items() if text in page.text)
    assert (page.status, [seq for _location, seq in found]) == (200, seqs)


async def test_an_event_shows_where_it_stands_and_that_nothing_before_it_was_changed(recorded_events, app_database):
    services, _lekha, meena = recorded_events
    async with app_database.work() as db:
        (changed, created) = (await EventQueries(db).matching(_of(services[0]), descending=True, after="")).items
    page = await meena.visit(f"{PATH}/{changed.id}")
    assert "Verified: 2 hashes recomputed just now." in page.text
    assert created.hash.hex() in page.text
    assert changed.hash.hex() in page.text
    assert "Lekha Nair changed the price from ₹149 to ₹159." in page.text


async def test_a_history_that_was_tampered_with_is_shown_as_such(services, browser_of, own_url):
    """As the owner of the tables could, who alone gets past the triggers."""
    database = Database(own_url)
    async with database.work() as db:
        service = await a_service(db)
        for price in (1, 2, 3):
            service.record("service.changed", by=PLATFORM, before={"price": price}, after={"price": price + 1})
    name = own_url.rpartition("/")[2].partition("?")[0]
    services.sql(f"ALTER TABLE events DISABLE TRIGGER USER; {TAMPERED.format(service.subject)}", name)
    async with database.work() as db:
        facts = (await EventQueries(db).matching(_of(service), descending=False, after="")).items
        assert [(await EventQueries(db).proof(fact)).broken_at for fact in facts] == [0, 2, 2]
    await database.close()


async def test_pages_follow_one_another_without_gap_or_double(db):
    service = await a_service(db)
    at = clock.now()
    for number in range(45):  # nine at the same moment, each time
        service.record("service.changed", by=PLATFORM, at=at + timedelta(seconds=number // 9), before={"price": number})
    await db.flush()
    loaded: list[int] = []
    after: str | None = ""
    while after is not None:
        page = await EventQueries(db).matching(_of(service), descending=True, after=after)
        loaded, after = loaded + [fact.seq for fact in page.items], page.next
    assert loaded == list(range(45, 0, -1))


async def test_no_one_finds_an_event_that_is_none(recorded_events, browser_of, app_database):
    _services, _lekha, meena = recorded_events
    assert [(await meena.visit(f"{PATH}/{number}")).status for number in (0, 2**62, 2**80)] == [404] * 3
    async with app_database.work() as db:
        omar = await a_customer(db, "Omar Sheriff")
    assert (await (await browser_of(omar)).visit(f"{PATH}/1")).status == 403


def _of(record) -> EventFilter:
    return EventFilter(record=record.subject)
