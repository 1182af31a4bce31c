"""Cached responses of the API are never stale: each is read again right after each write that changes it."""

import asyncio
import json
from datetime import datetime, timedelta

import pytest
from litestar import Litestar
from sqlalchemy import text

from app.core import clock, events
from app.discovery.invalidation import invalidate_cache, slots_unchanged_seconds
from app.web.openapi import documented_handlers
from tests.api_client import ApiClient
from tests.application import serving, settings
from tests.discovery.cached_writes import (
    MORNING,
    WRITES,
    WrittenTown,
    edit,
    hold_ten,
)
from tests.discovery.conftest import TUESDAY
from tests.statements import count_statements

LISTS, SLOTS_OF_ALL, SLOTS_OF_BOTH = "list named", "slots", "slots his"
# All answers that a write changes.
CHANGED_ANSWERS = {
    "price": LISTS,
    "name": LISTS,
    "description": LISTS,
    "duration": f"{LISTS} {SLOTS_OF_BOTH}",
    "notice": SLOTS_OF_BOTH,
    "search words": "named",
    "another category": LISTS,
    "search words of a category": LISTS,
    "new service": LISTS,
    "retired": f"{LISTS} {SLOTS_OF_BOTH}",
    "restored": f"{LISTS} {SLOTS_OF_BOTH}",
    "deleted": f"{LISTS} {SLOTS_OF_BOTH}",
    "hold": SLOTS_OF_BOTH,
    "expired hold": SLOTS_OF_BOTH,
    "cancellation": SLOTS_OF_BOTH,
    "rescheduling": SLOTS_OF_BOTH,
    "job given up": SLOTS_OF_BOTH,
    "finished job": SLOTS_OF_BOTH,
    "review": SLOTS_OF_BOTH,
    "changed review": SLOTS_OF_BOTH,
    "hours": SLOTS_OF_BOTH,
    "time off": SLOTS_OF_BOTH,
    "time off taken back": SLOTS_OF_BOTH,
    "coverage": SLOTS_OF_BOTH,
    "block": SLOTS_OF_BOTH,
    "unblock": SLOTS_OF_BOTH,
    "approval": SLOTS_OF_ALL,
    "service given up": SLOTS_OF_BOTH,
    "experience": SLOTS_OF_BOTH,
    "home": SLOTS_OF_ALL,
    "name of a professional": SLOTS_OF_BOTH,
    "account deleted": SLOTS_OF_BOTH,
}


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_is_seen_by_the_next_request(written_town: WrittenTown, name: str) -> None:
    first, write = WRITES[name]
    await written_town.prepare(first)
    before = await written_town.read(written_town.api)
    assert await written_town.statements(written_town.api) == [], "every answer is cached"
    await written_town.write(write)
    judged = await written_town.read(written_town.api, written_town.uncached)
    assert {name for name, answer in judged.items() if answer != before[name]} == set(CHANGED_ANSWERS[name].split())
    assert await written_town.read(written_town.api) == judged


@pytest.mark.parametrize("name", WRITES)
async def test_without_the_clearing_the_old_answers_would_stand(
    written_town: WrittenTown, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the test above fails for each write that clears nothing: each changes an answer."""
    first, write = WRITES[name]
    await written_town.prepare(first)
    before = await written_town.read(written_town.api)
    others = [listener for listener in events._listeners if listener is not invalidate_cache]
    monkeypatch.setattr(events, "_listeners", others)
    await written_town.write(write)
    assert (
        await written_town.read(written_town.api)
        == before
        != await written_town.read(written_town.api, written_town.uncached)
    )


async def test_another_process_forgets_as_well(written_town: WrittenTown) -> None:
    services = written_town.app.state.services
    elsewhere = settings(services.settings.database_url, services.settings.redis_url)
    async with serving(elsewhere) as other, ApiClient(other) as client:
        before = await written_town.read(written_town.api, client)
        with count_statements(other.state.services.database) as statements:
            assert await written_town.read(written_town.api, client) == before
        assert statements == []
        await written_town.write(edit(price="177.00", minutes=120))
        judged = await written_town.read(written_town.api, written_town.uncached)
        for _ in range(40):
            if await written_town.read(written_town.api, client) == judged:
                return
            await asyncio.sleep(0.05)
        pytest.fail("the other process still has the old price")


async def test_without_redis_nothing_is_cached(written_town: WrittenTown) -> None:
    await written_town.read(written_town.api, written_town.uncached)
    async with written_town.app.state.services.database.work() as db:  # no event, nothing is published
        await db.execute(text("UPDATE services SET price = 999 WHERE id = :id"), {"id": written_town.service.id})
    listed = json.loads((await written_town.read(written_town.api, written_town.uncached))["list"])["items"]
    assert [item["price_paise"] for item in listed if item["id"] == written_town.service.id] == [999]


async def test_a_hold_that_lapses_frees_its_time_by_the_clock_alone(written_town: WrittenTown) -> None:
    await written_town.write(hold_ten)
    async with written_town.app.state.services.database.work() as db:
        lapses = "UPDATE reservations SET expires_at = :at WHERE expires_at IS NOT NULL"
        await db.execute(text(lapses), {"at": MORNING + timedelta(seconds=0.3)})
    held = await written_town.read(written_town.api)
    assert await written_town.statements(written_town.api) == []
    with clock.freeze(MORNING + timedelta(seconds=0.3)):
        judged = await written_town.read(written_town.api, written_town.uncached)
        assert judged["slots"] != held["slots"]
        async with asyncio.timeout(5):  # the cache goes by its own clock
            while await written_town.read(written_town.api) != judged:
                pass


@pytest.mark.parametrize(
    ("at", "lapse", "seconds"),
    [
        ("09:00:30", None, 30),
        ("09:00:00", None, 1),  # until a second after the minute its start can still be booked
        ("09:00:01", None, 59),
        ("09:00:59.5", None, 0.5),
        ("09:00:30", "09:00:40", 10),
        ("09:00:30", "09:02:00", 30),
    ],
)
def test_slots_stand_until_the_clock_may_change_them(at: str, lapse: str | None, seconds: float) -> None:
    moments = [datetime.fromisoformat(f"2026-11-24T{clock_time}+05:30") for clock_time in (at, lapse) if clock_time]
    with clock.freeze(moments[0]):
        assert slots_unchanged_seconds(*moments[1:]) == pytest.approx(seconds)


async def test_the_first_start_is_bookable_until_the_response_expires(written_town: WrittenTown) -> None:
    """A start at eleven, two hours' notice: bookable in the second after nine, and not after it."""
    slots = []
    for moment in (MORNING, TUESDAY, TUESDAY + timedelta(seconds=0.9), TUESDAY + timedelta(seconds=1)):
        with clock.freeze(moment):
            answer = json.loads((await written_town.read(written_town.api, written_town.uncached))["slots"])
            slots.append(answer["days"][0]["slots"][0])
    assert slots == ["2026-11-24T11:00:00+05:30"] * 3 + ["2026-11-24T11:30:00+05:30"]


def test_only_what_everyone_may_read_is_cached(two_processes: tuple[Litestar, Litestar]) -> None:
    cached = [handler for _, _, handler, doc in documented_handlers(two_processes[0]) if 304 in doc.responses]
    assert len(cached) == 3
    for handler in cached:
        assert handler.opt["access"] == "everyone"
        # Slots sent with a token leave out who is kept from the customer, and are never the cached ones:
        # tests/favourites/test_api.py.
        assert "me" not in handler.parsed_fn_signature.parameters or handler.name == "api_slots"
