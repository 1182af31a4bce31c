"""Regression tests: what one API call of the original could read, change or break."""

import asyncio
import re
from hashlib import sha256
from itertools import count

import pytest
from sqlalchemy import text

from app.exports import lifecycle
from app.exports.repository import Exports
from app.web.openapi import documented_handlers
from tests.api_client import ApiClient
from tests.factories import a_customer, an_admin
from tests.story_app import at
from tests.town import ASHA, PASSWORD, PRIVATE, VISA
from tests.vetting.samples import a_picture

REASON = "Three people were not let in."
PEOPLE_AND_REQUESTS = (
    "/api/customers",
    "/api/professional",
    "/api/user?name=a",
    "/api/request",
    "/api/service_request/a",
)
_slots, _numbers = count(), count(1)


@pytest.fixture
async def api_client(story):
    async with ApiClient(story.app) as first:
        yield first


@pytest.fixture
async def client_for(story):
    """client_for(email): a signed-in client."""
    made: list[ApiClient] = []

    async def come(email: str) -> ApiClient:
        made.append(ApiClient(story.app))
        assert (await made[-1].sign_in(email, PASSWORD)).status_code == 200
        return made[-1]

    yield come
    for item in made:
        await item.aclose()


@pytest.fixture
async def customer(story, client_for):
    """A new one, by API."""

    async def sign_up(**differently: str) -> ApiClient:
        values = ASHA | {"email": f"by.api.{next(_numbers)}@example.com"} | differently
        async with ApiClient(story.app) as visitor:
            assert (await visitor.post("/api/register", json=values)).status_code == 201
        return await client_for(values["email"])

    return sign_up


@pytest.fixture
async def meena(story, client_for):
    email = f"desk.{next(_numbers)}@example.com"
    async with story.database.work() as db:
        admin = await an_admin(db, email=email)
        admin.password_hash = story.town.ravi.password_hash
    return await client_for(email)


@pytest.fixture
async def ravi(client_for):
    return await client_for("ravi@example.com")


@pytest.fixture
async def kumar(client_for):
    return await client_for("kumar@example.com")


async def scalar(story, question: str, **params):
    async with story.database.work() as db:
        return await db.scalar(text(question), params)


def an_order(story, **differently):
    """Each two hours after the one before: both plumbers are free for all of them."""
    day, slot = divmod(next(_slots), 4)
    return {
        "service_id": story.town.service.id,
        "start": at(11 + 2 * slot, days=day).isoformat(),
        "address": ASHA["address"],
        "pincode": ASHA["pincode"],
        "note": "Ring twice.",
        "payment": VISA,
    } | differently


async def booked(story, me, **differently):
    answer = await me.post("/api/request/service", json=an_order(story, **differently))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def move(me, number, action, **more):
    return await me.post(f"/api/request/edit/{number}", json={"action": action, **more})


async def own(me, number):
    listed = (await me.get(f"/api/request/service/{me.number}?limit=100")).json()["items"]
    return next(item for item in listed if item["id"] == number)


async def done(story, me, worker):
    made = await booked(story, me)
    assert (await move(worker, made["id"], "accept")).status_code == 200
    start_code = (await own(me, made["id"]))["start_code"]
    assert (await move(worker, made["id"], "start", early=True, code=start_code)).status_code == 200
    code = (await own(me, made["id"]))["finish_code"]
    assert (await move(worker, made["id"], "complete", code=code)).status_code == 200
    return await own(me, made["id"])


async def test_no_list_of_customers_professionals_or_requests_is_open_to_anybody(story, api_client, customer, ravi):
    asha = await customer()
    await booked(story, asha)
    for path in PEOPLE_AND_REQUESTS:
        assert (await api_client.get(path)).status_code == 401, path
        assert (await asha.get(path)).status_code == 403, path
        assert (await ravi.get(path)).status_code == 403, path
    for me in (await customer(), ravi):
        assert (await me.get(f"/api/customer/{asha.number}")).status_code in (403, 404)
        assert (await me.get(f"/api/request/service/{asha.number}")).status_code in (403, 404)


async def test_no_signed_in_person_sets_a_price(story, customer, ravi):
    number, before = story.town.service.id, story.town.service.price
    for me in (await customer(), ravi):
        assert (await me.post(f"/api/edit_service/{number}", json={"price": "1.00"})).status_code == 403
    asha = await customer()
    bold = await asha.post("/api/request/service", json=an_order(story, price="1.00"))
    assert (bold.status_code, set(bold.json()["errors"])) == (422, {"price"})
    assert await scalar(story, "SELECT price FROM services WHERE id = :id", id=number) == before


