"""One rule for all readers: who may work (approved, valid documents, not blocked, offers the service, covers it)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.professional import Professional
from app.accounts.user import User
from app.bookings.booking import Booking
from app.catalog.service import Service
from app.core import clock
from app.core.encryption import Encryption
from app.discovery.repository import CatalogueQueries
from app.dispatch.assignment import find_assignment_candidates
from app.jobs.offers import find_expired_offers, find_offers
from app.jobs.repository import Jobs
from app.notifications.reminder_repository import ReminderQueries
from app.scheduling.candidate_repository import assess_candidates, find_candidates, load_schedule, require_pincode
from app.scheduling.working_hours import Coverage, OfferedService
from tests.factories import ADYAR, TAMBARAM, a_block, a_customer, a_professional, a_request, a_service, an_admin

ENCRYPTION = Encryption("a secret for tests only")


@dataclass
class Scene:
    service: Service
    ravi: User
    booking: Booking


@pytest.fixture
async def scene(db: AsyncSession) -> Scene:
    """Ravi may do the job that Asha has booked; no one else offers the service."""
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    return Scene(service, ravi, await a_request(db, await a_customer(db), service))


async def expire_documents(db: AsyncSession, scene: Scene) -> None:
    change = update(Professional).where(Professional.user_id == scene.ravi.id)
    await db.execute(change.values(documents_expire_on=clock.today()))


async def deny(db: AsyncSession, scene: Scene) -> None:
    change = update(Professional).where(Professional.user_id == scene.ravi.id)
    await db.execute(change.values(approval_status="denied", approved_at=None))


async def block(db: AsyncSession, scene: Scene) -> None:
    await a_block(db, scene.ravi, await an_admin(db))


async def unapprove_service(db: AsyncSession, scene: Scene) -> None:
    change = update(OfferedService).where(OfferedService.professional_id == scene.ravi.id)
    await db.execute(change.values(approval_status="pending"))


async def leave_area(db: AsyncSession, scene: Scene) -> None:
    change = update(Coverage).where(Coverage.professional_id == scene.ravi.id, Coverage.pincode == ADYAR)
    await db.execute(change.values(pincode=TAMBARAM))


CONDITIONS = [expire_documents, deny, block, unapprove_service, leave_area]


async def readers(db: AsyncSession, scene: Scene) -> dict[str, bool]:
    """Whether each reader of the rule counts Ravi in for the job in Adyar."""
    location = await require_pincode(db, ADYAR)
    catalogue, now = CatalogueQueries(db), clock.now()
    day = timedelta(days=1)
    (assessed,) = await assess_candidates(db, scene.service.id, location)
    (judged,) = await find_assignment_candidates(db, scene.booking)
    return {
        "candidates": bool(await find_candidates(db, [scene.service.id], location)),
        "assessed": assessed.eligibility.is_eligible,
        "assignment": judged.is_free,
        "offers": bool(await find_offers(db, await load_schedule(db, scene.ravi))),
        "offer rows": bool(await Jobs(db).open_offers(scene.ravi.id)),
        "expired offers": bool(await find_expired_offers(db, scene.ravi, [scene.booking.reference], [])),
        "bookable": scene.service.id in {card.id for card in await catalogue.bookable(ADYAR)},
        "nearest": ADYAR in {area.pincode for area in await catalogue.nearest_covered("600001", scene.service.id)},
        "reminder": scene.ravi.id in await ReminderQueries(db).with_jobs_or_offers(now + day, now + day, now, 0, 100),
    }


async def test_who_meets_every_condition_is_counted_in_by_every_reader(db, scene):
    assert set((await readers(db, scene)).values()) == {True}


@pytest.mark.parametrize("fail", CONDITIONS, ids=lambda fail: fail.__name__)
async def test_who_misses_one_condition_is_left_out_by_every_reader(db, scene, fail: Callable[..., Awaitable[None]]):
    await fail(db, scene)
    assert {name for name, counted_in in (await readers(db, scene)).items() if counted_in} == set()


@pytest.mark.parametrize("fail", CONDITIONS, ids=lambda fail: fail.__name__)
async def test_a_reason_is_given_for_every_condition_that_is_missed(db, scene, fail: Callable[..., Awaitable[None]]):
    await fail(db, scene)
    (judged,) = await find_assignment_candidates(db, scene.booking)
    assert judged.objections


async def test_expired_documents_end_the_offers_on_the_public_card_and_the_busiest_area(db, scene):
    catalogue = CatalogueQueries(db)
    assert (await catalogue.busiest_pincode(), len((await catalogue.public_card(scene.ravi.id)).services)) != (None, 0)
    await expire_documents(db, scene)
    assert await catalogue.busiest_pincode() is None
    assert (await catalogue.public_card(scene.ravi.id)).services == []


async def test_a_job_accepted_before_the_documents_expired_is_still_reminded_of(db, scene):
    scene.booking.accept(scene.ravi, ENCRYPTION)
    await db.flush()
    await expire_documents(db, scene)
    since, until = scene.booking.starts_at - timedelta(hours=1), scene.booking.ends_at
    assert scene.ravi.id in await ReminderQueries(db).with_jobs_or_offers(since, until, clock.now(), 0, 100)


async def test_the_rule_is_inlined_into_the_statement_that_reads_it(db):
    plan = await db.scalars(text("EXPLAIN SELECT * FROM eligible_coverage(current_date) WHERE pincode = '600020'"))
    assert "Function Scan" not in "\n".join(plan)
