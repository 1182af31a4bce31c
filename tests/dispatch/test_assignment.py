"""Assignment by an admin: who may be chosen, why not the others, and the races."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import Range

from app.accounts.professional import Professional
from app.bookings.booking import Booking
from app.bookings.code import CodePhase
from app.bookings.holds import BookingRequest, hold
from app.check.invariants import BOOKING_INVARIANTS
from app.check.run import PARAMETERS
from app.core import clock
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.errors import Missing, Refused
from app.dispatch.assignment import assign, find_assignment_candidates, void_code
from app.jobs.acceptance import accept, hand_back, pass_on
from app.scheduling.working_hours import OfferedService, TimeOff
from tests.factories import (
    ADYAR,
    TAMBARAM,
    a_block,
    a_customer,
    a_professional,
    a_request,
    a_service,
    a_start,
    an_admin,
    reserved_for,
)

ENCRYPTION = Encryption("a secret for tests only")


async def reasons(db, booking) -> dict[str, list[str]]:
    return {
        candidate.candidate.full_name.split()[0]: candidate.objections
        for candidate in await find_assignment_candidates(db, booking)
    }


async def a_town(db):
    service = await a_service(db)
    return service, await a_customer(db), await an_admin(db)


async def test_of_everyone_who_does_the_work_it_is_explained_why_they_are_not_free(db):
    service, asha, meena = await a_town(db)
    named: dict[str, dict[str, Any]] = {
        "Bala": {},
        "Chitra": {"pincodes": (TAMBARAM,)},
        "Devi": {"approval": "pending"},
        "Elango": {"opens": 14 * 60},
        "Farid": {},
        "Gita": {},
        "Hari": {},
        "Indu": {},
        "Jaya": {},
    }
    professionals = {
        name: await a_professional(db, f"{name} Kumar", services=[service], **how) for name, how in named.items()
    }
    booking = await a_request(db, asha, service)
    await a_block(db, professionals["Farid"], meena)
    db.add(
        TimeOff(
            professional_id=professionals["Gita"].id,
            span=Range(a_start(hour=9), a_start(hour=12), bounds="[)"),
            created_at=clock.now(),
        )
    )
    await db.execute(
        update(OfferedService)
        .where(OfferedService.professional_id == professionals["Hari"].id)
        .values(approval_status="pending")
    )
    await db.execute(
        update(Professional)
        .where(Professional.user_id == professionals["Indu"].id)
        .values(documents_expire_on=clock.today())
    )
    await pass_on(db, professionals["Jaya"], booking.reference, "My back hurts.")
    message = await reasons(db, booking)
    assert message["Bala"] == []
    assert message["Chitra"] == ["Doesn't cover this pincode."]
    assert message["Devi"] == ["Not approved."]
    assert message["Elango"] == ["Outside their working hours."]
    assert message["Farid"][0] == "Blocked."
    assert message["Gita"] == ["On time off then."]
    assert message["Hari"] == ["Not approved for this service."]
    assert message["Indu"] == ["A document has expired."]
    assert message["Jaya"] == ["Passed on this offer."]


async def test_a_job_at_that_time_is_named_and_so_is_one_too_far_away_to_come_from(db):
    service, asha, _meena = await a_town(db)
    ravi = await a_professional(db, services=[service], pincodes=(ADYAR, TAMBARAM))
    first = await a_request(db, asha, service)
    await accept(db, ravi, first.reference, ENCRYPTION)
    for name in ("Bala Vel", "Chitra Raja"):
        await a_professional(db, name, services=[service], pincodes=(ADYAR, TAMBARAM))
    same = await a_request(db, asha, service, a_start(hour=10))
    assert (await reasons(db, same))["Ravi"] == [f"Busy with {first.reference}, 10–11\xa0am."]
    far = await a_request(db, asha, service, a_start(hour=11, minute=30), pincode=TAMBARAM)
    assert (await reasons(db, far))["Ravi"] == [f"Too far from {first.reference} (10–11\xa0am) to get there in time."]


async def test_what_an_admin_gives_is_assigned_with_a_code_and_both_are_notified(db):
    service, asha, meena = await a_town(db)
    await a_professional(db, services=[service])
    bala = await a_professional(db, "Bala Vel", services=[service])
    booking = await a_request(db, asha, service)
    await assign(db, meena, booking.reference, bala.id, ENCRYPTION)
    await db.flush()
    assert (booking.state, booking.professional_id, await reserved_for(db, booking)) == ("assigned", bala.id, bala.id)
    assert booking.live_code("start") is not None
    recorded_facts = (await db.execute(text("SELECT actor_id, facts FROM events WHERE name = 'booking.given'"))).one()
    assert (recorded_facts.actor_id, recorded_facts.facts["professional_id"]) == (meena.id, bala.id)
    repeated = await assign(db, meena, booking.reference, bala.id, ENCRYPTION)
    assert repeated is booking
    assert await db.scalar(text("SELECT count(*) FROM events WHERE name = 'booking.given'")) == 1
    await hand_back(db, bala, booking.reference, "Fell ill.")
    assert (await reasons(db, booking))["Bala"] == ["Accepted this job, then gave it up."]


async def test_a_named_professional_does_not_keep_an_admin_waiting(db):
    service, asha, meena = await a_town(db)
    ravi = await a_professional(db, services=[service])
    bala = await a_professional(db, "Bala Vel", services=[service])
    booking = await a_request(db, asha, service, professional_id=ravi.id)
    await assign(db, meena, booking.reference, bala.id, ENCRYPTION)
    assert (booking.professional_id, booking.exclusive_until) == (bala.id, None)


async def test_who_is_not_free_is_not_given_it_and_the_refusal_says_why(db):
    service, asha, meena = await a_town(db)
    ravi = await a_professional(db, services=[service])
    booking = await a_request(db, asha, service)
    await pass_on(db, ravi, booking.reference, "")
    with pytest.raises(Refused, match="Ravi Kumar can't take this job. Passed on this offer."):
        await assign(db, meena, booking.reference, ravi.id, ENCRYPTION)
    stranger = await a_professional(db, "Some Body")
    with pytest.raises(Missing):
        await assign(db, meena, booking.reference, stranger.id, ENCRYPTION)
    with pytest.raises(Missing):
        await assign(db, meena, booking.reference, asha.id, ENCRYPTION)
    assert booking.state == "requested"


async def test_time_kept_for_another_customer_moves_to_someone_else_or_the_admin_reads_that_it_cannot(db):
    service, asha, meena = await a_town(db)
    other = await a_service(db)
    ravi = await a_professional(db, services=[service, other])
    held = await a_request(db, asha, service)
    assert await reserved_for(db, held) == ravi.id
    bala = await a_professional(db, "Bala Vel", services=[other])
    requested = await a_request(db, asha, other, professional_id=bala.id)
    with pytest.raises(Refused, match="can't move to another professional"):
        await assign(db, meena, requested.reference, ravi.id, ENCRYPTION)


async def test_reservations_move_away_from_the_assigned_professional(db):
    service, asha, meena = await a_town(db)
    other = await a_service(db)
    ravi = await a_professional(db, services=[service, other])
    held = await a_request(db, asha, service)
    bala = await a_professional(db, "Bala Vel", services=[other])
    requested = await a_request(db, asha, other, professional_id=bala.id)
    chitra = await a_professional(db, "Chitra Raja", services=[service])
    found = {candidate.candidate.id: candidate for candidate in await find_assignment_candidates(db, requested)}
    assert (found[ravi.id].is_free, found[ravi.id].reservations) == (True, [held.reference])
    await assign(db, meena, requested.reference, ravi.id, ENCRYPTION)
    assert (requested.professional_id, await reserved_for(db, held)) == (ravi.id, chitra.id)


async def test_when_the_time_has_come_it_is_the_customers_to_choose(db):
    service, asha, meena = await a_town(db)
    ravi = await a_professional(db, services=[service])
    booking = await a_request(db, asha, service)
    with clock.freeze(booking.starts_at), pytest.raises(Refused, match="The customer will pick another"):
        await assign(db, meena, booking.reference, ravi.id, ENCRYPTION)


async def test_only_an_admin_gives(db):
    service, asha, _meena = await a_town(db)
    ravi = await a_professional(db, services=[service])
    booking = await a_request(db, asha, service)
    with pytest.raises(Refused) as error:
        booking.assign(ravi, ravi.id, ENCRYPTION)
    assert (error.value.reason, booking.state) == ("role", "requested")


async def test_a_code_is_voided_with_a_reason_and_the_customer_asks_for_a_new_one(db):
    service, asha, meena = await a_town(db)
    ravi = await a_professional(db, services=[service])
    booking = await a_request(db, asha, service)
    with pytest.raises(Refused, match="No professional has accepted"):
        await void_code(db, meena, booking.reference, "Read out on the phone.")
    await accept(db, ravi, booking.reference, ENCRYPTION)
    await void_code(db, meena, booking.reference, "Read out on the phone.")
    assert booking.live_code("start") is None
    assert all(code.encrypted_code is None for code in booking.codes)
    recorded_facts = (
        await db.execute(text("SELECT actor_id, facts FROM events WHERE name = 'booking.code_withdrawn'"))
    ).one()
    assert (recorded_facts.actor_id, recorded_facts.facts["phase"]) == (meena.id, "start")
    assert "phone" not in str(recorded_facts.facts)  # an erasable value
    with pytest.raises(Refused, match="no code"):
        await void_code(db, meena, booking.reference, "Again.")
    booking.renew_code(asha, CodePhase.START, ENCRYPTION)
    assert booking.live_code("start") is not None


async def _count_outcomes(attempts) -> Counter:
    ends = await asyncio.gather(*attempts, return_exceptions=True)
    assert not [end for end in ends if isinstance(end, Exception) and not isinstance(end, Refused)], ends
    return Counter(end.reason if isinstance(end, Refused) else "given" for end in ends)


async def the_check(db) -> list[str]:
    """The violations of bookings that `doorstep check` finds."""
    requested = {
        "no-double-booking",
        "booking-states-match-history",
        "moves-are-allowed",
        "only-approved-professionals-assigned",
    }
    bound = {name: PARAMETERS[name] for name in ("moves", "sources", "targets")}
    found = []
    for booking_invariant in BOOKING_INVARIANTS:
        if booking_invariant.name in requested:
            own = {name: value for name, value in bound.items() if f":{name}" in booking_invariant.query}
            found += list(await db.scalars(text(booking_invariant.query), own))
    return found


async def a_race(own_database: Database, people: int = 4):
    async with own_database.work() as db:
        service = await a_service(db)
        professionals = [await a_professional(db, f"Worker {n}", services=[service]) for n in range(people)]
        admins = [await an_admin(db), await an_admin(db, "Lakshmi Rao")]
        booking = await a_request(db, await a_customer(db), service)
    return professionals, admins, booking.reference


async def test_two_admins_who_give_it_to_different_people_at_once_have_one_answer_each(own_database: Database):
    professionals, admins, reference = await a_race(own_database)

    async def hand(admin, worker):
        async with own_database.work() as db:
            return await assign(db, admin, reference, worker.id, ENCRYPTION)

    ends = await _count_outcomes(hand(admins[n % 2], professionals[n]) for n in range(4))
    assert ends == {"given": 1, "taken": 3}
    async with own_database.work() as db:
        assert await db.scalar(text("SELECT count(*) FROM events WHERE name = 'booking.given'")) == 1
        assert await the_check(db) == []


async def test_an_admin_who_gives_while_someone_accepts_makes_one_of_them_the_winner(own_database: Database):
    professionals, admins, reference = await a_race(own_database)

    async def hand(worker):
        async with own_database.work() as db:
            return await assign(db, admins[0], reference, worker.id, ENCRYPTION)

    async def take(worker):
        async with own_database.work() as db:
            return await accept(db, worker, reference, ENCRYPTION)

    ends = await _count_outcomes(
        [
            hand(professionals[0]),
            take(professionals[1]),
            hand(professionals[2]),
            take(professionals[3]),
            take(professionals[1]),
        ]
    )
    assert ends["taken"] >= 3
    async with own_database.work() as db:
        winner = await db.scalar(select(Booking.professional_id))
        took = text("SELECT count(*) FROM events WHERE name IN ('booking.given', 'booking.assigned')")
        assert await db.scalar(took) == 1
        assert winner in {professional.id for professional in professionals}
        assert await the_check(db) == []


async def test_one_person_is_given_two_jobs_at_the_same_time_by_two_admins_and_gets_one(own_database: Database):
    async with own_database.work() as db:
        service = await a_service(db)
        ravi = await a_professional(db, services=[service])
        await a_professional(db, "Bala Vel", services=[service])
        admins = [await an_admin(db), await an_admin(db, "Lakshmi Rao")]
        asha, omar = await a_customer(db), await a_customer(db, "Omar Sheriff")
        references = [(await a_request(db, item, service)).reference for item in (asha, omar)]

    async def hand(admin, reference):
        async with own_database.work() as db:
            return await assign(db, admin, reference, ravi.id, ENCRYPTION)

    ends = await _count_outcomes(hand(*pair) for pair in zip(admins, references, strict=True))
    assert ends == {"given": 1, "busy": 1}
    async with own_database.work() as db:
        assert await the_check(db) == []


async def test_a_hold_made_meanwhile_and_a_job_given_never_take_the_same_time(own_database: Database):
    professionals, admins, reference = await a_race(own_database, people=2)
    async with own_database.work() as db:
        omar = await a_customer(db, "Omar Sheriff")
        service_id = await db.scalar(select(Booking.service_id))

    async def hand():
        async with own_database.work() as db:
            return await assign(db, admins[0], reference, professionals[1].id, ENCRYPTION)

    async def book():
        async with own_database.work() as db:
            return await hold(db, omar, BookingRequest(service_id, a_start(), "Flat 3B", ADYAR))

    await _count_outcomes([hand(), book(), book(), hand()])
    async with own_database.work() as db:
        assert await the_check(db) == []


@pytest.mark.parametrize(
    ("approval", "by"), [("pending", "admin"), ("approved", "professional")], ids=["never approved", "by no admin"]
)
async def test_the_check_finds_a_job_given_to_whom_or_by_whom_it_must_not_be(db, approval, by):
    service, asha, meena = await a_town(db)
    await a_professional(db, services=[service])
    bala = await a_professional(db, "Bala Vel", services=[service], approval=approval)
    booking = await a_request(db, asha, service)
    assert await the_check(db) == []
    booking._move("give", meena)
    booking._assign_to(bala.id, ENCRYPTION)
    booking._record("booking.given", meena if by == "admin" else bala, professional_id=bala.id)
    await db.flush()
    assert booking.subject in await the_check(db)