async def test_no_one_edits_anothers_profile(story, customer, ravi, meena):
    asha = await customer()
    for me in (await customer(), ravi, meena):
        answer = await me.post(f"/api/profile/edit/{asha.number}", json={"full_name": "Another Name"})
        assert answer.status_code == 404
    assert (await asha.get(f"/api/customer/{asha.number}")).json()["full_name"] == ASHA["full_name"]


async def test_no_one_moves_anothers_booking_or_their_own_to_any_state(story, customer, ravi, kumar):
    asha, omar = await customer(), await customer()
    made = await booked(story, asha)
    assert (await move(ravi, made["id"], "accept")).status_code == 200
    code = (await own(asha, made["id"]))["start_code"]
    for me, action, more, status in (
        (omar, "cancel", {}, 404),
        (kumar, "start", {"code": code}, 404),
        (kumar, "return", {"reason": "No time."}, 404),
        (asha, "complete", {"code": code}, 403),
        (asha, "start", {"code": code}, 403),
        (ravi, "complete", {"code": code}, 409),
        (ravi, "cancel", {}, 403),
    ):
        assert (await move(me, made["id"], action, **more)).status_code == status, action
    for state in ("closed", "completed", "requested"):
        assert (await move(ravi, made["id"], state)).status_code == 422
    assert (await own(asha, made["id"]))["state"] == "assigned"


async def test_no_one_reviews_their_own_work(story, customer, ravi):
    asha = await customer()
    made = await done(story, asha, ravi)
    assert (await ravi.post(f"/api/request/close/{made['id']}", json={"rating": 5})).status_code == 403
    assert await scalar(story, "SELECT count(*) FROM reviews WHERE booking_id = :id", id=made["id"]) == 0


async def test_no_anonymous_call_switches_off_the_administrator(story, api_client, customer, meena):
    asha = await customer()
    sent = {"blocked": True, "reason": REASON}
    for me, status in ((api_client, 401), (asha, 403), (meena, 404)):
        for table in ("customer", "professional"):
            answer = await me.post(f"/api/status/{table}/{meena.number}", json=sent)
            assert answer.status_code == status
    assert await scalar(story, "SELECT count(*) FROM blocks WHERE user_id = :id", id=meena.number) == 0


async def test_no_export_is_open_to_anybody_or_shares_a_files_name(story, api_client, customer, ravi, meena):
    assert (await api_client.post("/api/exports", json={"table": "customers"})).status_code == 401
    for me in (await customer(), ravi):
        assert (await me.post("/api/exports", json={"table": "customers"})).status_code == 403
    made = [(await meena.post("/api/exports", json={"table": "customers"})).json() for _ in range(2)]
    for export in made:
        await _built(story, meena, export["ref"])
        for me, status in ((api_client, 401), (ravi, 403)):
            assert (await me.get(f"/api/exports/{export['id']}/file")).status_code == status
    files = [await meena.get(f"/api/exports/{export['id']}/file") for export in made]
    assert len({file.headers["content-disposition"] for file in files}) == 2
    assert [file.text for file in files] == [export["ref"] for export in made]


async def _built(story, meena, reference: str) -> None:
    """As a worker does it, with the reference in it."""
    storage, content = story.app.state.services.storage, reference.encode()
    async with story.database.work() as db:
        path = storage.create_file()
        path.write_bytes(content)
        export = await Exports(db).by_reference(meena.number, reference, lock=True)
        lifecycle.mark_ready(export, storage.finalize(db, path), len(content), sha256(content).digest(), 1)


async def test_no_get_changes_a_state(story, meena):
    """Actions have no GET; a GET writes views of personal data only (tests/authorisation)."""
    actions = {path for path, method, _handler, _doc in documented_handlers(story.app) if method != "GET"}
    view_count_query = {path for path, method, _handler, _doc in documented_handlers(story.app) if method == "GET"}
    assert actions & view_count_query == {
        *("/api/services", "/api/profile/addresses", "/api/blocked/appeal", "/api/admin/settings"),
        *("/api/bookings/{ref:str}/messages", "/api/jobs/{ref:str}/messages", "/api/admin/bookings/{ref:str}/refund"),
        *("/api/bank-account", "/api/admin/payouts"),
    }
    for path in actions - view_count_query:
        answer = await meena.get(re.sub(r"\{\w+:\w+\}", "1", path))
        assert answer.status_code == 405, path


