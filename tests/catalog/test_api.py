"""The catalogue by API: read by all, with an ETag; changed by admins alone, by the rules of the desk."""

import asyncio
from itertools import count

import pytest

from app.catalog.repository import ServiceRepository
from tests.factories import ADYAR, a_start

_numbers = count(1)


def a_draft(**differently):
    """Of a name that no other test has."""
    return {
        "name": f"Mending doorbells {next(_numbers)}",
        "description": "The bell rings again.",
        "price": "99.99",
        "time_required": 45,
    } | differently


@pytest.fixture
async def shelf(api_app, api_service):
    async with api_app.state.services.database.work() as db:
        return (await ServiceRepository(db).by_id(api_service.id)).category.slug


async def test_the_catalogue_is_read_page_by_page_by_anybody(program, api_service, api_people):
    found, asked = [], "/api/services?limit=1"
    while asked:
        told = (await program.get(asked)).json()
        found += told["items"]
        asked = f"/api/services?limit=1&after={told['next']}" if told["next"] else None
    mine = next(one for one in found if one["id"] == api_service.id)
    assert mine == {
        "id": api_service.id,
        "name": api_service.name,
        "description": api_service.description,
        "category": mine["category"],
        "price": "149.00",
        "price_paise": 14900,
        "time_required": 60,
        "offered": True,
    }
    assert len({one["id"] for one in found}) == len(found)


@pytest.mark.parametrize("asked", ["limit=0", "limit=101", "limit=ten", "limit=1&limit=2", "colour=red"])
async def test_a_query_that_is_none_is_refused(program, asked):
    answer = await program.get(f"/api/services?{asked}")
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 1


async def test_a_cursor_that_was_not_ours_is_not_there(program):
    assert (await program.get("/api/services?after=WyJhIl0")).status_code == 404


@pytest.mark.parametrize("path", ["/api/services", "/api/service/leaks", "/api/services/{}/slots?pincode=600020"])
async def test_who_has_the_answer_already_is_told_so_in_a_line(program, api_service, api_people, path):
    address = path.format(api_service.id)
    first = await program.get(address)
    again = await program.get(address, headers={"if-none-match": f'W/"old", {first.headers["etag"]}'})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert again.headers["etag"] == first.headers["etag"]


async def test_a_service_is_found_by_its_name_and_by_what_people_call_it(program, api_service, api_people):
    told = (await program.get(f"/api/service/{service.name}")).json()
    assert told["items"][0]["id"] == api_service.id
    assert (await program.get("/api/service/xyzzyq")).json() == {"items": [], "next": None}


async def test_free_starts_are_those_of_the_page(program, api_service, api_people):
    start = a_start(2, 10)
    asked = {"pincode": ADYAR, "day": start.date().isoformat(), "professional": api_people["kumar"].id}
    told = (await program.get(f"/api/services/{service.id}/slots", params=asked)).json()
    assert told["place"].startswith("Adyar")
    assert len(told["days"]) == 7
    assert told["days"][0]["day"] == start.date().isoformat()
    assert start.isoformat() in told["days"][0]["slots"]
    assert [(one["id"], one["name"]) for one in told["professionals"]] == [(api_people["kumar"].id, "Kumar R.")]


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({}, {"pincode"}),
        ({"pincode": "abcdefgh"}, {"pincode"}),
        ({"pincode": "999999"}, {"pincode"}),
        ({"pincode": ADYAR, "day": "banana"}, {"day"}),
        ({"pincode": ADYAR, "day": "2001-01-01"}, {"day"}),
        ({"pincode": ADYAR, "professional": "0"}, {"professional"}),
    ],
)
async def test_where_and_when_that_cannot_be_are_told(program, api_service, api_people, asked, wrong):
    answer = await program.get(f"/api/services/{service.id}/slots", params=asked)
    assert (answer.status_code, set(answer.json()["errors"])) == (422, wrong)


