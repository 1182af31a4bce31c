"""Account deletion while bookings begin, on real connections: in any order, a deleted user holds nothing afterwards."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.accounts.profile import change_details
from app.accounts.repository import Addresses, Users
from app.accounts.schemas import Details
from app.accounts.session import Sessions
from app.bookings.checkout import pay
from app.bookings.holds import BookingRequest, hold
from app.bookings.reservation import reserve_next_candidate
from app.check.run import find_violations
from app.core.encryption import Encryption
from app.core.errors import Missing, Refused
from app.core.storage import Storage
from app.jobs.acceptance import accept
from app.privacy.deletion import delete_account
from tests.authorisation.town import APPROVED
from tests.factories import ADYAR, a_customer, a_hold, a_professional, a_request, a_service, a_start, reserved_for
from tests.waiting import until_waiting

RACE_ROUNDS = 8
ENCRYPTION = Encryption("a secret of these tests, long enough to be one")


@pytest.fixture
def try_deletion(own_database, tmp_path):
    """Delete an account; return "left", or the reason of the refusal."""

    async def go(user) -> str:
        try:
            async with own_database.work() as db:
                await delete_account(db, Storage(tmp_path), Sessions(own_database), user)
        except Refused as refusal:
            return refusal.reason
        except Missing:
            return "missing"
        return "left"

    return go


async def ends(work) -> str:
    """Return the outcome of a call that lost or won a race; unexpected errors are raised."""
    try:
        await work
    except Refused as refusal:
        return refusal.reason
    except Missing:
        return "missing"
    except DBAPIError as problem:
        if "deadlock" in str(problem):
            return "crossed"
        raise
    return "done"


async def assert_consistent(database) -> None:
    async with database.work() as db:
        assert await find_violations(db) == []


async def test_deletion_while_booking(own_database, try_deletion):
    async with own_database.work() as db:
        service = await a_service(db)
        await a_professional(db, services=[service])
        customers = [await a_customer(db, f"Asha {chr(65 + n)}") for n in range(RACE_ROUNDS)]

    async def books(customer, day: int) -> None:
        async with own_database.work() as db:
            await hold(db, customer, BookingRequest(service.id, a_start(days=day), "Flat 3B", ADYAR))

    outcomes: Counter[tuple[str, str]] = Counter()
    for n, customer in enumerate(customers):
        booked, left = await asyncio.gather(ends(books(customer, 1 + n % 6)), try_deletion(customer))
        outcomes[booked, left] += 1
        assert left in ("left", "again"), outcomes
        assert booked in ("done", "crossed", "taken", "blocked"), outcomes
    await assert_consistent(own_database)


async def test_who_books_or_accepts_while_a_deletion_is_in_progress_waits_and_is_refused(own_database, tmp_path):
    async with own_database.work() as db:
        service = await a_service(db)
        ravi, kumar = [await a_professional(db, name, services=[service]) for name in ("Ravi Kumar", "Kumar Raja")]
        asha, omar = await a_customer(db), await a_customer(db, "Omar Sheriff")
        requested = await a_request(db, omar, service)
        await reserve_next_candidate(db, requested, excluded_id=ravi.id)
        assert await reserved_for(db, requested) == kumar.id

    async def books() -> None:
        async with own_database.work() as db:
            await hold(db, asha, BookingRequest(service.id, a_start(days=3), "Flat 3B", ADYAR))

    async def accepts() -> None:
        async with own_database.work() as db:
            await accept(db, ravi, requested.reference, ENCRYPTION)

    async with own_database.work() as db:
        for user in (asha, ravi):
            await delete_account(db, Storage(tmp_path), Sessions(own_database), user)
        trying = [asyncio.create_task(ends(books())), asyncio.create_task(ends(accepts()))]
        await until_waiting(own_database, 2)
        assert not any(task.done() for task in trying), "they wait for the row of who leaves"
    assert await asyncio.gather(*trying) == ["blocked", "blocked"]
    await assert_consistent(own_database)


async def test_deletion_while_paying(own_database, try_deletion):
    async with own_database.work() as db:
        service = await a_service(db)
        await a_professional(db, services=[service])
        customers = [await a_customer(db, f"Asha {chr(65 + n)}") for n in range(RACE_ROUNDS)]
        held = [
            (await a_hold(db, customer, service, a_start(days=1 + n % 4, hour=9 + 3 * (n // 4)))).reference
            for n, customer in enumerate(customers)
        ]

    async def pays(customer, reference: str) -> None:
        async with own_database.work() as db:
            await pay(db, customer, reference, APPROVED)

    for customer, reference in zip(customers, held, strict=True):
        paid, left = await asyncio.gather(ends(pays(customer, reference)), try_deletion(customer))
        assert (paid == "done") == (left != "left"), (paid, left)
    await assert_consistent(own_database)


async def test_deletion_while_accepting(own_database, try_deletion):
    async with own_database.work() as db:
        service = await a_service(db)
        workers = [await a_professional(db, f"Ravi {chr(65 + n)}", services=[service]) for n in range(RACE_ROUNDS)]
        references = []
        for n in range(RACE_ROUNDS):
            asha = await a_customer(db)
            booking = await a_hold(db, asha, service, a_start(days=1 + n % 4, hour=9 + 3 * (n // 4)))
            booking.pay(asha, "after")
            references.append(booking.reference)

    async def accepts(professional, reference: str) -> None:
        async with own_database.work() as db:
            await accept(db, professional, reference, ENCRYPTION)

    # The last one stays, so that there is always a candidate.
    for professional, reference in zip(workers[:-1], references, strict=False):
        accepted, left = await asyncio.gather(ends(accepts(professional, reference)), try_deletion(professional))
        assert left in ("left", "again"), (accepted, left)
        assert accepted in ("done", "crossed", "taken", "missing", "blocked", "busy"), (accepted, left)
    await assert_consistent(own_database)


async def test_two_who_leave_at_once_with_the_jobs_of_each_other_to_take(own_database, try_deletion):
    async with own_database.work() as db:
        service = await a_service(db)
        workers = [await a_professional(db, f"Ravi {chr(65 + n)}", services=[service]) for n in range(4)]
        for n, professional in enumerate(workers):
            asha = await a_customer(db)
            for day in (1, 2):
                start = a_start(days=day, hour=9 + 2 * n)
                booking = await a_hold(db, asha, service, start, professional_id=professional.id)
                booking.pay(asha, "after")
                await db.flush()
                await accept(db, professional, booking.reference, ENCRYPTION)
                if day == 2 and n == 1:
                    break
    outcomes = await asyncio.gather(*(ends(_retry_deletion(try_deletion, item)) for item in workers[:3]))
    assert set(outcomes) <= {"done", "crossed"}
    await assert_consistent(own_database)


async def _retry_deletion(try_deletion, professional) -> None:
    assert await try_deletion(professional) in ("left", "again")


async def test_the_same_form_sent_twice_leaves_once(own_database, try_deletion):
    async with own_database.work() as db:
        asha = await a_customer(db)
    outcomes = await asyncio.gather(*(try_deletion(asha) for _ in range(5)))
    assert Counter(outcomes) == {"left": 1, "missing": 4}
    async with own_database.work() as db:
        statement = "SELECT count(*) FROM events WHERE name = 'person.left' AND subject = :s"
        assert await db.scalar(text(statement), {"s": f"user-{asha.id}"}) == 1
    await assert_consistent(own_database)


async def test_nothing_is_written_into_an_account_that_was_left_meanwhile(own_database, try_deletion):
    async with own_database.work() as db:
        customers = [await a_customer(db, f"Asha {chr(65 + n)}") for n in range(RACE_ROUNDS)]

    async def renames(customer) -> None:
        async with own_database.work() as db:
            user = await Users(db).get(customer.id, lock=True)
            await change_details(db, user, Details(full_name="Zaphira Quillon", phone=customer.phone))

    async def adds(customer) -> None:
        async with own_database.work() as db:
            await Addresses(db, customer.id).add("12 Canary Street", ADYAR)

    for customer in customers:
        outcomes = await asyncio.gather(ends(renames(customer)), ends(adds(customer)), try_deletion(customer))
        assert outcomes[2] == "left"
        assert set(outcomes[:2]) <= {"done", "missing"}
    await assert_consistent(own_database)
