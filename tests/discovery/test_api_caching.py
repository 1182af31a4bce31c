"""Cached responses of the API are never stale: each is read again right after each write that changes it.

The judge is a process without Redis, which caches nothing, on the same database.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from litestar import Litestar
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.professional import Professional
from app.accounts.profile import change_details
from app.accounts.repository import ProfessionalRatings
from app.accounts.schemas import Details
from app.accounts.session import Sessions
from app.accounts.user import User
from app.blocking.block import block, unblock
from app.bookings.cancellation import cancel_by_customer
from app.bookings.expiry import expire_holds
from app.bookings.holds import BookingRequest, hold
from app.catalog import category_changes, service_changes
from app.catalog.repository import CatalogueRepository
from app.catalog.schemas import draft_facts, form_values, read_service
from app.catalog.service import Service
from app.core import clock, events
from app.discovery.invalidation import invalidate_cache, slots_unchanged_seconds
from app.jobs.acceptance import accept
from app.jobs.schedule_changes import ScheduleChange, cancel_time_off, change_schedule
from app.privacy.deletion import delete_account
from app.reviews.submission import submit_review
from app.vetting.home_address import move_home
from app.vetting.offered_services import WorkForm, update_work
from app.web.openapi import documented_handlers
from tests.api_client import ApiClient
from tests.application import serving, settings
from tests.discovery.conftest import TUESDAY
from tests.factories import (
    ADYAR,
    BESANT_NAGAR,
    TIRUVANMIYUR,
    a_customer,
    a_professional,
    a_request,
    a_service,
    an_admin,
)
from tests.statements import count_statements

MORNING = TUESDAY - timedelta(seconds=30)  # the clock alone changes no slot for half a minute
_numbers = count(1)
NO_REDIS = "redis://127.0.0.1:1/0"


@dataclass
class ApiTown:
    """A service that Kabir does, the answers that show it, two processes and writes by the first."""

    app: Litestar
    client: ApiClient
    uncached: ApiClient
    service: Service
    kabir: User
    asha: User
    meena: User

    @property
    def paths(self) -> dict[str, str]:
        slots = f"/api/services/{self.service.id}/slots?pincode={ADYAR}"
        return {
            "list": "/api/services?limit=100",
            "named": "/api/service/kite",
            "slots": slots,
            "his": f"{slots}&professional={self.kabir.id}",
        }

    async def read(self, client: ApiClient | None = None) -> dict[str, Any]:
        answers = {}
        for name, path in self.paths.items():
            answer = await (client or self.client).get(path)
            answers[name] = answer.json() if answer.status_code == 200 else answer.status_code
        return answers

    async def statements(self) -> list[str]:
        with count_statements(self.app.state.services.database) as statements:
            await self.read()
        return statements

    async def write(self, act: "Write") -> None:
        services = self.app.state.services
        async with services.database.work(services.after_commit) as db:
            await act(self, db)


Write = Callable[[ApiTown, AsyncSession], Awaitable[object]]


@pytest.fixture(autouse=True)
def morning(a_tuesday: None) -> Iterator[None]:
    with clock.freeze(MORNING):
        yield


@pytest.fixture(scope="module")
async def processes(services: Any) -> AsyncIterator[tuple[Litestar, Litestar]]:
    """One that caches and one that cannot, on one database."""
    url = services.app_url(services.clone())
    async with serving(settings(url, services.redis_url)) as app, serving(settings(url, NO_REDIS)) as uncached:
        yield app, uncached


@pytest.fixture
async def town(processes: tuple[Litestar, Litestar]) -> AsyncIterator[ApiTown]:
    app, uncached = processes
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        await db.execute(text("UPDATE services SET retired_at = now() WHERE retired_at IS NULL"))  # of earlier tests
        service = await a_service(db, "Mending a kite")
        kabir = await a_professional(db, "Kabir Shah", services=[service, await a_service(db, "Flying a kite")])
        asha, meena = await a_customer(db, "Asha Raman"), await an_admin(db)
    app.state.services.after_commit.cache.clear()
    async with ApiClient(app) as client, ApiClient(uncached) as judge:
        yield ApiTown(app, client, judge, service, kabir, asha, meena)
    app.state.services.after_commit.cache.clear()


def edit(**fields: object) -> Write:
    """An admin edits these fields of the service in its form."""

    async def write(town: ApiTown, db: AsyncSession) -> None:
        catalogue = CatalogueRepository(db)
        service = await catalogue.service(town.service.id)
        before = form_values(draft_facts(await catalogue.service_draft(service)))
        draft = read_service({**before, **{name: str(value) for name, value in fields.items()}})
        await service_changes.edit(db, town.meena, service.id, draft, service.event_count)

    return write


async def create(town: ApiTown, db: AsyncSession) -> None:
    catalogue = CatalogueRepository(db)
    values = form_values(draft_facts(await catalogue.service_draft(await catalogue.service(town.service.id))))
    await service_changes.create(db, town.meena, read_service(values | {"name": f"Painting a kite {next(_numbers)}"}))


async def move_to_another_category(town: ApiTown, db: AsyncSession) -> None:
    await edit(category_id=(await a_service(db, "Sailing")).category_id)(town, db)


async def name_another_category(town: ApiTown, db: AsyncSession) -> None:
    """A service is found by a new word for its category."""
    catalogue = CatalogueRepository(db)
    category = await catalogue.category((await a_service(db, "Sailing")).category_id)
    draft = replace(await catalogue.category_draft(category), terms_en=["kite"])
    await category_changes.edit(db, town.meena, category.id, draft, category.event_count)


async def retire(town: ApiTown, db: AsyncSession) -> None:
    await service_changes.retire(db, town.meena, town.service.id)


async def restore(town: ApiTown, db: AsyncSession) -> None:
    await service_changes.restore(db, town.meena, town.service.id)


async def hold_ten(town: ApiTown, db: AsyncSession) -> None:
    """The only professional's time from ten on."""
    ten = clock.at(TUESDAY.date() + timedelta(days=1), 600)
    await hold(db, town.asha, BookingRequest(town.service.id, ten, "Flat 3B", ADYAR, "", None))