async def test_a_code_is_random_and_compared_by_the_server_alone(story, customer, ravi):
    asha, visited = await customer(), []
    for _ in range(3):
        made = await booked(story, asha)
        job = await move(ravi, made["id"], "accept")
        code = (await own(asha, made["id"]))["start_code"]
        assert code not in job.text
        assert code not in (await ravi.get(f"/api/servicerequest/{ravi.number}?limit=100")).text
        invalid = f"{(int(code) + 1) % 1_000_000:06d}"
        assert (await move(ravi, made["id"], "start", early=True, code=invalid)).status_code == 422
        visited.append((made["id"], int(code)))
        assert (await move(asha, made["id"], "cancel")).status_code == 200
    assert len({code - number for number, code in visited}) == 3, "a code that follows from the number"


async def test_two_professionals_do_not_both_accept(story, customer, ravi, kumar):
    made = await booked(story, await customer())
    outcomes = await asyncio.gather(*(move(me, made["id"], "accept") for me in (ravi, kumar)))
    assert sorted(answer.status_code for answer in outcomes) == [200, 409]


@pytest.mark.parametrize(
    "start", ["2020-01-01T10:00", "2026-11-24T08:30+05:30", "banana", "2026-02-30T10:00", "9999-12-31T10:00", "", None]
)
async def test_no_booking_in_the_past_or_on_the_day_banana(story, customer, start):
    asha = await customer()
    answer = await asha.post("/api/request/service", json=an_order(story, start=start))
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {"start"})
    assert await scalar(story, "SELECT count(*) FROM bookings WHERE customer_id = :id", id=asha.number) == 0


async def test_no_booking_in_anothers_name(story, customer):
    asha, omar = await customer(), await customer()
    for name in ("customer_id", "customer", "user_id"):
        answer = await omar.post("/api/request/service", json=an_order(story) | {name: asha.number})
        assert (answer.status_code, set(answer.json()["errors"])) == (422, {name})
    assert await scalar(story, "SELECT count(*) FROM bookings WHERE customer_id = :id", id=asha.number) == 0


async def test_a_blocked_person_gets_no_further_than_the_reason(story, customer, meena):
    asha = await customer()
    sent = {"blocked": True, "reason": REASON}
    assert (await meena.post(f"/api/status/customer/{asha.number}", json=sent)).status_code == 200
    assert (await asha.get(f"/api/customer/{asha.number}")).status_code == 401
    email = await scalar(story, "SELECT email FROM users WHERE id = :id", id=asha.number)
    assert (await asha.sign_in(email, PASSWORD)).json()["active"] is False
    for answer in (
        await asha.get(f"/api/customer/{asha.number}"),
        await asha.post("/api/request/service", json=an_order(story)),
        await asha.post(f"/api/profile/edit/{asha.number}", json={"full_name": "Asha"}),
    ):
        assert (answer.status_code, answer.json()["title"]) == (403, REASON)


async def test_blocking_a_customer_writes_no_review(story, customer, ravi, meena):
    asha = await customer()
    made = await done(story, asha, ravi)
    sent = {"blocked": True, "reason": REASON}
    assert (await meena.post(f"/api/status/customer/{asha.number}", json=sent)).status_code == 200
    assert await scalar(story, "SELECT count(*) FROM reviews WHERE booking_id = :id", id=made["id"]) == 0


async def a_service(story, meena, price="99.99"):
    category = await scalar(story, "SELECT slug FROM categories ORDER BY position LIMIT 1")
    draft = {"name": f"Mending chimes {next(_numbers)}", "description": "They chime again.", "category": category}
    made = await meena.post("/api/services", json=draft | {"price": price, "time_required": 30})
    assert made.status_code == 201, made.text
    return made.json()


async def test_taking_a_service_out_breaks_no_list_and_blanks_no_history(story, customer, ravi, meena):
    asha, service = await customer(), await a_service(story, meena)
    async with story.database.work() as db:
        row = "INSERT INTO offered_services VALUES (:who, :service, 'approved')"
        await db.execute(text(row), {"who": ravi.number, "service": service["id"]})
    made = await booked(story, asha, service_id=service["id"])
    assert (await meena.delete(f"/api/delete_service/{service['id']}")).json()["offered"] is False
    for me, path in (
        (asha, f"request/service/{asha.number}"),
        (ravi, f"servicerequest/{ravi.number}"),
        (meena, "request"),
        (meena, f"service_request/{service['name']}"),
    ):
        listed = await me.get(f"/api/{path}?limit=100")
        listed_booking = next(item for item in listed.json()["items"] if item["id"] == made["id"])
        assert (listed_booking["service"]["name"], listed_booking["price"]) == (service["name"], "99.99"), path
    late = await asha.post("/api/request/service", json=an_order(story, service_id=service["id"]))
    assert (late.status_code, set(late.json()["errors"])) == (422, {"service_id"})


