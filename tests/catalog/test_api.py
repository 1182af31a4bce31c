"""The API of the catalogue: public reads with an ETag; changes by admins, by the rules of the admin pages."""

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
async def category_slug(api_app, api_service):
    async with api_app.state.services.database.work() as db:
        return (await ServiceRepository(db).by_id(api_service.id)).category.slug


async def test_the_catalogue_is_read_page_by_page_by_anybody(api_client, api_service, api_people):
    found, url = [], "/api/services?limit=1"
    while url:
        data = (await api_client.get(url)).json()
        found += data["items"]
        url = f"/api/services?limit=1&after={data['next']}" if data["next"] else None
    own = next(item for item in found if item["id"] == api_service.id)
    assert own == {
        "id": api_service.id,
        "name": api_service.name,
        "description": api_service.description,
        "category": own["category"],
        "price": "149.00",
        "price_paise": 14900,
        "time_required": 60,
        "included": ["Finding the leak"],
        "excluded": ["New taps"],
        "parts": "",
        "preparation": [],
        "guarantee": "",
        "questions": [],
        "offered": True,
    }
    assert len({item["id"] for item in found}) == len(found)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=ten", "limit=1&limit=2", "colour=red"])
async def test_a_query_that_is_none_is_refused(api_client, query):
    answer = await api_client.get(f"/api/services?{query}")
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 1


async def test_a_cursor_that_was_not_ours_is_not_there(api_client):
    assert (await api_client.get("/api/services?after=WyJhIl0")).status_code == 404


@pytest.mark.parametrize("path", ["/api/services", "/api/service/leaks", "/api/services/{}/slots?pincode=600020"])
async def test_who_has_the_answer_already_gets_not_modified(api_client, api_service, api_people, path):
    address = path.format(api_service.id)
    first = await api_client.get(address)
    repeated = await api_client.get(address, headers={"if-none-match": f'W/"old", {first.headers["etag"]}'})
    assert (first.status_code, repeated.status_code, repeated.content) == (200, 304, b"")
    assert repeated.headers["etag"] == first.headers["etag"]


async def test_a_service_is_found_by_its_name_and_by_what_people_call_it(api_client, api_service, api_people):
    data = (await api_client.get(f"/api/service/{api_service.name}")).json()
    assert data["items"][0]["id"] == api_service.id
    assert (await api_client.get("/api/service/xyzzyq")).json() == {"items": [], "next": None}


async def test_free_starts_are_those_of_the_page(api_client, api_service, api_people):
    start = a_start(2, 10)
    params = {"pincode": ADYAR, "day": start.date().isoformat(), "professional": api_people["kumar"].id}
    data = (await api_client.get(f"/api/services/{api_service.id}/slots", params=params)).json()
    assert data["place"].startswith("Adyar")
    assert len(data["days"]) == 7
    assert data["days"][0]["day"] == start.date().isoformat()
    assert start.isoformat() in data["days"][0]["slots"]
    assert [(professional["id"], professional["name"]) for professional in data["professionals"]] == [
        (api_people["kumar"].id, "Kumar R.")
    ]


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ({}, {"pincode"}),
        ({"pincode": "abcdefgh"}, {"pincode"}),
        ({"pincode": "999999"}, {"pincode"}),
        ({"pincode": ADYAR, "day": "banana"}, {"day"}),
        ({"pincode": ADYAR, "day": "2001-01-01"}, {"day"}),
        ({"pincode": ADYAR, "professional": "0"}, {"professional"}),
    ],
)
async def test_invalid_pincodes_and_days_are_reported(api_client, api_service, api_people, query, errors):
    answer = await api_client.get(f"/api/services/{api_service.id}/slots", params=query)
    assert (answer.status_code, set(answer.json()["errors"])) == (422, errors)


@pytest.mark.parametrize("typed", ["600 020", "600-020", "६०००२०"])
async def test_a_pincode_is_read_as_on_the_pages(api_client, api_service, api_people, typed):
    answer = await api_client.get(f"/api/services/{api_service.id}/slots", params={"pincode": typed})
    assert (answer.status_code, answer.json()["pincode"]) == (200, "600020")


async def test_slots_of_no_service_are_not_there(api_client):
    assert (await api_client.get("/api/services/987654321/slots?pincode=600020")).status_code == 404


async def test_an_admin_makes_changes_and_retires_a_service(api_client_for, api_client, category_slug):
    meena = await api_client_for("meena")
    made = await meena.post("/api/services", json=a_draft(category=category_slug))
    data = made.json()
    assert (made.status_code, data["price"], data["price_paise"], data["offered"]) == (201, "99.99", 9999, True)
    changed = await meena.post(f"/api/edit_service/{data['id']}", json={"price": "120.50"})
    assert (changed.status_code, changed.json()) == (200, data | {"price": "120.50", "price_paise": 12050})
    for _ in range(2):  # retired twice is retired once
        retired = await meena.delete(f"/api/delete_service/{data['id']}")
        assert (retired.status_code, retired.json()["offered"]) == (200, False)
    listed = (await api_client.get("/api/services?limit=100")).json()["items"]
    assert data["id"] not in [item["id"] for item in listed]