async def expire(_town: ApiTown, db: AsyncSession) -> None:
    with clock.freeze(MORNING + timedelta(minutes=8)):
        await expire_holds(db)


async def book(town: ApiTown, db: AsyncSession) -> None:
    booking = await a_request(db, town.asha, town.service, clock.at(TUESDAY.date() + timedelta(days=1), 600))
    await accept(db, town.kabir, booking.reference, town.app.state.services.encryption)


async def cancel(town: ApiTown, db: AsyncSession) -> None:
    reference = await db.scalar(
        text("SELECT reference FROM bookings WHERE customer_id = :id AND state = 'assigned'"), {"id": town.asha.id}
    )
    await cancel_by_customer(db, town.asha, reference, "Not needed")


async def finish_a_job(town: ApiTown, db: AsyncSession) -> None:
    """Accepted, started and finished by code."""
    encryption, start = town.app.state.services.encryption, clock.at(TUESDAY.date() + timedelta(days=2), 900)
    request = await a_request(db, town.asha, town.service, start)
    booking = await accept(db, town.kabir, request.reference, encryption)
    for phase in ("start", "finish"):
        code = booking.live_code(phase)
        assert code is not None
        booking.start(town.kabir, code, encryption) if phase == "start" else booking.complete(town.kabir, code)
    await ProfessionalRatings(db).count_job(town.kabir.id)


def review(rating: int) -> Write:
    async def write(town: ApiTown, db: AsyncSession) -> None:
        reference = await db.scalar(
            text("SELECT reference FROM bookings WHERE customer_id = :id AND state IN ('completed', 'closed')"),
            {"id": town.asha.id},
        )
        await submit_review(db, town.asha, reference, rating, "Flew.")

    return write


async def work_less(town: ApiTown, db: AsyncSession) -> None:
    await change_schedule(db, town.kabir, ScheduleChange(hours=[(2, 600, 900)]), {})


async def go_away(town: ApiTown, db: AsyncSession) -> None:
    wednesday = clock.at(TUESDAY.date() + timedelta(days=1))
    span = Range(wednesday, wednesday + timedelta(days=1), bounds="[)")
    await change_schedule(db, town.kabir, ScheduleChange(away=span), {})


