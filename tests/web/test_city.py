"""What a request costs is the same in a town and in a city: so many statements, and never everybody's rows."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.bookings.booking import Booking
from app.core import clock
from app.scheduling.candidate_repository import FIRST_BATCH
from tests.api_client import VISA
from tests.crowd import CITY, TOWN, Place, a_place, difference
from tests.factories import ADYAR, PASSWORD
from tests.person import Page, Person

MORNING = datetime(2026, 11, 24, 9, 0, tzinfo=clock.IST)
START = "%Y-%m-%dT%H:%M"
MORE_THAN_ALL_PEOPLE = 10_000
MAX_ROWS = 160  # of one statement; the longest list is of the 150 people whom an admin may assign
AS_HTMX = {"hx-request": "true", "hx-request-type": "partial"}

Case = Callable[[Place], Awaitable[None]]


@pytest.fixture(autouse=True)
def a_morning() -> Iterator[None]:
    with clock.freeze(MORNING):
        yield


@pytest.fixture(scope="module")
async def places(services: Any) -> AsyncIterator[list[Place]]:
    async with AsyncExitStack() as stack:
        with clock.freeze(MORNING):
            places = [await stack.enter_async_context(a_place(services, people)) for people in (TOWN, CITY)]
            for place in places:  # the first statement of a connection is preceded by those of SQLAlchemy
                await (await place.visitor()).visit("/")
        yield places


async def assert_same(places: list[Place], case: Case) -> None:
    for place in places:
        await case(place)
        await place.close()
        assert place.statements
        assert place.max_rows <= MAX_ROWS
    town, city = (place.statements for place in places)
    assert len(town) == len(city), difference(town, city)


# Whose page → its addresses.
PAGES = {
    "visitor": [
        "/",
        "/services?q=leaks&pincode={pincode}",
        "/services?pincode={pincode}&sort=rating",
        "/services?category={category}&pincode={pincode}",
        "/services/{slug}?pincode={pincode}",
        "/services/{slug}?pincode={pincode}&day={next_week}",
        "/services/{slug}?pincode={pincode}&professional={worker}",
        "/services/{slug}?pincode={pincode}&pages=2",
        "/services/{slug}?pincode=600045",
        "/services/{slug}/slots?pincode={pincode}",
        "/services/{slug}/slots?pincode={pincode}&professional={worker}",
        "/services/{slug}/reviews",
        "/professionals/{worker}",
    ],
    "customer": [
        "/",
        "/services?q=leaks",
        "/services/{slug}",
        "/bookings",
        "/bookings/new?service={service}&pincode={pincode}",
        "/bookings/new?service={service}&pincode={pincode}&professional={worker}",
        "/bookings/new?service={service}&pincode={pincode}&start={start}",
        "/bookings/new?again={requested}",
        "/bookings/{held}/payment",
        "/bookings/{requested}",
        "/bookings/{assigned}",
        "/bookings/{assigned}/reschedule",
        "/bookings/{requested}/reschedule?day={next_week}",
        "/bookings/{assigned}/cancellation",
        "/bookings/{assigned}/calendar",
        "/calendar",
    ],
    "professional": [
        "/jobs",
        "/jobs?tab=today",
        "/jobs?tab=coming",
        "/jobs?seen={held},{requested}",
        "/jobs/{requested}",
        "/jobs/{assigned}",
        "/jobs/{assigned}/calendar",
        "/jobs/calendar",
        "/jobs/history",
        "/earnings",
        "/availability",
        "/profile/work",
        "/profile/leaving",
    ],
    "admin": [
        "/admin",
        "/admin/bookings",
        "/admin/bookings/{assigned}",
        "/admin/dispatch",
        "/admin/dispatch/{requested}",
        "/admin/professionals",
        "/admin/professionals?state=approved&pincode={pincode}",
        "/admin/professionals/{worker}",
        "/admin/professionals/{worker}/block",
        "/admin/services",
        "/admin/services/{service}",
        "/admin/services/{service}/retirement",
    ],
}
API_ADDRESSES = {
    "visitor": [
        "/api/services",
        "/api/service/leaks",
        "/api/services/{service}/slots?pincode={pincode}",
        "/api/services/{service}/slots?pincode={pincode}&professional={worker}",
    ],
    "customer": ["/api/request/service/{customer}"],
    "professional": ["/api/servicerequest/{worker}"],
    "admin": ["/api/professional", "/api/request"],
}


def names_of(place: Place) -> dict[str, object]:
    """What the addresses name."""
    return place.subjects.addresses | {
        "pincode": ADYAR,
        "slug": place.service.slug,
        "service": place.service.id,
        "category": f"plumbing-{place.service.slug.removeprefix('service-')}",
        "next_week": (clock.today() + timedelta(days=7)).isoformat(),
    }


async def visit(place: Place, person: Person, address: str, **headers: str) -> Page:
    with place.counting():
        page = await person.visit(address, **headers)
    assert page.status == 200, page.text
    return page


def each_of(addresses: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(role, address) for role, of_role in addresses.items() for address in of_role]


@pytest.mark.parametrize(("role", "address"), each_of(PAGES))
async def test_a_page_costs_the_same_in_a_town_and_in_a_city(places: list[Place], role: str, address: str) -> None:
    async def page(place: Place) -> None:
        user = await place.user_of(role)
        person = await place.browser(user) if user else await place.visitor()
        await visit(place, person, address.format_map(names_of(place)))

    await assert_same(places, page)


@pytest.mark.parametrize("query", ["", "&professional={worker}", "&day={next_week}"])
async def test_the_slots_alone_cost_the_same(places: list[Place], query: str) -> None:
    async def slots(place: Place) -> None:
        await place.user_of("visitor")
        address = f"/services/{place.service.slug}/slots?pincode={ADYAR}{query}"
        fragment = await visit(place, await place.visitor(), address.format_map(names_of(place)), **AS_HTMX)
        assert "<html" not in fragment.text

    await assert_same(places, slots)


@pytest.mark.parametrize(("role", "address"), each_of(API_ADDRESSES))
async def test_an_address_of_the_api_costs_the_same(places: list[Place], role: str, address: str) -> None:
    async def answer(place: Place) -> None:
        user = await place.user_of(role)
        client = await place.api_client(user) if user else await place.visitor()
        with place.counting():
            response = await client.get(address.format_map(names_of(place)))
        assert response.status_code == 200, response.text

    await assert_same(places, answer)


async def submit(place: Place, person: Person, page: Page, action: str, **fields: Any) -> Page:
    """Submit the form of a page that was opened before, and count that alone."""
    with place.counting():
        sent = await person.submit(page, action, **fields)
    assert sent.status == 303, sent.text
    return sent


async def submit_in_vain(place: Place, person: Person, page: Page, action: str, **fields: Any) -> Page:
    with place.counting():
        sent = await person.submit(page, action, **fields)
    assert sent.status == 409, sent.text
    return sent


async def post(place: Place, person: Person, path: str, **fields: str) -> Page:
    token = await person.token()
    with place.counting():
        sent = await person.post_fields(path, {**fields, "_csrf_token": token})
    assert sent.status == 303, sent.text
    return sent


def job_address(booking: Booking, action: str = "") -> str:
    return f"/jobs/{booking.reference}" + (f"/{action}" if action else "")


def booking_address(booking: Booking, action: str = "") -> str:
    return f"/bookings/{booking.reference}" + (f"/{action}" if action else "")


def new_booking_address(place: Place, start: datetime, worker_id: int | str = "") -> str:
    service = place.service.id
    return f"/bookings/new?service={service}&pincode={ADYAR}&start={start.strftime(START)}&professional={worker_id}"


# What customers do.


async def hold_for_anyone(place: Place) -> None:
    me = await place.browser(await place.customer())
    page = await me.visit(new_booking_address(place, place.start()))
    await submit(place, me, page, "/bookings")


async def hold_of_someone(place: Place) -> None:
    me = await place.browser(await place.customer())
    page = await me.visit(new_booking_address(place, place.start(), place.worker().id))
    await submit(place, me, page, "/bookings")


async def hold_of_a_taken_time(place: Place) -> None:
    worker, start = place.worker(), place.start()
    me = await place.browser(await place.customer())
    page = await me.visit(new_booking_address(place, start, worker.id))
    await place.requested(await place.customer(), worker, start)
    sent = await submit_in_vain(place, me, page, "/bookings")
    assert "just taken" in sent.text


async def hold_when_the_first_candidates_are_away(place: Place) -> None:
    start = place.start()
    await place.send_away(start, FIRST_BATCH)
    me = await place.browser(await place.customer())
    await submit(place, me, await me.visit(new_booking_address(place, start)), "/bookings")


async def slots_when_the_first_candidates_are_away(place: Place) -> None:
    await place.send_away(place.start(), FIRST_BATCH)
    await visit(place, await place.visitor(), f"/services/{place.service.slug}?pincode={ADYAR}")


async def hold_of_a_time_when_all_are_away(place: Place) -> None:
    start = place.start()
    me = await place.browser(await place.customer())
    page = await me.visit(new_booking_address(place, start))
    await place.send_away(start, MORE_THAN_ALL_PEOPLE)
    sent = await submit_in_vain(place, me, page, "/bookings")
    assert "just taken" in sent.text


async def slots_when_all_are_away_at_one_start(place: Place) -> None:
    await place.send_away(place.start(), MORE_THAN_ALL_PEOPLE)
    await visit(place, await place.visitor(), f"/services/{place.service.slug}?pincode={ADYAR}")


async def payment(place: Place) -> None:
    customer = await place.customer()
    me, booking = await place.browser(customer), await place.held(customer)
    page = await me.visit(booking_address(booking, "payment"))
    await submit(place, me, page, "/payment", **VISA)


async def payment_after_the_service(place: Place) -> None:
    customer = await place.customer()
    me, booking = await place.browser(customer), await place.held(customer)
    await submit(place, me, await me.visit(booking_address(booking, "payment")), "/payment", method="after")


async def booking_by_the_api(place: Place) -> None:
    me = await place.api_client(await place.customer())
    order = {
        "service_id": place.service.id,
        "start": place.start().isoformat(),
        "address": "Flat 3B, Kasturba Nagar",
        "pincode": ADYAR,
        "payment": VISA,
    }
    with place.counting():
        response = await me.post("/api/request/service", json=order)
    assert response.status_code == 201, response.text


async def reschedule_of_a_request(place: Place) -> None:
    customer = await place.customer()
    me, booking = await place.browser(customer), await place.requested(customer)
    page = await me.visit(booking_address(booking, "reschedule"))
    await submit(place, me, page, "/reschedule", start=place.start().strftime(START))


async def reschedule_of_a_job(place: Place) -> None:
    customer, worker = await place.customer(), place.worker()
    me, booking = await place.browser(customer), await place.assigned(customer, worker)
    page = await me.visit(booking_address(booking, "reschedule"))
    await submit(place, me, page, "/reschedule", start=place.start().strftime(START))
    assert await place.reserved_for(booking) == worker.id


async def reschedule_of_a_job_to_a_time_when_its_worker_is_away(place: Place) -> None:
    customer, worker = await place.customer(), place.worker()
    me, booking = await place.browser(customer), await place.assigned(customer, worker)
    other = await place.assigned(await place.customer(), worker)
    page = await me.visit(booking_address(booking, "reschedule"))
    start = other.starts_at.astimezone(clock.IST).strftime(START)
    await submit(place, me, page, "/reschedule", start=start)
    assert await place.reserved_for(booking) != worker.id


async def cancellation_of_a_request(place: Place) -> None:
    customer = await place.customer()
    me, booking = await place.browser(customer), await place.requested(customer)
    await submit(place, me, await me.visit(booking_address(booking, "cancellation")), "/cancellation")


async def cancellation_of_a_job(place: Place) -> None:
    customer = await place.customer()
    me, booking = await place.browser(customer), await place.assigned(customer, place.worker())
    await submit(place, me, await me.visit(booking_address(booking, "cancellation")), "/cancellation")


async def another_after_no_arrival(place: Place) -> None:
    customer = await place.customer()
    booking = await place.assigned(customer, place.worker())
    with clock.freeze(booking.starts_at + timedelta(minutes=31)):
        me = await place.browser(customer)
        page = await me.visit(booking_address(booking))
        sent = await submit(place, me, page, "/absence", answer="again")
    assert sent.location.endswith("/reschedule")


async def form_after_no_arrival(place: Place) -> None:
    customer = await place.customer()
    booking = await place.assigned(customer, place.worker())
    with clock.freeze(booking.starts_at + timedelta(minutes=31)):
        me = await place.browser(customer)
        page = await me.visit(booking_address(booking))
        sent = await me.submit(page, "/absence", answer="again")
        await visit(place, me, sent.location)


async def new_time_after_no_arrival(place: Place) -> None:
    customer = await place.customer()
    booking = await place.assigned(customer, place.worker())
    with clock.freeze(booking.starts_at + timedelta(minutes=31)):
        me = await place.browser(customer)
        page = await me.submit_and_follow(await me.visit(booking_address(booking)), "/absence", answer="again")
        start = booking.starts_at.astimezone(clock.IST) + timedelta(days=1, hours=1, minutes=30)
        await submit(place, me, page, "/reschedule", start=start.strftime(START))


# What professionals do.


async def acceptance(place: Place) -> None:
    booking = await place.requested(await place.customer())
    me = await place.browser(place.worker())
    await submit(place, me, await me.visit(job_address(booking)), "/acceptance")


async def acceptance_by_whom_it_is_reserved_for(place: Place) -> None:
    worker = place.worker()
    booking = await place.reserved(await place.customer(), worker)
    me = await place.browser(worker)
    await submit(place, me, await me.visit(job_address(booking)), "/acceptance")


async def acceptance_that_moves_a_reservation(place: Place) -> None:
    worker, start = place.worker(), place.start()
    reserved = await place.reserved(await place.customer(), worker, start)
    booking = await place.requested(await place.customer(), start=start)
    me = await place.browser(worker)
    await submit(place, me, await me.visit(job_address(booking)), "/acceptance")
    assert await place.reserved_for(reserved) not in (None, worker.id)


async def acceptance_of_a_taken_job(place: Place) -> None:
    booking = await place.requested(await place.customer())
    late, quick = await place.browser(place.worker()), await place.browser(place.worker())
    page = await late.visit(job_address(booking))
    await quick.submit(await quick.visit(job_address(booking)), "/acceptance")
    await submit_in_vain(place, late, page, "/acceptance")


async def pass_by_whom_it_is_reserved_for(place: Place) -> None:
    worker = place.worker()
    booking = await place.reserved(await place.customer(), worker)
    me = await place.browser(worker)
    await submit(place, me, await me.visit(job_address(booking)), "/pass", reason="Too far.")
    assert await place.reserved_for(booking) not in (None, worker.id)


async def pass_by_another(place: Place) -> None:
    booking = await place.requested(await place.customer())
    me = await place.browser(place.worker())
    await submit(place, me, await me.visit(job_address(booking)), "/pass", reason="Too far.")


async def hand_back(place: Place) -> None:
    worker = place.worker()
    booking = await place.assigned(await place.customer(), worker)
    me = await place.browser(worker)
    page = await me.visit(job_address(booking) + "?do=return")
    await submit(place, me, page, "/return", reason="My scooter broke down.")
    assert await place.reserved_for(booking) not in (None, worker.id)


async def departure(place: Place) -> None:
    worker = place.worker()
    booking = await place.assigned(await place.customer(), worker)
    await post(place, await place.browser(worker), job_address(booking, "departure"), early="yes")


async def arrival(place: Place) -> None:
    worker = place.worker()
    booking = await place.assigned(await place.customer(), worker)
    with clock.freeze(booking.starts_at):
        await post(place, await place.browser(worker), job_address(booking, "arrival"))


async def start(place: Place) -> None:
    worker = place.worker()
    booking = await place.assigned(await place.customer(), worker)
    code = await place.code(booking.reference, "start")
    await post(place, await place.browser(worker), job_address(booking, "start"), code=code, early="yes")


async def finish(place: Place) -> None:
    worker = place.worker()
    booking = await place.assigned(await place.customer(), worker)
    me = await place.browser(worker)
    for phase in ("start", "finish"):
        code = await place.code(booking.reference, phase)
        await post(place, me, job_address(booking, phase.replace("finish", "completion")), code=code, early="yes")


async def no_show(place: Place) -> None:
    worker = place.worker()
    booking = await place.assigned(await place.customer(), worker)
    with clock.freeze(booking.starts_at + timedelta(minutes=1)):
        me = await place.browser(worker)
        await post(place, me, job_address(booking, "arrival"))
    with clock.freeze(booking.starts_at + timedelta(minutes=20)):
        await post(place, me, job_address(booking, "absence"))


LATE_HOURS = {f"from-{day}-1": "21:00" for day in range(7)} | {f"to-{day}-1": "23:00" for day in range(7)}


async def hours_in_the_way_of_a_job(place: Place) -> None:
    worker = place.worker()
    booking = await place.relied_on(worker)
    me = await place.browser(worker)
    page = await submit_in_vain(place, me, await me.visit("/availability"), "/hours", **LATE_HOURS)
    assert f"job-{booking.reference}" in page.text


async def hours_that_give_up_jobs(place: Place) -> None:
    worker = place.worker()
    booking = await place.relied_on(worker)
    me = await place.browser(worker)
    page = await me.submit(await me.visit("/availability"), "/hours", **LATE_HOURS)
    await submit(place, me, page, "/hours", **{f"job-{booking.reference}": "return"})
    assert await place.reserved_for(booking) not in (None, worker.id)


def around(booking: Booking) -> dict[str, str]:
    since, until = booking.starts_at - timedelta(hours=1), booking.ends_at + timedelta(hours=1)
    return {"from": since.astimezone(clock.IST).strftime(START), "until": until.astimezone(clock.IST).strftime(START)}


async def time_off_in_the_way_of_a_job(place: Place) -> None:
    worker = place.worker()
    booking = await place.relied_on(worker)
    me = await place.browser(worker)
    page = await submit_in_vain(place, me, await me.visit("/availability"), "/time-off", **around(booking))
    assert f"job-{booking.reference}" in page.text


async def time_off_that_gives_up_a_job(place: Place) -> None:
    worker = place.worker()
    booking = await place.relied_on(worker)
    me = await place.browser(worker)
    page = await me.submit(await me.visit("/availability"), "/time-off", **around(booking))
    await submit(place, me, page, "/time-off", **{f"job-{booking.reference}": "return"})
    assert await place.reserved_for(booking) not in (None, worker.id)


async def area_that_gives_up_jobs(place: Place) -> None:
    worker = place.worker()
    booking = await place.relied_on(worker)
    me = await place.browser(worker)
    page = await me.submit(await me.visit("/availability"), "/area", way="pincodes", pincodes="600090")
    await submit(place, me, page, "/area", **{f"job-{booking.reference}": "return"})


async def calendar_feed(place: Place) -> None:
    worker = place.worker()
    await place.assigned(await place.customer(), worker)
    me = await place.browser(worker)
    page = await me.submit_and_follow(await me.visit("/jobs/calendar"), "/jobs/calendar")
    found = re.search(r"/calendar/[^\"<]+\.ics", page.text)
    assert found, page.text
    await visit(place, await place.visitor(), found[0])


async def withdrawal_of_a_service(place: Place) -> None:
    worker = place.worker()
    await place.relied_on(worker)
    me = await place.browser(worker)
    page = await me.visit("/profile/work")
    await submit(place, me, page, "/profile/work", service_ids=[str(place.services[1].id)])


async def deletion_of_an_account(place: Place) -> None:
    worker = place.worker()
    booking = await place.relied_on(worker)
    await place.set_password(worker)
    me = await place.browser(worker)
    await submit(place, me, await me.visit("/profile/leaving"), "/leaving", current_password=PASSWORD)
    assert await place.reserved_for(booking) not in (None, worker.id)


# What admins do.


def assignment_address(booking: Booking) -> str:
    return f"/admin/dispatch/{booking.reference}/assignment"


async def assignment(place: Place) -> None:
    booking = await place.requested(await place.customer())
    meena = await place.browser(await place.admin())
    await post(place, meena, assignment_address(booking), professional_id=str(place.worker().id))


async def assignment_that_moves_a_reservation(place: Place) -> None:
    worker, start = place.worker(), place.start()
    reserved = await place.reserved(await place.customer(), worker, start)
    booking = await place.requested(await place.customer(), start=start)
    meena = await place.browser(await place.admin())
    await post(place, meena, assignment_address(booking), professional_id=str(worker.id))
    assert await place.reserved_for(reserved) not in (None, worker.id)


async def assignment_to_someone_busy(place: Place) -> None:
    worker = place.worker()
    job = await place.assigned(await place.customer(), worker)
    booking = await place.requested(await place.customer(), start=job.starts_at)
    meena = await place.browser(await place.admin())
    fields = {"professional_id": str(worker.id), "_csrf_token": await meena.token()}
    with place.counting():
        sent = await meena.post_fields(assignment_address(booking), fields)
    assert sent.status == 409, sent.text


async def block(place: Place) -> None:
    worker = place.worker()
    booking = await place.relied_on(worker)
    meena = await place.browser(await place.admin())
    page = await meena.visit(f"/admin/professionals/{worker.id}/block")
    await submit(place, meena, page, "/block", reason="Three complaints in a week.")
    assert await place.reserved_for(booking) not in (None, worker.id)


async def unblock(place: Place) -> None:
    worker, meena = place.worker(), await place.browser(await place.admin())
    page = await meena.visit(f"/admin/professionals/{worker.id}/block")
    await meena.submit(page, "/block", reason="Three complaints in a week.")
    page = await meena.visit(f"/admin/professionals/{worker.id}/unblock")
    await submit(place, meena, page, "/unblock", reason="She explained it.")


async def retirement_of_a_service(place: Place) -> None:
    meena, path = await place.browser(await place.admin()), f"/admin/services/{place.services[2].id}"
    await post(place, meena, f"{path}/retirement")
    await meena.post_fields(f"{path}/return", {})


CUSTOMERS_VERBS: list[Case] = [
    hold_for_anyone,
    hold_of_someone,
    hold_of_a_taken_time,
    hold_when_the_first_candidates_are_away,
    hold_of_a_time_when_all_are_away,
    slots_when_the_first_candidates_are_away,
    slots_when_all_are_away_at_one_start,
    payment,
    payment_after_the_service,
    booking_by_the_api,
    reschedule_of_a_request,
    reschedule_of_a_job,
    reschedule_of_a_job_to_a_time_when_its_worker_is_away,
    cancellation_of_a_request,
    cancellation_of_a_job,
    another_after_no_arrival,
    form_after_no_arrival,
    new_time_after_no_arrival,
]
PROFESSIONALS_VERBS: list[Case] = [
    acceptance,
    acceptance_by_whom_it_is_reserved_for,
    acceptance_that_moves_a_reservation,
    acceptance_of_a_taken_job,
    pass_by_whom_it_is_reserved_for,
    pass_by_another,
    hand_back,
    departure,
    arrival,
    start,
    finish,
    no_show,
    hours_in_the_way_of_a_job,
    hours_that_give_up_jobs,
    time_off_in_the_way_of_a_job,
    time_off_that_gives_up_a_job,
    area_that_gives_up_jobs,
    calendar_feed,
    withdrawal_of_a_service,
    deletion_of_an_account,
]
ADMINS_VERBS: list[Case] = [
    assignment,
    assignment_that_moves_a_reservation,
    assignment_to_someone_busy,
    block,
    unblock,
    retirement_of_a_service,
]


def name_of(case: Case) -> str:
    return case.__name__


@pytest.mark.parametrize("case", [*CUSTOMERS_VERBS, *PROFESSIONALS_VERBS, *ADMINS_VERBS], ids=name_of)
async def test_a_verb_costs_the_same_in_a_town_and_in_a_city(places: list[Place], case: Case) -> None:
    for place in places:
        await place.clear()
    await assert_same(places, case)