async def test_a_files_name_is_no_path_and_same_named_files_stay_separate(story, api_client, meena):
    people = []
    for size in ((40, 30), (50, 30)):
        values = ASHA | {"email": f"joins.{next(_numbers)}@example.com", "phone": "+91 00000 00419"}
        values |= {"experience_years": "3", "service_ids": str(story.town.service.id)}
        document = {"document": ("../../../../etc/permit.png", a_picture(size=size), "image/png")}
        assert (await api_client.post("/api/professional/register", data=values, files=document)).status_code == 201
        people.append(values["email"])
    statement = "SELECT d.stored_as FROM documents d JOIN users u ON u.id = d.professional_id WHERE u.email = :e"
    stored = [await scalar(story, statement, e=email) for email in people]
    assert all(re.fullmatch(r"[0-9a-f]{32}", name) for name in stored)
    contents = {story.app.state.services.storage.path(name).read_bytes() for name in stored}
    assert len(contents) == 2


async def test_two_people_may_share_a_name(customer):
    numbers = {(await customer(full_name="Lakshmi Iyer")).number for _ in range(2)}
    assert len(numbers) == 2


async def test_the_phone_is_the_phone_and_the_address_the_address(customer):
    asha = await customer()
    data = (await asha.get(f"/api/customer/{asha.number}")).json()
    assert (data["phone"], data["address"], data["pincode"]) == ("+910000000412", ASHA["address"], ASHA["pincode"])


@pytest.mark.parametrize(
    ("field", "value"), [("password", ""), ("email", "not an address"), ("pincode", "abcdefgh"), ("phone", "12")]
)
async def test_nonsense_makes_no_account(story, api_client, field, value):
    values = ASHA | {"email": f"nonsense.{next(_numbers)}@example.com"} | {field: value}
    answer = await api_client.post("/api/register", json=values)
    assert (answer.status_code, field in answer.json()["errors"]) == (422, True)
    assert await scalar(story, "SELECT count(*) FROM users WHERE email = :e", e=values["email"]) == 0


@pytest.mark.parametrize("body", [b"{}", b"", b"[]", b"null", b'{"email": {}}'])
async def test_an_empty_sign_in_is_no_server_error(api_client, body):
    answer = await api_client.post("/api/login", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)


async def test_a_wrong_address_and_a_wrong_password_are_indistinguishable(story, api_client):
    async with story.database.work() as db:
        known = (await a_customer(db)).email
    outcomes = []
    for email in (known, "nobody.at.all@example.com"):
        answer = await api_client.post("/api/login", json={"email": email, "password": "not this one"})
        outcomes.append((answer.status_code, {**answer.json(), "request_id": ""}))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0] == 401


async def test_a_new_service_is_there_at_once(story, api_client, meena):
    before = (await api_client.get("/api/services?limit=100")).json()["items"]
    made = await a_service(story, meena)
    listed = (await api_client.get("/api/services?limit=100")).json()["items"]
    assert [item["id"] for item in listed] == [*(item["id"] for item in before), made["id"]]
    found = (await api_client.get(f"/api/service/{made['name']}")).json()["items"]
    assert made["id"] in [item["id"] for item in found]


async def test_99_99_is_not_shown_as_99(story, api_client, meena):
    made = await a_service(story, meena, "99.99")
    assert (made["price"], made["price_paise"]) == ("99.99", 9999)
    found = (await api_client.get(f"/api/service/{made['name']}")).json()["items"]
    assert next(item for item in found if item["id"] == made["id"])["price"] == "99.99"


async def test_no_professional_reads_address_or_phone_before_accepting(story, customer, ravi, kumar):
    made = await booked(story, await customer(), note="Ring twice, the dog is friendly.")
    for me in (ravi, kumar):
        listed = await me.get(f"/api/servicerequest/{me.number}?limit=100")
        offer = next(item for item in listed.json()["items"] if item["id"] == made["id"])
        assert (offer["customer"], offer["address"], offer["note"]) == (None, None, None)
        assert not [term for term in PRIVATE if term in str(offer)]
    assert (await move(ravi, made["id"], "accept")).json()["address"] == ASHA["address"]
    listed = (await kumar.get(f"/api/servicerequest/{kumar.number}?limit=100")).json()["items"]
    assert made["id"] not in [item["id"] for item in listed]