async def come_back(town: ApiTown, db: AsyncSession) -> None:
    time_off = await db.scalar(text("SELECT id FROM time_off WHERE professional_id = :id"), {"id": town.kabir.id})
    await cancel_time_off(db, town.kabir, time_off)


async def cover_less(town: ApiTown, db: AsyncSession) -> None:
    await change_schedule(db, town.kabir, ScheduleChange(pincodes=frozenset([BESANT_NAGAR])), {})


async def block_kabir(town: ApiTown, db: AsyncSession) -> None:
    await block(db, Sessions(town.app.state.services.database), town.meena, town.kabir.id, "Three complaints.")


async def unblock_kabir(town: ApiTown, db: AsyncSession) -> None:
    await unblock(db, town.meena, town.kabir.id, "A mistake of ours.")


async def approve(town: ApiTown, db: AsyncSession) -> None:
    """Nila, of whom nothing was known, is approved."""
    nila = await a_professional(db, "Nila Devi", services=[town.service], approval="pending")
    (await db.get_one(Professional, nila.id)).approve()
    nila.record("person.approved", by=town.meena)


def work(years: str, *, without_service: bool = False) -> Write:
    async def write(town: ApiTown, db: AsyncSession) -> None:
        rows = await db.scalars(
            text("SELECT service_id FROM offered_services WHERE professional_id = :id"), {"id": town.kabir.id}
        )
        offered = frozenset(rows) - ({town.service.id} if without_service else set())
        await update_work(db, town.kabir, WorkForm("Plumbing", years, offered))

    return write


async def move(town: ApiTown, db: AsyncSession) -> None:
    """Balu, who lives where Kabir lived, is the nearest now."""
    await move_home(db, town.kabir, "Flat 9, Beach Road", TIRUVANMIYUR)


async def rename(town: ApiTown, db: AsyncSession) -> None:
    user = await db.get_one(User, town.kabir.id)
    await change_details(db, user, Details(full_name="Kabir Khan", phone=user.phone or ""))


async def leave(town: ApiTown, db: AsyncSession) -> None:
    services = town.app.state.services
    await delete_account(db, services.storage, Sessions(services.database), town.kabir)


LISTS, SLOTS_OF_ALL, SLOTS_OF_BOTH = "list named", "slots", "slots his"
# What happens first, the write, and all answers that it changes.
WRITES: dict[str, tuple[list[Write], Write, str]] = {
    "price": ([], edit(price="177.00"), LISTS),
    "name": ([], edit(name=f"Mending a kite in the rain {next(_numbers)}"), LISTS),
    "description": ([], edit(description="It flies again."), LISTS),
    "duration": ([], edit(minutes=120), f"{LISTS} {SLOTS_OF_BOTH}"),
    "notice": ([], edit(notice_minutes=1440), SLOTS_OF_BOTH),
    "search words": ([edit(name=f"Mending a dragon {next(_numbers)}")], edit(terms_en="kite"), "named"),
    "another category": ([], move_to_another_category, LISTS),
    "search words of a category": ([], name_another_category, LISTS),
    "new service": ([], create, LISTS),
    "retired": ([], retire, f"{LISTS} {SLOTS_OF_BOTH}"),
    "restored": ([retire], restore, f"{LISTS} {SLOTS_OF_BOTH}"),
    "hold": ([], hold_ten, SLOTS_OF_BOTH),
    "expired hold": ([hold_ten], expire, SLOTS_OF_BOTH),
    "cancellation": ([book], cancel, SLOTS_OF_BOTH),
    "finished job": ([], finish_a_job, SLOTS_OF_BOTH),
    "review": ([finish_a_job], review(4), SLOTS_OF_BOTH),
    "changed review": ([finish_a_job, review(4)], review(2), SLOTS_OF_BOTH),
    "hours": ([], work_less, SLOTS_OF_BOTH),
    "time off": ([], go_away, SLOTS_OF_BOTH),
    "time off taken back": ([go_away], come_back, SLOTS_OF_BOTH),
    "coverage": ([], cover_less, SLOTS_OF_BOTH),
    "block": ([], block_kabir, SLOTS_OF_BOTH),
    "unblock": ([block_kabir], unblock_kabir, SLOTS_OF_BOTH),
    "approval": ([], approve, SLOTS_OF_ALL),
    "service given up": ([], work("8", without_service=True), SLOTS_OF_BOTH),
    "experience": ([], work("21"), SLOTS_OF_BOTH),
    "home": ([approve], move, SLOTS_OF_ALL),
    "name of a professional": ([], rename, SLOTS_OF_BOTH),
    "account deleted": ([], leave, SLOTS_OF_BOTH),
}


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_is_seen_by_the_next_request(town: ApiTown, name: str) -> None:
    first, write, changed = WRITES[name]
    for step in first:
        await town.write(step)
    before = await town.read()
    assert await town.statements() == [], "every answer is cached"
    await town.write(write)
    judged = await town.read(town.uncached)
    assert {name for name, answer in judged.items() if answer != before[name]} == set(changed.split())
    assert await town.read() == judged


