"""A booking by API alone: what a test needs to bring one to any state."""

from itertools import count

import httpx

from tests.factories import ADYAR, a_start
from tests.program import Program

VISA = {"method": "card", "card_number": "4242 4242 4242 4242", "expiry": "08/40", "cvv": "123"}
AFTER = {"method": "after"}
_slots = count()


def a_time():
    """Two hours after the one before: nobody's jobs are in each other's way."""
    day, slot = divmod(next(_slots), 5)
    return a_start(1 + day, 9 + 2 * slot)


def an_order(service, **differently):
    return {
        "service_id": service.id,
        "start": a_time().isoformat(),
        "address": "Flat 3B, Kasturba Nagar",
        "pincode": ADYAR,
        "note": "Ring twice.",
        "payment": VISA,
    } | differently


async def booked(me: Program, service, **differently):
    answer = await me.post("/api/request/service", json=an_order(service, **differently))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def move(me: Program, number: int, action: str, **more: object) -> httpx.Response:
    return await me.post(f"/api/request/edit/{number}", json={"action": action, **more})


async def own(me: Program, number: int):
    """The customer's own view of one of their bookings."""
    told = (await me.get(f"/api/request/service/{me.number}?limit=100")).json()
    return next(one for one in told["items"] if one["id"] == number)


async def assigned(me: Program, worker: Program, service, **differently):
    made = await booked(me, service, **differently)
    taken = await move(worker, made["id"], "accept")
    assert taken.status_code == 200, taken.text
    return await own(me, made["id"])


async def done(me: Program, worker: Program, service, **differently):
    made = await assigned(me, worker, service, **differently)
    started = await move(worker, made["id"], "start", code=made["start_code"])
    assert started.status_code == 200, started.text
    ended = await move(worker, made["id"], "complete", code=(await own(me, made["id"]))["finish_code"])
    assert ended.status_code == 200, ended.text
    return await own(me, made["id"])
