"""Leaving while something begins: on real connections, whoever is quicker. Nobody who has left holds anything then."""

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
from app.check.run import broken
from app.core.encryption import Encryption
from app.core.errors import Missing, Refused
from app.core.storage import Storage
from app.jobs.acceptance import accept
from app.privacy.deletion import delete_account
from tests.authorisation.town import APPROVED
from tests.factories import ADYAR, a_customer, a_hold, a_professional, a_service, a_start
from tests.waiting import until_waiting

ROUNDS = 8
ENCRYPTION = Encryption("a secret of these tests, long enough to be one")


@pytest.fixture
def leaving(own_database, tmp_path):
    """How it ended: "left", or the reason why not."""

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
    """What a person is told when somebody was quicker: never anything that we did not think of."""
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


async def nothing_is_wrong(database) -> None:
    async with database.work() as db:
        assert await broken(db) == []


async def test_leaving_while_booking(own_database, leaving):
    async with own_database.work() as db:
        service = await a_service(db)
        await a_professional(db, services=[service])
        customers = [await a_customer(db, f"Asha {chr(65 + n)}") for n in range(ROUNDS)]

    async def books(customer, day: int) -> None:
        async with own_database.work() as db:
            await hold(db, customer, BookingRequest(service.id, a_start(days=day), "Flat 3B", ADYAR))

    told = Counter()
    for n, customer in enumerate(customers):
        booked, left = await asyncio.gather(ends(books(customer, 1 + n % 6)), leaving(customer))
        told[booked, left] += 1
        assert left in ("left", "again"), told
        assert booked in ("done", "crossed", "taken", "blocked"), told
    await nothing_is_wrong(own_database)


async def test_whoever_books_or_accepts_while_the_leaving_is_being_written_waits_and_is_refused(own_database, tmp_path):
    async with own_database.work() as db:
        service = await a_service(db)
        ravi, kumar = [await a_professional(db, name, services=[service]) for name in ("Ravi Kumar", "Kumar Raja")]
        asha, omar = await a_customer(db), await a_customer(db, "Omar Sheriff")
        asked = await a_hold(db, omar, service)
        asked.pay(omar, "after")
        asked.reserve_for(kumar.id)

    async def books() -> None:
        async with own_database.work() as db:
            await hold(db, asha, BookingRequest(service.id, a_start(days=3), "Flat 3B", ADYAR))

    async def accepts() -> None:
        async with own_database.work() as db:
            await accept(db, ravi, asked.reference, ENCRYPTION)

    async with own_database.work() as db:
        for user in (asha, ravi):
            await delete_account(db, Storage(tmp_path), Sessions(own_database), user)
        trying = [asyncio.create_task(ends(books())), asyncio.create_task(ends(accepts()))]
        await until_waiting(own_database, 2)
        assert not any(task.done() for task in trying), "they wait for the row of who leaves"
    assert await asyncio.gather(*trying) == ["blocked", "blocked"]
    await nothing_is_wrong(own_database)


async def test_leaving_while_paying(own_database, leaving):
    async with own_database.work() as db:
        service = await a_service(db)
        await a_professional(db, services=[service])
        customers = [await a_customer(db, f"Asha {chr(65 + n)}") for n in range(ROUNDS)]
        held = [
            (await a_hold(db, customer, service, a_start(days=1 + n % 4, hour=9 + 3 * (n // 4)))).reference
            for n, customer in enumerate(customers)
        ]

    async def pays(customer, reference: str) -> None:
        async with own_database.work() as db:
            await pay(db, customer, reference, APPROVED)

    for customer, reference in zip(customers, held, strict=True):
        paid, left = await asyncio.gather(ends(pays(customer, reference)), leaving(customer))
        assert (paid == "done") == (left != "left"), (paid, left)
    await nothing_is_wrong(own_database)


async def test_leaving_while_accepting(own_database, leaving):
    async with own_database.work() as db:
        service = await a_service(db)
        crew = [await a_professional(db, f"Ravi {chr(65 + n)}", services=[service]) for n in range(ROUNDS)]
        asha = await a_customer(db)
        asked = []
        for n in range(ROUNDS):
            booking = await a_hold(db, asha, service, a_start(days=1 + n % 4, hour=9 + 3 * (n // 4)))
            booking.pay(asha, "after")
            asked.append(booking.reference)

    async def accepts(professional, reference: str) -> None:
        async with own_database.work() as db:
            await accept(db, professional, reference, ENCRYPTION)

    # The last one stays, so that there is always somebody to ask.
    for professional, reference in zip(crew[:-1], asked, strict=False):
        accepted, left = await asyncio.gather(ends(accepts(professional, reference)), leaving(professional))
        assert left in ("left", "again"), (accepted, left)
        assert accepted in ("done", "crossed", "taken", "missing", "blocked", "busy"), (accepted, left)
    await nothing_is_wrong(own_database)


async def test_two_who_leave_at_once_with_the_jobs_of_each_other_to_take(own_database, leaving):
    async with own_database.work() as db:
        service = await a_service(db)
        crew = [await a_professional(db, f"Ravi {chr(65 + n)}", services=[service]) for n in range(4)]
        asha = await a_customer(db)
        for n, professional in enumerate(crew):
            for day in (1, 2):
                start = a_start(days=day, hour=9 + 2 * n)
                booking = await a_hold(db, asha, service, start, professional_id=professional.id)
                booking.pay(asha, "after")
                await db.flush()
                await accept(db, professional, booking.reference, ENCRYPTION)
                if day == 2 and n == 1:
                    break
    told = await asyncio.gather(*(ends(_or_again(leaving, one)) for one in crew[:3]))
    assert set(told) <= {"done", "crossed"}
    await nothing_is_wrong(own_database)


async def _or_again(leaving, professional) -> None:
    assert await leaving(professional) in ("left", "again")


async def test_the_same_form_sent_twice_leaves_once(own_database, leaving):
    async with own_database.work() as db:
        asha = await a_customer(db)
    told = await asyncio.gather(*(leaving(asha) for _ in range(5)))
    assert Counter(told) == {"left": 1, "missing": 4}
    async with own_database.work() as db:
        told = "SELECT count(*) FROM events WHERE name = 'person.left' AND subject = :s"
        assert await db.scalar(text(told), {"s": f"user-{asha.id}"}) == 1
    await nothing_is_wrong(own_database)


async def test_nothing_is_written_into_an_account_that_was_left_meanwhile(own_database, leaving):
    async with own_database.work() as db:
        customers = [await a_customer(db, f"Asha {chr(65 + n)}") for n in range(ROUNDS)]

    async def renames(customer) -> None:
        async with own_database.work() as db:
            user = await Users(db).get(customer.id, lock=True)
            await change_details(db, user, Details(full_name="Zaphira Quillon", phone=customer.phone))

    async def adds(customer) -> None:
        async with own_database.work() as db:
            await Addresses(db, customer.id).add("12 Canary Street", ADYAR)

    for customer in customers:
        told = await asyncio.gather(ends(renames(customer)), ends(adds(customer)), leaving(customer))
        assert told[2] == "left"
        assert set(told[:2]) <= {"done", "missing"}
    await nothing_is_wrong(own_database)
