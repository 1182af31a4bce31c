"""The API of bookings: order, read, list, cancel and reschedule, each person only their own."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api_client import AFTER, VISA, a_time, an_order, assigned, booked, move, own, scalar


async def test_a_paid_booking_says_all_that_its_customer_may_read(api_client_for, api_service, api_people):
    asha = await api_client_for("asha")
    order = an_order(api_service)
    answer = await asha.post("/api/request/service", json=order)
    data = answer.json()
    assert answer.status_code == 201
    assert {name: data[name] for name in ("state", "status", "price", "price_paise", "address", "note", "start")} == {
        "state": "requested",
        "status": "requested",
        "price": "149.00",
        "price_paise": 14900,
        "address": order["address"],
        "note": order["note"],
        "start": order["start"],
    }
    assert data["service"] == {"id": api_service.id, "name": api_service.name}
    assert data["customer"]["id"] == api_people["asha"].id
    assert (data["professional"], data["start_code"], data["rating"], data["date_of_completion"]) == (None,) * 4
    assert datetime.fromisoformat(data["date_of_request"]).utcoffset() is not None


@pytest.mark.parametrize("method", [VISA, AFTER, {"method": "upi", "upi_id": "success@doorstep"}])
async def test_each_way_of_paying_books(api_app, api_client_for, api_service, method):
    made = await booked(await api_client_for("omar"), api_service, payment=method)
    paid = await scalar(api_app, "SELECT payment FROM bookings WHERE id = :id", id=made["id"])
    assert paid == method["method"]


async def test_the_whole_life_of_a_booking(api_app, api_client_for, api_service):
    asha, ravi = await api_client_for("asha"), await api_client_for("ravi")
    made = await assigned(asha, ravi, api_service)
    assert made["state"] == made["status"] == "assigned"
    assert made["professional"]["name"] == "Ravi K."
    assert made["professional"]["phone"].startswith("+91")
    assert len(made["start_code"]) == 6
    assert made["finish_code"] is None
    started = await move(ravi, made["id"], "start", early=True, code=made["start_code"])
    assert (started.json()["state"], started.json()["status"]) == ("started", "assigned")
    ended = await move(ravi, made["id"], "complete", code=(await own(asha, made["id"]))["finish_code"])
    data = ended.json()
    assert (data["state"], data["status"]) == ("completed", "closed")
    assert (data["earning"], data["earning_paise"]) == ("126.65", 12665)
    assert datetime.fromisoformat(data["date_of_completion"])
    closed = await asha.post(f"/api/request/close/{made['id']}", json={"rating": 5, "comment": "Quick."})
    assert (closed.status_code, closed.json()["rating"], closed.json()["comments"]) == (200, 5, "Quick.")
    assert closed.json()["state"] == "closed"
    taken = await scalar(api_app, "SELECT captured FROM charges WHERE booking_id = :id", id=made["id"])
    assert taken == 14900


async def test_a_code_is_shown_to_its_own_customer_and_no_one_else(api_client_for, api_service):
    asha, ravi, meena = await api_client_for("asha"), await api_client_for("ravi"), await api_client_for("meena")
    made = await assigned(asha, ravi, api_service)
    for me, path in (
        (ravi, f"servicerequest/{ravi.number}"),
        (meena, "request"),
        (meena, f"request/service/{asha.number}"),
    ):
        listed = (await me.get(f"/api/{path}?limit=100")).json()["items"]
        listed_booking = next(item for item in listed if item["id"] == made["id"])
        assert (listed_booking["start_code"], listed_booking["finish_code"]) == (None, None)
        assert made["start_code"] not in str(listed)


async def test_cancelling_and_moving_go_by_the_rules_of_the_page(api_client_for, api_service):
    asha, ravi = await api_client_for("asha"), await api_client_for("ravi")
    made, new = await assigned(asha, ravi, api_service), a_time()
    moved = await move(asha, made["id"], "reschedule", start=new.isoformat(), fee_paise=0)
    assert (moved.status_code, moved.json()["state"]) == (200, "requested")
    assert (moved.json()["start"], moved.json()["start_code"]) == (new.isoformat(), None)
    repeated = await move(asha, made["id"], "reschedule", start=new.isoformat())
    assert (repeated.status_code, set(repeated.json()["errors"])) == (422, {"start"})
    cancelled = await move(asha, made["id"], "cancel", reason="Not needed any more.")
    assert (cancelled.status_code, cancelled.json()["status"], cancelled.json()["cancelled_as"]) == (
        200,
        "cancelled",
        "customer",
    )
    assert (await move(asha, made["id"], "reschedule", start=a_time().isoformat())).status_code == 409


@pytest.mark.parametrize(
    "pattern",
    [
        "%Y-%m-%dT%H:%M:%S.000Z",  # as Date.toISOString of JavaScript
        "%Y-%m-%dT%H:%MZ",
        "%Y-%m-%dT%H:%M:%S.000000+00:00",
        "%Y-%m-%dT%H:%M:%S,0+0000",
        "%Y-%m-%dT%H:%M:%S+00",
    ],
)
async def test_a_start_is_read_in_each_form_of_iso_8601(api_client_for, api_service, pattern):
    asha, start = await api_client_for("asha"), a_time()
    made = await booked(asha, api_service, start=start.astimezone(UTC).strftime(pattern), pincode="600-020")
    assert (made["start"], made["pincode"]) == (start.isoformat(), "600020")
    new = a_time()
    moved = await move(asha, made["id"], "reschedule", start=new.astimezone(UTC).strftime(pattern))
    assert moved.json()["start"] == new.isoformat()


@pytest.mark.parametrize(
    ("differently", "errors"),
    [
        ({"start": "banana"}, "start"),
        ({"start": "2026-11-24T10:00:00.5+05:30"}, "start"),
        ({"start": "2001-01-01T10:00:00+05:30"}, "start"),
        ({"start": "2026-11-24T10:10"}, "start"),
        ({"start": 5}, "start"),
        ({"pincode": "abcdefgh"}, "pincode"),
        ({"pincode": "600045"}, "pincode"),
        ({"address": ""}, "address"),
        ({"note": "4242 4242 4242 4242"}, "note"),
        ({"service_id": "1"}, "service_id"),
        ({"service_id": 987654321}, "service_id"),
        ({"service_id": True}, "service_id"),
        ({"professional_id": 987654321}, "professional_id"),
        ({"customer_id": 1}, "customer_id"),
        ({"price": "1.00"}, "price"),
        ({"payment": {}}, "payment.method"),
        ({"payment": None}, "payment"),
        ({"payment": {"method": "gold"}}, "payment.method"),
        ({"payment": VISA | {"amount": 1}}, "payment.amount"),
        ({"payment": VISA | {"card_number": "4242 4242 4242 4241"}}, "payment.card_number"),
        ({"payment": VISA | {"card_number": "4000 0000 0000 0002"}}, "payment.card_number"),
        ({"payment": VISA | {"card_number": "4000 0000 0000 0341"}}, "payment.card_number"),
        ({"payment": VISA | {"card_number": "4000 0025 0000 3155"}}, "payment.code"),
        ({"payment": {"method": "upi", "upi_id": "decline@doorstep"}}, "payment.upi_id"),
    ],
)
async def test_an_invalid_order_is_reported_field_by_field_and_leaves_nothing(
    api_app, api_client_for, api_service, differently, errors
):
    asha = await api_client_for("asha")
    before = await scalar(api_app, "SELECT count(*) FROM bookings")
    answer = await asha.post("/api/request/service", json=an_order(api_service) | differently)
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {errors}), answer.text
    assert await scalar(api_app, "SELECT count(*) FROM bookings") == before


async def test_a_bank_that_asks_for_a_code_gets_it_with_the_order(api_client_for, api_service):
    asha = await api_client_for("asha")
    card = VISA | {"card_number": "4000 0025 0000 3155", "code": "123456"}
    assert (await booked(asha, api_service, payment=card))["state"] == "requested"


async def test_a_time_that_is_taken_is_reported(api_client_for, api_service, api_people):
    asha, omar, start = await api_client_for("asha"), await api_client_for("omar"), a_time().isoformat()
    await booked(asha, api_service, start=start, professional_id=api_people["ravi"].id)
    late = await omar.post(
        "/api/request/service", json=an_order(api_service, start=start, professional_id=api_people["ravi"].id)
    )
    assert (late.status_code, late.json()["type"]) == (409, "urn:doorstep:taken")


async def test_the_same_key_books_and_charges_once_however_often_it_is_sent(api_app, api_client_for, api_service):
    asha, order, key = await api_client_for("asha"), an_order(api_service), {"idempotency-key": "till-7.order-1"}
    outcomes = await asyncio.gather(*(asha.post("/api/request/service", json=order, headers=key) for _ in range(6)))
    assert {answer.status_code for answer in outcomes} == {201}
    assert len({answer.content for answer in outcomes}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in outcomes) == 5
    charges = await scalar(api_app, "SELECT count(*) FROM charges WHERE booking_id = :id", id=outcomes[0].json()["id"])
    assert charges == 1
    other = await asha.post("/api/request/service", json=order | {"note": "Knock."}, headers=key)
    assert (other.status_code, set(other.json()["errors"])) == (422, {"Idempotency-Key"})
    omar = await api_client_for("omar")  # a key is its person's own
    assert (await omar.post("/api/request/service", json=order, headers=key)).json()["id"] != outcomes[0].json()["id"]


async def test_a_key_keeps_no_card(api_app, api_client_for, api_service):
    asha = await api_client_for("asha")
    answer = await asha.post(
        "/api/request/service", json=an_order(api_service), headers={"idempotency-key": "till-7.card"}
    )
    assert answer.status_code == 201
    stored = await scalar(api_app, "SELECT t::text FROM idempotency_keys t WHERE key = 'till-7.card'")
    assert "4242 4242" not in stored
    assert "4242424242424242" not in stored


async def test_the_same_key_moves_once(api_app, api_client_for, api_service):
    asha, ravi = await api_client_for("asha"), await api_client_for("ravi")
    made, key = await assigned(asha, ravi, api_service), {"idempotency-key": "till-7.cancel"}
    address, sent = f"/api/request/edit/{made['id']}", {"action": "cancel", "reason": "Not needed."}
    responses = [await asha.post(address, json=sent, headers=key) for _ in range(2)]
    assert responses[0].content == responses[1].content
    other = await booked(asha, api_service)
    elsewhere = await asha.post(f"/api/request/edit/{other['id']}", json=sent, headers=key)
    assert elsewhere.status_code == 422


async def test_lists_go_page_by_page_and_show_everyone_their_own(api_client_for, api_service, api_people):
    asha, meena, ravi = await api_client_for("asha"), await api_client_for("meena"), await api_client_for("ravi")
    for _ in range(3):
        await booked(asha, api_service)
    for me, path in (
        (meena, "request"),
        (asha, f"request/service/{asha.number}"),
        (meena, f"request/service/{asha.number}"),
        (meena, f"service_request/{api_service.name}"),
        (ravi, f"servicerequest/{ravi.number}"),
    ):
        whole = (await me.get(f"/api/{path}?limit=100")).json()
        found: list[dict[str, Any]] = []
        after: str | None = ""
        while after is not None:
            page = (await me.get(f"/api/{path}?limit=2&after={after}")).json()
            assert len(page["items"]) <= 2
            found, after = found + page["items"], page["next"]
        assert [item["id"] for item in found[:100]] == [item["id"] for item in whole["items"]], path
        assert len({item["id"] for item in found}) == len(found) > 2, path
    own_booking = (await asha.get(f"/api/request/service/{asha.number}?limit=100")).json()["items"]
    assert {item["customer"]["id"] for item in own_booking} == {asha.number}
    assert (await asha.get(f"/api/request/service/{api_people['omar'].id}")).status_code == 404
    assert (await meena.get(f"/api/request/service/{api_people['ravi'].id}")).status_code == 404
    assert (await ravi.get(f"/api/servicerequest/{api_people['kumar'].id}")).status_code == 404
    assert (await meena.get("/api/service_request/no such thing")).json() == {"items": [], "next": None}


async def test_an_admin_reads_names_and_no_contact_in_a_list(api_client_for, api_service):
    asha, meena = await api_client_for("asha"), await api_client_for("meena")
    made = await booked(asha, api_service)
    listed = (await meena.get("/api/request?limit=100")).json()["items"]
    listed_booking = next(item for item in listed if item["id"] == made["id"])
    assert listed_booking["customer"] == {"id": asha.number, "name": "Asha Raman", "phone": None}
    assert (listed_booking["address"], listed_booking["note"]) == (None, None)
