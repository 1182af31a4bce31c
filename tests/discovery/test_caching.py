"""Cached pages of visitors are never stale: each is read again right after each write that changes it (T0-29)."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from litestar import Litestar
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.professional import ApprovalStatus, Professional
from app.accounts.repository import ProfessionalRatings
from app.accounts.user import User
from app.bookings import booking as booking_module
from app.bookings.booking import Booking
from app.bookings.cancellation import cancel_by_customer
from app.bookings.expiry import expire_holds
from app.bookings.holds import BookingRequest, hold
from app.catalog.service import Service
from app.core import clock, events
from app.core.after_commit import AfterCommit
from app.core.cache import ALL_TAGS
from app.core.events import PLATFORM
from app.discovery.invalidation import invalidate_cache, stale_tags
from app.events import EVENTS
from app.jobs.acceptance import accept
from app.reviews.submission import submit_review
from app.scheduling.working_hours import TimeOff
from tests.discovery.conftest import TUESDAY, Town, VisitorBrowser
from tests.factories import a_block, a_professional, a_request, a_service, an_admin
from tests.statements import count_statements

AS_HTMX = {"hx-request": "true", "hx-request-type": "partial"}
TEN = "2026-11-25T10:00"
# Each test has a place of its own, so that none sees another's services.
PLACES = iter(f"6000{number}" for number in range(50, 65))


class CachedTown:
    """One service that one professional does, the pages that show them, and writes to both."""

    def __init__(
        self, app: Litestar, browser: VisitorBrowser, service: Service, worker: User, customer: User, pincode: str
    ) -> None:
        self.app, self.browser, self.pincode = app, browser, pincode
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
        page = await self.browser.visit(self.pages[name], headers)
        return page.text if page.status == 200 else str(page.status)

    async def is_cached(self, name: str) -> bool:
        """Read twice: the second time without a database query."""
        await self.read(name)
        with count_statements(self.app.state.services.database) as statements:
            await self.read(name)
        return statements == []

    def booking_request(self, days: int, hour: int) -> BookingRequest:
        starts_at = clock.at(TUESDAY.date() + timedelta(days=days), hour * 60)
        return BookingRequest(self.service.id, starts_at, "Flat 3B", self.pincode, "", None)

    async def a_job_done(self, db: AsyncSession) -> Booking:
        """Accepted, started and finished by code."""
        encryption, start = self.app.state.services.encryption, clock.at(TUESDAY.date() + timedelta(days=2), 900)
        request = await a_request(db, self.customer, self.service, start, pincode=self.pincode)
        booking = await accept(db, self.worker, request.reference, encryption)
        for phase in ("start", "finish"):
            code = booking.live_code(phase)
            assert code is not None
            booking.start(self.worker, code, encryption) if phase == "start" else booking.complete(self.worker, code)
        await ProfessionalRatings(db).count_job(self.worker.id)
        return booking

    async def write(self, action: Callable[[AsyncSession], Awaitable[object]]) -> None:
        async with self.app.state.services.database.work(self.app.state.services.after_commit) as db:
            await action(db)


@pytest.fixture(autouse=True)
def before_nine(a_tuesday: None) -> Iterator[None]:
    """Half a minute in which the clock alone changes no slot."""
    with clock.freeze(TUESDAY - timedelta(seconds=30)):
        yield


@pytest.fixture
async def cached(app: Litestar, town: Town, visitor: VisitorBrowser) -> CachedTown:
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        service = await a_service(db, "Mending a kite")
        pincode = next(PLACES)
        worker = await a_professional(db, "Kabir Shah", services=[service], pincodes=[pincode], home=pincode)
    cached_town = CachedTown(app, visitor, service, worker, town.asha, pincode)
    app.state.services.after_commit.cache.clear()
    return cached_town


async def test_pages_are_kept_at_all(cached: CachedTown) -> None:
    for name in cached.pages:
        assert await cached.is_cached(name), name


async def test_a_hold_takes_the_time_from_every_page_and_its_end_gives_it_back(cached: CachedTown) -> None:
    assert TEN in await cached.read("service")
    assert TEN in await cached.read("slots")
    await cached.write(lambda db: hold(db, cached.customer, cached.booking_request(days=1, hour=10)))
    assert TEN not in await cached.read("service")
    assert TEN not in await cached.read("slots")
    with clock.freeze(TUESDAY + timedelta(minutes=8)):
        await cached.write(expire_holds)
        assert TEN in await cached.read("service")
        assert TEN in await cached.read("slots")


async def test_a_hold_of_the_first_time_moves_the_earliest_on_cards(cached: CachedTown) -> None:
    assert "Today 11:00\xa0am" in await cached.read("results")
    await cached.write(lambda db: hold(db, cached.customer, cached.booking_request(days=0, hour=11)))
    assert "Today 11:00\xa0am" not in await cached.read("results")


async def test_a_cancelled_booking_frees_its_time_at_once(cached: CachedTown) -> None:
    async with cached.app.state.services.database.work(cached.app.state.services.after_commit) as db:
        start = clock.at(TUESDAY.date() + timedelta(days=1), 600)
        booking = await a_request(db, cached.customer, cached.service, start, pincode=cached.pincode)
        await accept(db, cached.worker, booking.reference, cached.app.state.services.encryption)
    assert TEN not in await cached.read("slots")
    await cached.write(lambda db: cancel_by_customer(db, cached.customer, booking.reference, "Not needed"))
    assert TEN in await cached.read("slots")


async def test_a_review_is_counted_everywhere_at_once(cached: CachedTown) -> None:
    async with cached.app.state.services.database.work(cached.app.state.services.after_commit) as db:
        done = await cached.a_job_done(db)
    for name in ("service", "reviews", "person", "results"):
        assert "Flew like new" not in await cached.read(name)
    await cached.write(lambda db: submit_review(db, cached.customer, done.reference, 4, "Flew like new."))
    for name in ("service", "reviews", "person"):
        assert "Flew like new." in await cached.read(name), name
    assert "4.0" in await cached.read("results")


async def test_a_new_price_and_a_new_service_are_seen_on_the_next_request(cached: CachedTown) -> None:
    assert "₹149" in await cached.read("service")

    async def dearer(db: AsyncSession) -> None:
        service = await db.get_one(Service, cached.service.id)
        service.price = 177_00
        service.record("service.changed", by=PLATFORM, price=service.price)

    await cached.write(dearer)
    for name in ("service", "results"):
        assert "₹177" in await cached.read(name), name


async def test_a_retired_service_is_shown_as_no_longer_offered(cached: CachedTown) -> None:
    assert cached.service.name in await cached.read("results")

    async def retire(db: AsyncSession) -> None:
        service = await db.get_one(Service, cached.service.id)
        service.retired_at = clock.now()
        service.record("service.retired", by=PLATFORM)

    await cached.write(retire)
    assert "No longer offered" in await cached.read("service")
    assert f"/services/{cached.service.slug}" not in await cached.read("results")


async def test_a_blocked_professional_is_gone_at_once(cached: CachedTown) -> None:
    assert "Kabir S." in await cached.read("person")
    assert "Kabir S." in await cached.read("service")

    async def block(db: AsyncSession) -> None:
        worker = await db.get_one(User, cached.worker.id)
        await a_block(db, worker, await an_admin(db))
        worker.record("person.blocked", by=PLATFORM)

    await cached.write(block)
    assert await cached.read("person") == "404"
    assert "Kabir S." not in await cached.read("service")
    assert f"/services/{cached.service.slug}" not in await cached.read("results")


async def test_an_approved_professional_is_there_at_once(cached: CachedTown) -> None:
    async with cached.app.state.services.database.work(cached.app.state.services.after_commit) as db:
        new_professional = await a_professional(
            db, "Nila Devi", services=[cached.service], approval="pending", pincodes=[cached.pincode]
        )
    assert "Nila D." not in await cached.read("service")

    async def approve(db: AsyncSession) -> None:
        row = await db.get_one(Professional, new_professional.id)
        row.approval_status, row.approved_at = ApprovalStatus.APPROVED, clock.now()
        (await db.get_one(User, new_professional.id)).record("person.approved", by=PLATFORM)

    await cached.write(approve)
    assert "Nila D." in await cached.read("service")


async def test_time_off_takes_its_hours_away_at_once(cached: CachedTown) -> None:
    assert TEN in await cached.read("slots")

    async def go_away(db: AsyncSession) -> None:
        wednesday = clock.at(TUESDAY.date() + timedelta(days=1))
        away = Range(wednesday, wednesday + timedelta(days=1), bounds="[)")
        db.add(TimeOff(professional_id=cached.worker.id, span=away, created_at=clock.now()))
        (await db.get_one(User, cached.worker.id)).record("person.time_off_changed", by=PLATFORM)

    await cached.write(go_away)
    assert TEN not in await cached.read("slots")


async def test_a_job_done_is_counted_on_the_public_card(cached: CachedTown) -> None:
    assert "0 jobs" in await cached.read("person")
    await cached.write(cached.a_job_done)
    assert "1 job" in await cached.read("person")


async def test_another_process_forgets_as_well(cached: CachedTown) -> None:
    elsewhere = AfterCommit(cached.app.state.services.settings.redis_url)
    await elsewhere.start()
    try:
        assert TEN in await cached.read("service")
        booking_request = cached.booking_request(days=1, hour=10)
        async with cached.app.state.services.database.work(elsewhere) as db:
            await hold(db, cached.customer, booking_request)
        for _ in range(40):
            if TEN not in await cached.read("service"):
                return
            await asyncio.sleep(0.05)
        pytest.fail("the other process still shows the time")
    finally:
        await elsewhere.stop()


async def test_without_the_clearing_the_old_page_would_stand(
    cached: CachedTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests above can fail: this is what they would see."""
    others = [listener for listener in events._listeners if listener is not invalidate_cache]
    monkeypatch.setattr(events, "_listeners", others)
    assert TEN in await cached.read("service")
    await cached.write(lambda db: hold(db, cached.customer, cached.booking_request(days=1, hour=10)))
    assert TEN in await cached.read("service")
    cached.app.state.services.after_commit.cache.clear()


async def test_nothing_is_kept_of_someone_signed_in(cached: CachedTown, asha: VisitorBrowser) -> None:
    cached.browser = asha
    for name in cached.pages:
        assert not await cached.is_cached(name), name


def test_every_event_of_a_booking_is_declared() -> None:
    names = set(re.findall(r'"(booking\.[a-z_]+)"', Path(booking_module.__file__).read_text(encoding="utf-8")))
    assert names
    assert names - {event_type.name for event_type in EVENTS} == set()


def test_an_undeclared_event_clears_everything() -> None:
    assert stale_tags("tariff.changed") == (ALL_TAGS,)