@pytest.mark.parametrize(
    ("differently", "errors"),
    [
        ({"price": 149}, "price"),
        ({"price": "1,23"}, "price"),
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
async def test_an_invalid_service_is_reported_field_by_field(api_client_for, category_slug, differently, errors):
    meena = await api_client_for("meena")
    answer = await meena.post("/api/services", json=a_draft(category=category_slug) | differently)
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {errors})


async def test_an_admin_writes_what_is_good_to_know_and_visitors_read_it(api_client_for, api_client, category_slug):
    meena = await api_client_for("meena")
    texts = {
        "parts": "Small parts are brought along.",
        "preparation": ["Clear the table"],
        "guarantee": "Tell us within 14 days.",
        "questions": [{"question": "How long?", "answer": "An hour."}, {"question": "Is it loud?", "answer": "No."}],
    }
    made = (await meena.post("/api/services", json=a_draft(category=category_slug) | texts)).json()
    assert {name: made[name] for name in texts} == texts
    only_price = (await meena.post(f"/api/edit_service/{made['id']}", json={"price": "98.00"})).json()
    assert {name: only_price[name] for name in texts} == texts
    fewer = {"questions": texts["questions"][1:], "preparation": []}
    changed = (await meena.post(f"/api/edit_service/{made['id']}", json=fewer)).json()
    assert {name: changed[name] for name in texts} == texts | fewer
    read = (await api_client.get(f"/api/service/{made['name']}")).json()["items"][0]
    assert read == changed


@pytest.mark.parametrize(
    "questions", [[{"question": "", "answer": "x"}], [{"question": "Why?"}], [{"question": "Why?", "answer": "4"}] * 9]
)
async def test_questions_that_are_none_are_refused(api_client_for, category_slug, questions):
    meena = await api_client_for("meena")
    answer = await meena.post("/api/services", json=a_draft(category=category_slug) | {"questions": questions})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"questions"}


async def test_two_services_do_not_share_a_name(api_client_for, category_slug, api_service):
    meena = await api_client_for("meena")
    answer = await meena.post("/api/services", json=a_draft(category=category_slug, name=api_service.name.upper()))
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {"name"})


async def test_what_is_not_there_cannot_be_changed(api_client_for):
    meena = await api_client_for("meena")
    for number in (987654321, 2**63, 10**30):
        assert (await meena.post(f"/api/edit_service/{number}", json={"price": "1.00"})).status_code == 404
        assert (await meena.delete(f"/api/delete_service/{number}")).status_code == 404


async def test_the_same_key_makes_one_service_and_has_one_answer(api_client_for, category_slug):
    meena, draft = await api_client_for("meena"), a_draft(category=category_slug)
    key = {"idempotency-key": f"bells-{next(_numbers)}"}
    first, second = await asyncio.gather(*(meena.post("/api/services", json=draft, headers=key) for _ in range(2)))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.status_code == 201
    other = await meena.post("/api/services", json=draft | {"price": "98.00"}, headers=key)
    assert (other.status_code, set(other.json()["errors"])) == (422, {"Idempotency-Key"})


@pytest.mark.parametrize("key", ["x" * 101, "two words", "a;b"])
async def test_a_key_that_is_none_is_refused(api_client_for, category_slug, key):
    meena = await api_client_for("meena")
    answer = await meena.post("/api/services", json=a_draft(category=category_slug), headers={"idempotency-key": key})
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {"Idempotency-Key"})


async def test_what_was_refused_may_be_sent_again_under_its_key(api_client_for, category_slug):
    meena, draft = await api_client_for("meena"), a_draft(category=category_slug)
    key = {"idempotency-key": f"bells-{next(_numbers)}"}
    assert (await meena.post("/api/services", json=draft | {"price": "0.10"}, headers=key)).status_code == 422
    assert (await meena.post("/api/services", json=draft, headers=key)).status_code == 201


async def test_a_name_that_is_gone_finds_no_other_service(api_client_for, api_client, category_slug):
    meena = await api_client_for("meena")
    names = ("Aquarium window cleaning", "Terrace garden window cleaning")
    gone, staying = [
        (await meena.post("/api/services", json=a_draft(category=category_slug) | {"name": name})).json()
        for name in names
    ]
    assert (await meena.delete(f"/api/delete_service/{gone['id']}")).status_code == 200
    for name in (gone["name"], gone["name"].upper(), "Parrot window polishing"):
        assert (await api_client.get(f"/api/service/{name}")).json()["items"] == [], name
    for name in (staying["name"], "terrace gardn window cleaning"):
        assert (await api_client.get(f"/api/service/{name}")).json()["items"][0]["id"] == staying["id"]
