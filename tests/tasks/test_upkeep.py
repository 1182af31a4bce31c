"""The periodic tasks, under a frozen clock."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.accounts.session import Attempts, EmailLink, Session
from app.bookings import due_repository
from app.bookings.booking import Booking
from app.bookings.due_repository import DueBookings
from app.bookings.expiry import cancel_unfilled, close_unreviewed, complete_overdue_jobs
from app.check.run import find_violations
from app.core import clock
from app.core.encryption import Encryption
from app.core.idempotency import IdempotencyKey
from app.jobs.acceptance import accept, hand_back
from app.payments import charges
from app.payments.ledger import LedgerEntry
from app.payments.pretend_bank import Authorisation, Instrument
from tasks.accounts import prune_keys, prune_sessions
from tasks.bookings import close_old_bookings
from tasks.saq_config import TASKS
from tasks.timetable import TIMETABLE
from tests.application import task_context
from tests.factories import a_customer, a_professional, a_request, a_service, a_start

ENCRYPTION = Encryption("a secret for tests only")
CARD = Authorisation("authorised", Instrument("card", "Visa", "4242"))


@pytest.fixture
async def requested_booking(db):
    """A booking by card that Ravi could take, tomorrow at ten."""
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    asha = await a_customer(db)
    booking = await a_request(db, asha, service)
    booking.payment = "card"
    await charges.authorise(db, booking.id, asha.id, booking.price, "booking", CARD)
    return booking, ravi


async def started(db, booking, ravi):
    await accept(db, ravi, booking.reference, ENCRYPTION)
    with clock.freeze(booking.starts_at):
        booking.start(ravi, booking.live_code("start"), ENCRYPTION)
        await db.flush()


async def balance(db, account: str) -> int:
    return await db.scalar(select(func.coalesce(func.sum(LedgerEntry.amount), 0)).where(LedgerEntry.account == account))


async def test_an_offer_that_no_one_took_ends_an_hour_before_with_a_full_refund(db, requested_booking):
    booking, _ = requested_booking
    with clock.freeze(booking.starts_at - timedelta(minutes=61)):
        assert await cancel_unfilled(db) == 0
    with clock.freeze(booking.starts_at - timedelta(minutes=60)):
        assert await cancel_unfilled(db) == 1
        assert await cancel_unfilled(db) == 0
    assert (booking.state, booking.cancelled_as) == ("cancelled", "unfilled")
    assert await balance(db, "hold") == 0
    assert await balance(db, "gateway") == 0


async def test_a_job_handed_back_in_the_last_hour_waits_until_the_slot_and_then_for_its_customer(db, requested_booking):
    booking, ravi = requested_booking
    await accept(db, ravi, booking.reference, ENCRYPTION)
    with clock.freeze(booking.starts_at - timedelta(minutes=30)):
        await hand_back(db, ravi, booking.reference, "My scooter broke.")
        assert await cancel_unfilled(db) == 0
    with clock.freeze(booking.starts_at):
        assert await cancel_unfilled(db) == 0
        assert booking.needs_answer(clock.now())
    assert booking.state == "requested"


async def test_twelve_hours_after_the_slot_a_running_job_is_done_by_the_clock_and_the_payout_waits(
    db, requested_booking
):
    booking, ravi = requested_booking
    await started(db, booking, ravi)
    with clock.freeze(booking.ends_at + timedelta(hours=12) - timedelta(seconds=1)):
        assert await complete_overdue_jobs(db) == 0
    done = booking.ends_at + timedelta(hours=12)
    with clock.freeze(done):
        assert await complete_overdue_jobs(db) == 1
    assert (booking.state, booking.completed_automatically) == ("completed", True)
    assert (await balance(db, "payout_held"), await balance(db, "earnings")) == (-126_65, 0)
    with clock.freeze(done + timedelta(days=7)):
        assert await charges.release_held_payouts(db) == 1
        assert await charges.release_held_payouts(db) == 0
    assert (await balance(db, "payout_held"), await balance(db, "earnings")) == (0, -126_65)
    assert await find_violations(db) == []


async def test_a_job_that_started_late_counts_from_its_start(db, requested_booking):
    booking, ravi = requested_booking
    await accept(db, ravi, booking.reference, ENCRYPTION)
    late = booking.ends_at + timedelta(hours=2)
    with clock.freeze(late):
        booking.start(ravi, booking.live_code("start"), ENCRYPTION)
        await db.flush()
    with clock.freeze(booking.ends_at + timedelta(hours=13)):
        assert await complete_overdue_jobs(db) == 0
    with clock.freeze(late + timedelta(hours=12)):
        assert await complete_overdue_jobs(db) == 1


async def test_seven_days_without_a_review_close_the_booking(db, requested_booking):
    booking, ravi = requested_booking
    await started(db, booking, ravi)
    with clock.freeze(booking.ends_at + timedelta(hours=12)):
        await complete_overdue_jobs(db)
    with clock.freeze(booking.completed_at + timedelta(days=7) - timedelta(seconds=1)):
        assert await close_unreviewed(db) == 0
    with clock.freeze(booking.completed_at + timedelta(days=7)):
        assert await close_unreviewed(db) == 1
    assert booking.state == "closed"


async def test_one_booking_that_cannot_be_moved_does_not_keep_the_others_waiting(db):
    service = await a_service(db)
    for name in ("Ravi Kumar", "Bala Vel"):
        await a_professional(db, name, services=[service])
    asha = await a_customer(db)
    broken_booking, sound = await a_request(db, asha, service), await a_request(db, asha, service)
    await db.execute(update(Booking).where(Booking.id == broken_booking.id).values(event_head=b"not its history"))
    with clock.freeze(a_start() - timedelta(minutes=60)):
        assert await cancel_unfilled(db) == 1
    await db.refresh(broken_booking)
    await db.refresh(sound)
    assert (broken_booking.state, sound.state) == ("requested", "cancelled")


async def test_two_workers_give_up_an_offer_once(own_database):
    async with own_database.work() as db:
        service = await a_service(db)
        await a_professional(db, services=[service])
        await a_request(db, await a_customer(db), service)

    async def give_up():
        async with own_database.work() as db:
            return await cancel_unfilled(db)

    with clock.freeze(a_start() - timedelta(minutes=59)):
        assert sorted(await asyncio.gather(give_up(), give_up())) == [0, 1]


async def test_one_run_closes_all_that_is_due_batch_by_batch(own_database, monkeypatch):
    monkeypatch.setattr(due_repository, "DUE_BATCH_SIZE", 2)
    async with own_database.work() as db:
        service = await a_service(db)
        ravi = await a_professional(db, services=[service])
        bookings = [await a_request(db, await a_customer(db), service, a_start(days)) for days in range(1, 6)]
        for booking in bookings:
            await started(db, booking, ravi)
            with clock.freeze(booking.ends_at + timedelta(hours=12)):
                assert await complete_overdue_jobs(db) == 1
    with clock.freeze(a_start(days=20)):
        assert await close_old_bookings(task_context(own_database)) == 5
        assert await close_old_bookings(task_context(own_database)) == 0


async def test_those_who_wait_for_their_customer_keep_no_one_out_of_the_portion(db, requested_booking):
    booking, ravi = requested_booking
    await accept(db, ravi, booking.reference, ENCRYPTION)
    with clock.freeze(booking.starts_at - timedelta(minutes=30)):
        await hand_back(db, ravi, booking.reference, "My scooter broke.")
    assert await DueBookings(db).unfilled(booking.ends_at) == []
    assert await find_violations(db) == []


async def test_two_workers_let_a_payout_go_once(own_database):
    async with own_database.work() as db:
        service = await a_service(db)
        ravi = await a_professional(db, services=[service])
        booking = await a_request(db, await a_customer(db), service)
        await started(db, booking, ravi)
        with clock.freeze(booking.ends_at + timedelta(hours=12)):
            await complete_overdue_jobs(db)

    async def let_go():
        async with own_database.work() as db:
            return await charges.release_held_payouts(db)

    with clock.freeze(booking.ends_at + timedelta(days=8)):
        assert sorted(await asyncio.gather(let_go(), let_go())) == [0, 1]


async def test_worn_out_keys_sessions_links_and_tries_are_forgotten_and_live_ones_kept(own_database):
    now = clock.now()
    async with own_database.work() as db:
        asha = await a_customer(db)
        for days, name in ((8, b"old"), (0, b"new")):
            then = now - timedelta(days=days)
            known = {"user_id": asha.id, "created_at": then}
            db.add(IdempotencyKey(**known, key=name.decode(), purpose="booking", digest=b"", result=""))
            ends = {"expires_at": then + timedelta(hours=1)}
            db.add(Session(**known, **ends, digest=name, epoch=0, last_seen_at=then, fresh_at=then))
            db.add(EmailLink(**known, **ends, digest=name, purpose="reset", address="asha@example.com"))
            db.add(Attempts(key=name.decode(), first_at=then, wait_until=then))
    ctx = task_context(own_database)
    assert await prune_sessions(ctx) == 1
    assert await prune_keys(ctx) == 1
    async with own_database.work() as db:
        for table in (IdempotencyKey, Session, EmailLink, Attempts):
            assert await db.scalar(select(func.count()).select_from(table)) == 1


def test_every_task_has_a_name_of_its_own():
    names = [task.__qualname__ for task in TASKS] + [task.name for task in TIMETABLE]
    assert len(set(names)) == len(names)
    assert {"expire_holds", "cancel_unfilled_bookings", "drain_outbox"} <= set(names)