@pytest.mark.parametrize("name", ["price", "hold", "hours", "name of a professional"])
async def test_without_the_clearing_the_old_answers_would_stand(
    town: ApiTown, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the test above fails for each write that clears nothing: each changes an answer."""
    before = await town.read()
    others = [listener for listener in events._listeners if listener is not invalidate_cache]
    monkeypatch.setattr(events, "_listeners", others)
    await town.write(WRITES[name][1])
    assert await town.read() == before != await town.read(town.uncached)


async def test_another_process_forgets_as_well(town: ApiTown) -> None:
    services = town.app.state.services
    elsewhere = settings(services.settings.database_url, services.settings.redis_url)
    async with serving(elsewhere) as other, ApiClient(other) as client:
        before = await town.read(client)
        with count_statements(other.state.services.database) as statements:
            assert await town.read(client) == before
        assert statements == []
        await town.write(edit(price="177.00", minutes=120))
        judged = await town.read(town.uncached)
        for _ in range(40):
            if await town.read(client) == judged:
                return
            await asyncio.sleep(0.05)
        pytest.fail("the other process still has the old price")


async def test_without_redis_nothing_is_cached(town: ApiTown) -> None:
    await town.read(town.uncached)
    async with town.app.state.services.database.work() as db:  # no event, nothing is published
        await db.execute(text("UPDATE services SET price = 999 WHERE id = :id"), {"id": town.service.id})
    listed = (await town.read(town.uncached))["list"]["items"]
    assert [item["price_paise"] for item in listed if item["id"] == town.service.id] == [999]


async def test_a_hold_that_lapses_frees_its_time_by_the_clock_alone(town: ApiTown) -> None:
    await town.write(hold_ten)
    async with town.app.state.services.database.work() as db:
        lapses = "UPDATE reservations SET expires_at = :at WHERE expires_at IS NOT NULL"
        await db.execute(text(lapses), {"at": MORNING + timedelta(seconds=0.3)})
    held = await town.read()
    assert await town.statements() == []
    with clock.freeze(MORNING + timedelta(seconds=0.3)):
        await asyncio.sleep(0.35)
        judged = await town.read(town.uncached)
        assert judged["slots"] != held["slots"]
        assert await town.read() == judged


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


async def test_the_first_start_is_bookable_until_the_response_expires(town: ApiTown) -> None:
    """A start at eleven, two hours' notice: bookable in the second after nine, and not after it."""
    slots = []
    for moment in (MORNING, TUESDAY, TUESDAY + timedelta(seconds=0.9), TUESDAY + timedelta(seconds=1)):
        with clock.freeze(moment):
            slots.append((await town.read(town.uncached))["slots"]["days"][0]["slots"][0])
    assert slots == ["2026-11-24T11:00:00+05:30"] * 3 + ["2026-11-24T11:30:00+05:30"]


def test_only_what_everyone_may_read_is_cached(processes: tuple[Litestar, Litestar]) -> None:
    cached = [handler for _, _, handler, doc in documented_handlers(processes[0]) if 304 in doc.responses]
    assert len(cached) == 3
    for handler in cached:
        assert handler.opt["access"] == "everyone"
        assert "me" not in handler.parsed_fn_signature.parameters