async def test_slots_of_no_service_are_not_there(program):
    assert (await program.get("/api/services/987654321/slots?pincode=600020")).status_code == 404


async def test_an_admin_makes_changes_and_retires_a_service(program_of, program, shelf):
    meena = await program_of("meena")
    made = await meena.post("/api/services", json=a_draft(category=shelf))
    told = made.json()
    assert (made.status_code, told["price"], told["price_paise"], told["offered"]) == (201, "99.99", 9999, True)
    changed = await meena.post(f"/api/edit_service/{told['id']}", json={"price": "120.50"})
    assert (changed.status_code, changed.json()) == (200, told | {"price": "120.50", "price_paise": 12050})
    for _ in range(2):  # retired twice is retired once
        gone = await meena.delete(f"/api/delete_service/{told['id']}")
        assert (gone.status_code, gone.json()["offered"]) == (200, False)
    listed = (await program.get("/api/services?limit=100")).json()["items"]
    assert told["id"] not in [one["id"] for one in listed]


@pytest.mark.parametrize(
    ("differently", "wrong"),
    [
        ({"price": 149}, "price"),
        ({"price": "149"}, "price"),
        ({"price": "0.50"}, "price"),
        ({"price": "1e3.00"}, "price"),
        ({"time_required": "45"}, "time_required"),
        ({"time_required": 45.5}, "time_required"),
        ({"time_required": True}, "time_required"),
        ({"time_required": 5}, "time_required"),
        ({"category": "no such shelf"}, "category"),
        ({"name": ""}, "name"),
        ({"name": "7"}, "name"),
        ({"name": "Bells 4242 4242 4242 4242"}, "name"),
        ({"mode": "never"}, "mode"),
        ({"included": "bells"}, "included"),
        ({"included": ["a\u0000"]}, "included"),
        ({"id": 7}, "id"),
    ],
)
async def test_a_service_that_cannot_be_is_told_field_by_field(program_of, shelf, differently, wrong):
    meena = await program_of("meena")
    answer = await meena.post("/api/services", json=a_draft(category=shelf) | differently)
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {wrong})


async def test_two_services_do_not_share_a_name(program_of, shelf, api_service):
    meena = await program_of("meena")
    answer = await meena.post("/api/services", json=a_draft(category=shelf, name=api_service.name.upper()))
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {"name"})


async def test_what_is_not_there_cannot_be_changed(program_of):
    meena = await program_of("meena")
    for number in (987654321, 2**63, 10**30):
        assert (await meena.post(f"/api/edit_service/{number}", json={"price": "1.00"})).status_code == 404
        assert (await meena.delete(f"/api/delete_service/{number}")).status_code == 404


async def test_the_same_key_makes_one_service_and_has_one_answer(program_of, shelf):
    meena, draft = await program_of("meena"), a_draft(category=shelf)
    key = {"idempotency-key": f"bells-{next(_numbers)}"}
    first, second = await asyncio.gather(*(meena.post("/api/services", json=draft, headers=key) for _ in range(2)))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.status_code == 201
    other = await meena.post("/api/services", json=draft | {"price": "98.00"}, headers=key)
    assert (other.status_code, set(other.json()["errors"])) == (422, {"Idempotency-Key"})


@pytest.mark.parametrize("key", ["x" * 101, "two words", "a;b"])
async def test_a_key_that_is_none_is_refused(program_of, shelf, key):
    meena = await program_of("meena")
    answer = await meena.post("/api/services", json=a_draft(category=shelf), headers={"idempotency-key": key})
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {"Idempotency-Key"})


async def test_what_was_refused_may_be_sent_again_under_its_key(program_of, shelf):
    meena, draft = await program_of("meena"), a_draft(category=shelf)
    key = {"idempotency-key": f"bells-{next(_numbers)}"}
    assert (await meena.post("/api/services", json=draft | {"price": "0.10"}, headers=key)).status_code == 422
    assert (await meena.post("/api/services", json=draft, headers=key)).status_code == 201
