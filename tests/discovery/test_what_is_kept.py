"""Pages that are kept for visitors never lie: each is read again right after each write that changes it (T0-29)."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from litestar import Litestar
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.professional import Professional
from app.accounts.user import User
from app.bookings import booking as booking_module
from app.bookings.booking import Booking
from app.bookings.cancellation import cancel
from app.bookings.holds import Wish, expire_holds, hold
from app.bookings.repository import Bookings
from app.bookings.reservation import accept
from app.catalog.service import Service
from app.core import clock, events
from app.core.after_commit import AfterCommit
from app.core.cache import ALL
from app.core.events import PLATFORM
from app.discovery.invalidation import STALE, clear_what_it_changes, stale_after
from app.reviews.write import write
from app.scheduling.working_hours import TimeOff
from tests.discovery.conftest import TUESDAY, Looker, Town, asked_of
from tests.factories import a_block, a_professional, a_request, a_service, an_admin

AS_HTMX = {"hx-request": "true", "hx-request-type": "partial"}
TEN = "2026-11-25T10:00"
# Each test has a place of its own, so that none sees another's services.
PLACES = iter(f"6000{number}" for number in range(50, 65))


class Kept:
    """One service that one professional does, the pages that show them, and writes to both."""

    def __init__(
        self, app: Litestar, looker: Looker, service: Service, worker: User, customer: User, pincode: str
    ) -> None:
        self.app, self.looker, self.pincode = app, looker, pincode
        self.service, self.worker, self.customer = service, worker, customer
        self.pages = {
            "home": "/",
            "results": f"/services?pincode={pincode}",
            "service": f"/services/{service.slug}?pincode={pincode}",
            "slots": f"/services/{service.slug}/slots?pincode={pincode}",
            "reviews": f"/services/{service.slug}/reviews",
            "person": f"/professionals/{worker.id}",
        }

    async def read(self, name: str) -> str:
        headers = AS_HTMX if name == "slots" else None
        page = await self.looker.visit(self.pages[name], headers)
        return page.text if page.status == 200 else str(page.status)

    async def is_kept(self, name: str) -> bool:
        """Read twice: the second time nobody asks the database."""
        await self.read(name)
        with asked_of(self.app.state.database) as told:
            await self.read(name)
        return told == []

    def wish(self, days: int, hour: int) -> Wish:
        starts_at = clock.at(TUESDAY.date() + timedelta(days=days), hour * 60)
        return Wish(self.service.id, starts_at, "Flat 3B", self.pincode, "", None)

    async def a_job_done(self, db: AsyncSession) -> Booking:
        """Accepted, started and finished by code."""
        vault, start = self.app.state.vault, clock.at(TUESDAY.date() + timedelta(days=2), 900)
        asked = await a_request(db, self.customer, self.service, start, pincode=self.pincode)
        booking = await accept(db, self.worker, asked.reference, vault)
        for phase in ("start", "finish"):
            code = booking.live_code(phase)
            assert code is not None
            booking.start(self.worker, code, vault) if phase == "start" else booking.complete(self.worker, code)
        await Bookings(db).count_job(self.worker.id)
        return booking

    async def write(self, deed: Callable[[AsyncSession], Awaitable[object]]) -> None:
        async with self.app.state.database.work(self.app.state.after) as db:
            await deed(db)


@pytest.fixture
async def kept(app: Litestar, town: Town, visitor: Looker) -> Kept:
    async with app.state.database.work(app.state.after) as db:
        service = await a_service(db, "Mending a kite")
        pincode = next(PLACES)
        worker = await a_professional(db, "Kabir Shah", services=[service], pincodes=[pincode], home=pincode)
    made = Kept(app, visitor, service, worker, town.asha, pincode)
    app.state.after.cache.clear()
    return made


async def test_pages_are_kept_at_all(kept: Kept) -> None:
    for name in kept.pages:
        assert await kept.is_kept(name), name


async def test_a_hold_takes_the_time_from_every_page_and_its_end_gives_it_back(kept: Kept) -> None:
    assert TEN in await kept.read("service")
    assert TEN in await kept.read("slots")
    await kept.write(lambda db: hold(db, kept.customer, kept.wish(days=1, hour=10)))
    assert TEN not in await kept.read("service")
    assert TEN not in await kept.read("slots")
    with clock.stopped(TUESDAY + timedelta(minutes=8)):
        await kept.write(expire_holds)
        assert TEN in await kept.read("service")
        assert TEN in await kept.read("slots")


async def test_a_hold_of_the_first_time_moves_the_earliest_on_cards(kept: Kept) -> None:
    assert "Today 11:00" in await kept.read("results")
    await kept.write(lambda db: hold(db, kept.customer, kept.wish(days=0, hour=11)))
    assert "Today 11:00" not in await kept.read("results")


async def test_a_cancelled_booking_frees_its_time_at_once(kept: Kept) -> None:
    async with kept.app.state.database.work(kept.app.state.after) as db:
        start = clock.at(TUESDAY.date() + timedelta(days=1), 600)
        booking = await a_request(db, kept.customer, kept.service, start, pincode=kept.pincode)
        await accept(db, kept.worker, booking.reference, kept.app.state.vault)
    assert TEN not in await kept.read("slots")
    await kept.write(lambda db: cancel(db, kept.customer, booking.reference, "Not needed"))
    assert TEN in await kept.read("slots")


async def test_a_review_is_counted_everywhere_at_once(kept: Kept) -> None:
    async with kept.app.state.database.work(kept.app.state.after) as db:
        done = await kept.a_job_done(db)
    for name in ("service", "reviews", "person", "results"):
        assert "Flew like new" not in await kept.read(name)
    await kept.write(lambda db: write(db, kept.customer, done.reference, 4, "Flew like new."))
    for name in ("service", "reviews", "person"):
        assert "Flew like new." in await kept.read(name), name
    assert "4.0" in await kept.read("results")


async def test_a_new_price_and_a_new_service_are_seen_on_the_next_request(kept: Kept) -> None:
    assert "₹149" in await kept.read("service")

    async def dearer(db: AsyncSession) -> None:
        service = await db.get_one(Service, kept.service.id)
        service.price = 177_00
        service.record("service.changed", by=PLATFORM, price=service.price)

    await kept.write(dearer)
    for name in ("service", "results"):
        assert "₹177" in await kept.read(name), name


async def test_a_retired_service_is_said_to_be_no_longer_offered(kept: Kept) -> None:
    assert kept.service.name in await kept.read("results")

    async def retire(db: AsyncSession) -> None:
        service = await db.get_one(Service, kept.service.id)
        service.retired_at = clock.now()
        service.record("service.retired", by=PLATFORM)

    await kept.write(retire)
    assert "No longer offered" in await kept.read("service")
    assert f"/services/{kept.service.slug}" not in await kept.read("results")


async def test_a_blocked_professional_is_gone_at_once(kept: Kept) -> None:
    assert "Kabir S." in await kept.read("person")
    assert "Kabir S." in await kept.read("service")

    async def block(db: AsyncSession) -> None:
        worker = await db.get_one(User, kept.worker.id)
        await a_block(db, worker, await an_admin(db))
        worker.record("person.blocked", by=PLATFORM)

    await kept.write(block)
    assert await kept.read("person") == "404"
    assert "Kabir S." not in await kept.read("service")
    assert f"/services/{kept.service.slug}" not in await kept.read("results")


async def test_an_approved_professional_is_there_at_once(kept: Kept) -> None:
    async with kept.app.state.database.work(kept.app.state.after) as db:
        newcomer = await a_professional(
            db, "Nila Devi", services=[kept.service], standing="pending", pincodes=[kept.pincode]
        )
    assert "Nila D." not in await kept.read("service")

    async def approve(db: AsyncSession) -> None:
        row = await db.get_one(Professional, newcomer.id)
        row.standing, row.approved_at = "approved", clock.now()
        (await db.get_one(User, newcomer.id)).record("person.approved", by=PLATFORM)

    await kept.write(approve)
    assert "Nila D." in await kept.read("service")


async def test_time_off_takes_its_hours_away_at_once(kept: Kept) -> None:
    assert TEN in await kept.read("slots")

    async def go_away(db: AsyncSession) -> None:
        wednesday = clock.at(TUESDAY.date() + timedelta(days=1))
        away = Range(wednesday, wednesday + timedelta(days=1), bounds="[)")
        db.add(TimeOff(professional_id=kept.worker.id, span=away, created_at=clock.now()))
        (await db.get_one(User, kept.worker.id)).record("person.time_off_taken", by=PLATFORM)

    await kept.write(go_away)
    assert TEN not in await kept.read("slots")


async def test_a_job_done_is_counted_on_the_public_card(kept: Kept) -> None:
    assert "0 jobs" in await kept.read("person")
    await kept.write(kept.a_job_done)
    assert "1 job" in await kept.read("person")


async def test_another_process_forgets_as_well(kept: Kept) -> None:
    elsewhere = AfterCommit(kept.app.state.settings.redis_url)
    await elsewhere.start()
    try:
        assert TEN in await kept.read("service")
        wish = kept.wish(days=1, hour=10)
        async with kept.app.state.database.work(elsewhere) as db:
            await hold(db, kept.customer, wish)
        for _ in range(40):
            if TEN not in await kept.read("service"):
                return
            await asyncio.sleep(0.05)
        pytest.fail("the other process still shows the time")
    finally:
        await elsewhere.stop()


async def test_without_the_clearing_the_old_page_would_stand(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above can fail: this is what they would see."""
    others = [one for one in events._listeners if one is not clear_what_it_changes]
    monkeypatch.setattr(events, "_listeners", others)
    assert TEN in await kept.read("service")
    await kept.write(lambda db: hold(db, kept.customer, kept.wish(days=1, hour=10)))
    assert TEN in await kept.read("service")
    kept.app.state.after.cache.clear()


async def test_nothing_is_kept_of_somebody_signed_in(kept: Kept, asha: Looker) -> None:
    kept.looker = asha
    for name in kept.pages:
        assert not await kept.is_kept(name), name


def test_every_event_of_a_booking_is_classed() -> None:
    told = set(re.findall(r'"(booking\.[a-z_]+)"', Path(booking_module.__file__).read_text(encoding="utf-8")))
    assert told
    assert told - set(STALE) == set()


def test_an_event_nobody_classed_clears_everything() -> None:
    assert stale_after("tariff.changed") == (ALL,)
