"""What a search reads instead of everyone: hours offered in a pincode, and the homes from which it is covered."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.professional import Professional
from app.check.professionals import CANDIDATE_INVARIANT
from app.core import clock
from app.scheduling.candidate_repository import find_candidates, find_pincode
from app.scheduling.candidates import WorkingWeek
from app.scheduling.offered_hours_repository import covered_pincodes, remove_unneeded
from app.scheduling.offered_weeks_repository import offered_hours
from app.scheduling.slots import Calendar
from app.scheduling.working_hours import Coverage, OfferedService, WorkingHours
from tests.factories import ADYAR, BESANT_NAGAR, TAMBARAM, TIRUVANMIYUR, a_professional, a_service

PLACES = (ADYAR, BESANT_NAGAR, TIRUVANMIYUR, TAMBARAM)
ROWS = "SELECT count(*) FROM {} WHERE pincode = :pincode"
DUPLICATES = """
    SELECT count(*) FROM offered_hours h JOIN offered_hours wider USING (service_id, pincode)
     WHERE h.id <> wider.id AND wider.opens <= h.opens AND wider.closes >= h.closes
"""


async def out_of_date(db: AsyncSession) -> Sequence[str]:
    """The professionals whose hours, homes or stars a search would not read as they are."""
    return (await db.scalars(text(CANDIDATE_INVARIANT.query))).all()


async def remove_all_unneeded(db: AsyncSession) -> None:
    for pincode in await covered_pincodes(db):
        await remove_unneeded(db, pincode)


async def set_hours(db: AsyncSession, professional_id: int, stretches: WorkingWeek) -> None:
    await db.execute(delete(WorkingHours).where(WorkingHours.professional_id == professional_id))
    db.add_all(
        WorkingHours(professional_id=professional_id, weekday=day, opens=opens, closes=closes)
        for day, opens, closes in stretches
    )
    await db.flush()


async def starts_offered(db: AsyncSession, service_id: int, minutes: int) -> set[tuple[int, int]]:
    """The weekdays and minutes at which a job may start by the offered hours."""
    location = await find_pincode(db, ADYAR)
    weeks = (await offered_hours(db, [service_id], location))[service_id]
    calendar = Calendar(clock.today(), 7)
    starts = calendar.starts(calendar.within_any(weeks, minutes))
    return {((start - calendar.midnight) // 86400, (start - calendar.midnight) % 86400 // 60) for start in starts}


@pytest.mark.parametrize("seed", range(6))
async def test_nothing_that_changes_leaves_a_search_behind(db, seed: int):
    dice = random.Random(seed)
    services = [await a_service(db) for _ in range(2)]
    people = [await a_professional(db, f"Worker {n}", services=services[:1]) for n in range(4)]
    for _ in range(25):
        person = dice.choice(people)
        of_person = {"professional_id": person.id}
        match dice.randrange(5):
            case 0:
                days = [
                    (day, opens, dice.choice([opens + 90, 1440]))
                    for day in range(7)
                    for opens in dice.sample([0, 300, 615, 1200], dice.randrange(3))
                ]
                await set_hours(db, person.id, tuple(days))
            case 1:
                await db.execute(delete(Coverage).filter_by(**of_person))
                db.add_all(Coverage(**of_person, pincode=pincode) for pincode in dice.sample(PLACES, dice.randrange(4)))
            case 2:
                await db.execute(delete(OfferedService).filter_by(**of_person))
                offered = [(service, dice.choice(["pending", "approved"])) for service in dice.sample(services, 1)]
                db.add_all(OfferedService(**of_person, service_id=s.id, approval_status=state) for s, state in offered)
            case 3:
                await db.execute(update(OfferedService).filter_by(**of_person).values(approval_status="approved"))
            case 4:
                values = {"home_pincode": dice.choice(PLACES), "stars": dice.randrange(500)}
                await db.execute(update(Professional).filter_by(user_id=person.id).values(**values))
        await db.flush()
        if dice.random() < 0.2:
            await remove_all_unneeded(db)
        assert await out_of_date(db) == []
    await remove_all_unneeded(db)
    assert await out_of_date(db) == []
    assert await db.scalar(text(DUPLICATES)) == 0


async def test_hours_that_meet_at_midnight_are_offered_as_one_stretch(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    nights = tuple((day, *stretch) for day in range(7) for stretch in ((0, 120), (1320, 1440)))
    await set_hours(db, ravi.id, nights)
    await remove_all_unneeded(db)
    # Four hours long, a job of three fits at 10, 10:30 and 11 pm of each day, the last of the week included.
    assert await starts_offered(db, service.id, 180) == {
        (day, minute) for day in range(7) for minute in (1320, 1350, 1380)
    }
    await set_hours(db, ravi.id, tuple((day, 0, 1440) for day in range(7)))
    assert len(await starts_offered(db, service.id, 720)) == 7 * 48


async def test_hours_of_different_people_are_not_joined(db):
    service = await a_service(db)
    await a_professional(db, "Morning", services=[service], opens=480, closes=780)
    await a_professional(db, "Evening", services=[service], opens=780, closes=1080)
    minutes = {minute for _day, minute in await starts_offered(db, service.id, 120)}
    assert minutes == {*range(480, 661, 30), *range(780, 961, 30)}


async def test_hours_that_are_no_longer_offered_are_removed(db):
    service = await a_service(db)
    long = await a_professional(db, "Long", services=[service], opens=420, closes=1260, home=TAMBARAM)
    await a_professional(db, "Short", services=[service], opens=600, closes=900)
    await db.execute(delete(Coverage).where(Coverage.professional_id == long.id))
    assert len(await starts_offered(db, service.id, 60)) == 7 * 27
    assert await remove_unneeded(db, ADYAR) == 8  # seven days and one home
    assert len(await starts_offered(db, service.id, 60)) == 7 * 9
    assert await out_of_date(db) == []
    assert await remove_unneeded(db, ADYAR) == 0


async def test_candidates_come_by_distance_then_by_stars(db):
    service = await a_service(db)
    far, good, best, newest = [
        await a_professional(db, name, services=[service], home=home)
        for name, home in (("Far", TAMBARAM), ("Good", ADYAR), ("Best", ADYAR), ("New", ADYAR))
    ]
    for person, stars in ((far, 500), (good, 420), (best, 480)):
        await db.execute(update(Professional).filter_by(user_id=person.id).values(stars=stars))
    location = await find_pincode(db, ADYAR)
    found = [candidate.id for candidate in await find_candidates(db, [service.id], location, limit=10)]
    assert found == [best.id, good.id, newest.id, far.id]
    pages = [
        candidate.id
        for offset in range(5)
        for candidate in await find_candidates(db, [service.id], location, limit=1, offset=offset)
    ]
    assert pages == found


async def test_who_add_the_same_hours_at_once_do_not_wait_for_each_other(own_database):
    async with own_database.work() as db:
        service = await a_service(db)
        people = [await a_professional(db, f"Worker {n}", services=[service]) for n in range(2)]
    both_added = asyncio.Barrier(2)

    async def widen(person) -> None:
        async with own_database.work() as db:
            await set_hours(db, person.id, ((0, 300, 1200),))
            await both_added.wait()

    await asyncio.wait_for(asyncio.gather(*map(widen, people)), 5)
    async with own_database.work() as db:
        assert await out_of_date(db) == []
        await remove_all_unneeded(db)
        assert await out_of_date(db) == []
        assert await db.scalar(text(DUPLICATES)) == 0


async def test_an_area_saved_while_a_service_is_approved_has_its_hours(own_database):
    async with own_database.work() as db:
        service = await a_service(db)
        ravi = await a_professional(db, services=[service], pincodes=[])
        await db.execute(update(OfferedService).values(approval_status="pending"))
    is_saved, is_approving = asyncio.Event(), asyncio.Event()

    async def save_area() -> None:
        async with own_database.work() as db:
            db.add(Coverage(professional_id=ravi.id, pincode=ADYAR))
            await db.flush()
            is_saved.set()
            await is_approving.wait()

    async def approve() -> None:
        await is_saved.wait()
        async with own_database.work() as db:
            approval = asyncio.ensure_future(db.execute(update(OfferedService).values(approval_status="approved")))
            await asyncio.wait([approval], timeout=0.2)  # it waits for who saves the area
            is_approving.set()
            await approval

    await asyncio.wait_for(asyncio.gather(save_area(), approve()), 5)
    async with own_database.work() as db:
        assert await out_of_date(db) == []
        assert len(await starts_offered(db, service.id, 60)) == 7 * 23


async def test_nothing_is_removed_while_hours_are_being_added(own_database):
    async with own_database.work() as db:
        service = await a_service(db)
        ravi = await a_professional(db, services=[service])
    async with own_database.work() as adding:
        await set_hours(adding, ravi.id, ((0, 300, 1200),))
        async with own_database.work() as db:
            assert await remove_unneeded(db, ADYAR) is None
            assert await db.scalar(text(ROWS.format("offered_hours")), {"pincode": ADYAR}) == 7
    async with own_database.work() as db:
        assert await remove_unneeded(db, ADYAR) == 7
        assert await out_of_date(db) == []
