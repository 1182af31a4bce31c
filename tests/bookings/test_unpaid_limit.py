"""Unpaid open bookings of one customer: 1 before a confirmed email, 3, 5, then 12; held ones and those paid after."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import update

from app.accounts.user import User
from app.bookings.cancellation import cancel_by_customer
from app.bookings.checkout import book_and_pay, pay
from app.bookings.holds import BookingRequest, hold
from app.bookings.payment_form import PaymentForm, PaymentFormKind
from app.core import clock
from app.core.errors import Refused
from tests.api_client import AFTER, VISA, ApiClient, an_order, sign_up
from tests.bookings.scenes import Scene, later
from tests.factories import ADYAR, a_customer, a_professional, a_service, a_start, past_visits
from tests.waiting import until_waiting

HOURS = [(day, hour) for day in (1, 2) for hour in range(9, 19)]


@pytest.fixture
async def city(own_database):
    """A service, its professionals, and customers by what is known of them: Asha of no visits, of one, of three."""
    async with own_database.work() as db:
        service = await a_service(db)
        workers = [await a_professional(db, f"Worker {n}", services=[service]) for n in range(3)]
        customers = {}
        for visits in (0, 1, 3):
            customers[visits] = await a_customer(db, f"Asha {visits}")
            await past_visits(db, customers[visits], service, workers[0], visits)
    return service, customers


async def outcome(verb) -> str:
    try:
        await verb
    except Refused as refusal:
        return refusal.reason
    return "booked"


@pytest.mark.parametrize(
    ("visits", "is_verified", "limit"), [(0, False, 1), (3, False, 1), (0, True, 3), (1, True, 5), (3, True, 12)]
)
async def test_parallel_bookings_do_not_pass_the_limit(own_database, city, visits, is_verified, limit):
    """Twenty starts at once, every second held by the page and every second ordered to be paid after the visit."""
    service, customers = city
    asha, rush = customers[visits], asyncio.Semaphore(12)
    async with own_database.work() as db:
        verified_at = clock.now() if is_verified else None
        await db.execute(update(User).where(User.id == asha.id).values(email_verified_at=verified_at))

    async def book(number: int) -> str:
        day, hour = HOURS[number]
        request = BookingRequest(service.id, a_start(day, hour), "Flat 3B", ADYAR)
        async with rush, own_database.work() as db:
            if number % 2 and visits < 3:
                return await outcome(hold(db, asha, request))
            return await outcome(book_and_pay(db, asha, request, PaymentForm(PaymentFormKind.INSTRUMENT, AFTER)))

    assert Counter(await asyncio.gather(*map(book, range(20)))) == {"booked": limit, "unpaid": 20 - limit}


async def test_a_hold_that_is_ordered_at_its_very_end_still_counts(own_database, city):
    service, customers = city
    asha, paid, goes_on = customers[0], asyncio.Event(), asyncio.Event()
    async with own_database.work() as db:
        await db.execute(update(User).where(User.id == asha.id).values(email_verified_at=None))
        reference = (await hold(db, asha, BookingRequest(service.id, a_start(), "Flat 3B", ADYAR))).reference

    async def order() -> None:
        async with own_database.work() as db:
            await pay(db, asha, reference, None)
            paid.set()
            await goes_on.wait()

    async def book() -> str:
        async with own_database.work() as db:
            return await outcome(hold(db, asha, BookingRequest(service.id, a_start(2), "Flat 3B", ADYAR)))

    ordering = asyncio.create_task(order())
    await paid.wait()
    with later(minutes=8):
        booking = asyncio.create_task(book())
        await until_waiting(own_database, 1)
        goes_on.set()
        assert await booking == "unpaid"
    await ordering


async def test_what_is_paid_counts_for_nothing(own_database, city):
    service, customers = city
    asha = customers[0]

    async def book(number: int, fields: dict[str, str]) -> str:
        request = BookingRequest(service.id, a_start(*HOURS[number]), "Flat 3B", ADYAR)
        async with own_database.work() as db:
            return await outcome(book_and_pay(db, asha, request, PaymentForm(PaymentFormKind.INSTRUMENT, fields)))

    assert [await book(number, VISA) for number in range(5)] == ["booked"] * 5
    assert [await book(number, AFTER) for number in range(5, 9)] == ["booked"] * 3 + ["unpaid"]
    assert await book(9, VISA) == "booked"


async def test_cancelling_makes_room_again(own_database, city):
    service, customers = city
    asha = customers[0]
    async with own_database.work() as db:
        made = [await hold(db, asha, BookingRequest(service.id, a_start(*at), "Flat 3B", ADYAR)) for at in HOURS[:3]]
    request = BookingRequest(service.id, a_start(*HOURS[5]), "Flat 3B", ADYAR)
    async with own_database.work() as db:
        assert await outcome(hold(db, asha, request)) == "unpaid"
    async with own_database.work() as db:
        await cancel_by_customer(db, asha, made[0].reference, "Not needed.")
        assert await outcome(hold(db, asha, request)) == "booked"


async def test_the_page_says_how_to_go_on(app):
    scene = await Scene.set(app)
    asha = await scene.browser(scene.asha)
    for hour in (9, 11, 13):
        await scene.paid(asha, a_start(hour=hour), method="after")
    refused = await asha.submit(await asha.visit(scene.new_booking_url(a_start(hour=15))), "/bookings")
    assert refused.status == 409
    assert "You can have 3 unpaid bookings until your first visit is done." in refused.text
    assert "/bookings" in refused.links
    async with scene.database.work() as db:
        await db.execute(update(User).where(User.id == scene.asha.id).values(email_verified_at=None))
    refused = await asha.submit(await asha.visit(scene.new_booking_url(a_start(hour=15))), "/bookings")
    assert refused.status == 409
    assert "confirm your email address" in refused.text
    assert "/profile" in refused.links
    await scene.close()


async def test_one_account_cannot_take_every_start_of_a_professional(api_app, api_people, api_service):
    """A new account of one person in twelve sessions books day after day; the honest customer beside them goes on."""
    omar = await sign_up(api_app, api_people, a_customer, "Omar Flood", email_verified_at=None)
    honest = await sign_up(api_app, api_people, a_customer, "Honest Customer")
    starts = [a_start(day, hour).isoformat() for day in range(26, 29) for hour in range(8, 20)]
    orders = [an_order(api_service, payment=AFTER, start=start) for start in starts]
    clients = [ApiClient(api_app) for _ in range(13)]
    for client in clients[:-1]:
        assert (await client.sign_in(omar.email)).status_code == 200
    assert (await clients[-1].sign_in(honest.email)).status_code == 200
    flood = [clients[number % 12].post("/api/request/service", json=order) for number, order in enumerate(orders)]
    own = clients[-1].post("/api/request/service", json=an_order(api_service, payment=AFTER))
    *answers, honest_answer = await asyncio.gather(*flood, own)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 35}
    assert honest_answer.status_code == 201
    problem = next(answer for answer in answers if answer.status_code == 409)
    assert problem.headers["content-type"] == "application/problem+json"
    assert "confirm your email address" in problem.json()["detail"]
    for client in clients:
        await client.aclose()
