"""Booking, its moves and its lists by API: the verbs of the pages, and each reads only what is theirs to read."""

import asyncio
from datetime import datetime

import pytest
from sqlalchemy import text

from tests.api.booking import AFTER, VISA, a_time, an_order, assigned, booked, done, move, own

PERSONAL = ("Flat 3B", "Asha", "Ring twice", "+91")


async def one(app, question, **given):
    async with app.state.database.work() as db:
        return await db.scalar(text(question), given)


async def test_a_paid_booking_says_all_that_its_customer_may_read(comes, service, people):
    asha = await comes("asha")
    order = an_order(service)
    answer = await asha.post("/api/request/service", json=order)
    told = answer.json()
    assert answer.status_code == 201
    assert {name: told[name] for name in ("state", "status", "price", "price_paise", "address", "note", "start")} == {
        "state": "requested",
        "status": "requested",
        "price": "149.00",
        "price_paise": 14900,
        "address": order["address"],
        "note": order["note"],
        "start": order["start"],
    }
    assert told["service"] == {"id": service.id, "name": service.name}
    assert told["customer"]["id"] == people["asha"].id
    assert (told["professional"], told["start_code"], told["rating"], told["date_of_completion"]) == (None,) * 4
    assert datetime.fromisoformat(told["date_of_request"]).utcoffset() is not None


@pytest.mark.parametrize("method", [VISA, AFTER, {"method": "upi", "upi_id": "success@doorstep"}])
async def test_each_way_of_paying_books(app, comes, service, method):
    made = await booked(await comes("omar"), service, payment=method)
    paid = await one(app, "SELECT payment FROM bookings WHERE id = :id", id=made["id"])
    assert paid == method["method"]


async def test_the_whole_life_of_a_booking(app, comes, service):
    asha, ravi = await comes("asha"), await comes("ravi")
    made = await assigned(asha, ravi, service)
    assert made["state"] == made["status"] == "assigned"
    assert made["professional"]["name"] == "Ravi K."
    assert made["professional"]["phone"].startswith("+91")
    assert len(made["start_code"]) == 6
    assert made["finish_code"] is None
    started = await move(ravi, made["id"], "start", code=made["start_code"])
    assert (started.json()["state"], started.json()["status"]) == ("started", "assigned")
    ended = await move(ravi, made["id"], "complete", code=(await own(asha, made["id"]))["finish_code"])
    told = ended.json()
    assert (told["state"], told["status"]) == ("completed", "closed")
    assert (told["earning"], told["earning_paise"]) == ("126.65", 12665)
    assert datetime.fromisoformat(told["date_of_completion"])
    closed = await asha.post(f"/api/request/close/{made['id']}", json={"rating": 5, "comment": "Quick."})
    assert (closed.status_code, closed.json()["rating"], closed.json()["comments"]) == (200, 5, "Quick.")
    assert closed.json()["state"] == "closed"
    taken = await one(app, "SELECT captured FROM charges WHERE booking_id = :id", id=made["id"])
    assert taken == 14900


async def test_before_accepting_a_professional_reads_area_and_distance_alone(comes, service, people):
    asha, ravi = await comes("asha"), await comes("ravi")
    made = await booked(asha, service)
    listed = (await ravi.get(f"/api/servicerequest/{ravi.number}?limit=100")).json()["items"]
    offer = next(one for one in listed if one["id"] == made["id"])
    assert (offer["customer"], offer["address"], offer["note"]) == (None, None, None)
    assert (offer["pincode"], offer["distance_km"], offer["earning"]) == ("600020", 0.5, "126.65")
    assert not any(word in str(offer) for word in PERSONAL)
    held = (await move(ravi, made["id"], "accept")).json()
    assert (held["customer"]["name"], held["address"]) == ("Asha Raman", "Flat 3B, Kasturba Nagar")
    assert held["customer"]["phone"] == people["asha"].phone


async def test_a_code_is_told_to_its_own_customer_and_nobody_else(comes, service):
    asha, ravi, meena = await comes("asha"), await comes("ravi"), await comes("meena")
    made = await assigned(asha, ravi, service)
    for me, path in (
        (ravi, f"servicerequest/{ravi.number}"),
        (meena, "request"),
        (meena, f"request/service/{asha.number}"),
    ):
        listed = (await me.get(f"/api/{path}?limit=100")).json()["items"]
        seen = next(one for one in listed if one["id"] == made["id"])
        assert (seen["start_code"], seen["finish_code"]) == (None, None)
        assert made["start_code"] not in str(listed)


@pytest.mark.parametrize("action", ["accept", "start", "complete", "return", "pass"])
async def test_a_customer_makes_no_move_of_a_professional(comes, service, action):
    asha = await comes("asha")
    made = await booked(asha, service)
    assert (await move(asha, made["id"], action)).status_code == 403
    assert (await own(asha, made["id"]))["state"] == "requested"


async def test_a_stranger_finds_no_booking_to_move(comes, service):
    asha, ravi, balu, omar = [await comes(who) for who in ("asha", "ravi", "balu", "omar")]
    made = await assigned(asha, ravi, service)
    assert (await move(omar, made["id"], "cancel")).status_code == 404
    assert (await move(omar, made["id"], "reschedule", start=a_time().isoformat())).status_code == 404
    assert (await omar.post(f"/api/request/close/{made['id']}", json={"rating": 1})).status_code == 404
    for action, more in (
        ("accept", {}),
        ("start", {"code": "123456"}),
        ("return", {"reason": "No time."}),
        ("pass", {}),
    ):
        assert (await move(balu, made["id"], action, **more)).status_code == 404, action
    for number in (987654321, 2**63, 10**25):
        assert (await move(asha, number, "cancel")).status_code == 404
        assert (await move(ravi, number, "accept")).status_code == 404
    assert (await own(asha, made["id"]))["state"] == "assigned"


async def test_of_two_who_accept_one_gets_the_job(comes, service):
    asha, ravi, kumar = await comes("asha"), await comes("ravi"), await comes("kumar")
    made = await booked(asha, service)
    told = await asyncio.gather(*(move(one, made["id"], "accept") for one in (ravi, kumar)))
    assert sorted(answer.status_code for answer in told) == [200, 409]
    late = next(answer for answer in told if answer.status_code == 409).json()
    assert (late["type"], late["title"]) == ("urn:doorstep:taken", "Taken by someone else.")


async def test_a_wrong_code_is_counted_and_locks_after_five(comes, service):
    asha, ravi = await comes("asha"), await comes("ravi")
    made = await assigned(asha, ravi, service)
    wrong = "000000" if made["start_code"] != "000000" else "000001"
    tries = [(await move(ravi, made["id"], "start", code=wrong)).status_code for _ in range(6)]
    assert tries == [422] * 5 + [409]
    assert (await move(ravi, made["id"], "start", code=made["start_code"])).status_code == 409


async def test_passing_and_handing_back_ask_others_and_may_be_said_twice(comes, service):
    asha, ravi, kumar = await comes("asha"), await comes("ravi"), await comes("kumar")
    made = await booked(asha, service)
    for _ in range(2):
        passed = await move(kumar, made["id"], "pass", reason="Too far.")
        assert (passed.status_code, passed.json()["address"]) == (200, None)
    assert (await move(kumar, made["id"], "accept")).status_code == 404
    assert (await move(ravi, made["id"], "accept")).status_code == 200
    assert (await move(ravi, made["id"], "return")).status_code == 422
    for _ in range(2):
        back = await move(ravi, made["id"], "return", reason="The van broke down.")
        assert (back.status_code, back.json()["state"], back.json()["customer"]) == (200, "requested", None)


async def test_cancelling_and_moving_go_by_the_rules_of_the_page(comes, service):
    asha, ravi = await comes("asha"), await comes("ravi")
    made, new = await assigned(asha, ravi, service), a_time()
    moved = await move(asha, made["id"], "reschedule", start=new.isoformat(), fee_paise=0)
    assert (moved.status_code, moved.json()["state"]) == (200, "requested")
    assert (moved.json()["start"], moved.json()["start_code"]) == (new.isoformat(), None)
    again = await move(asha, made["id"], "reschedule", start=new.isoformat())
    assert (again.status_code, set(again.json()["errors"])) == (422, {"start"})
    gone = await move(asha, made["id"], "cancel", reason="Not needed any more.")
    assert (gone.status_code, gone.json()["status"], gone.json()["cancelled_as"]) == (200, "cancelled", "customer")
    assert (await move(asha, made["id"], "reschedule", start=a_time().isoformat())).status_code == 409


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({}, {"action"}),
        ({"action": "fly"}, {"action"}),
        ({"action": "start"}, {"code"}),
        ({"action": "accept", "code": "123456"}, {"code"}),
        ({"action": "accept", "reason": "x", "state": "completed"}, {"state"}),
        ({"action": "return", "reason": "x"}, {"reason"}),
        ({"action": "start", "code": 123456}, {"code"}),
        ({"action": "start", "code": "12345"}, {"code"}),
    ],
)
async def test_a_move_that_is_none_is_told_field_by_field(comes, service, sent, wrong):
    asha, ravi = await comes("asha"), await comes("ravi")
    made = await assigned(asha, ravi, service)
    answer = await ravi.post(f"/api/request/edit/{made['id']}", json=sent)
    assert (answer.status_code, set(answer.json()["errors"])) == (422, wrong)


@pytest.mark.parametrize(
    ("differently", "wrong"),
    [
        ({"start": "banana"}, "start"),
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
async def test_an_order_that_cannot_be_is_told_field_by_field_and_leaves_nothing(
    app, comes, service, differently, wrong
):
    asha = await comes("asha")
    before = await one(app, "SELECT count(*) FROM bookings")
    answer = await asha.post("/api/request/service", json=an_order(service) | differently)
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {wrong}), answer.text
    assert await one(app, "SELECT count(*) FROM bookings") == before


async def test_a_bank_that_asks_for_a_code_gets_it_with_the_order(comes, service):
    asha = await comes("asha")
    card = VISA | {"card_number": "4000 0025 0000 3155", "code": "123456"}
    assert (await booked(asha, service, payment=card))["state"] == "requested"


async def test_a_time_that_is_taken_is_told(comes, service, people):
    asha, omar, start = await comes("asha"), await comes("omar"), a_time().isoformat()
    await booked(asha, service, start=start, professional_id=people["ravi"].id)
    late = await omar.post(
        "/api/request/service", json=an_order(service, start=start, professional_id=people["ravi"].id)
    )
    assert (late.status_code, late.json()["type"]) == (409, "urn:doorstep:taken")


async def test_the_same_key_books_and_charges_once_however_often_it_is_sent(app, comes, service):
    asha, order, key = await comes("asha"), an_order(service), {"idempotency-key": "till-7.order-1"}
    told = await asyncio.gather(*(asha.post("/api/request/service", json=order, headers=key) for _ in range(6)))
    assert {answer.status_code for answer in told} == {201}
    assert len({answer.content for answer in told}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in told) == 5
    charges = await one(app, "SELECT count(*) FROM charges WHERE booking_id = :id", id=told[0].json()["id"])
    assert charges == 1
    other = await asha.post("/api/request/service", json=order | {"note": "Knock."}, headers=key)
    assert (other.status_code, set(other.json()["errors"])) == (422, {"Idempotency-Key"})
    omar = await comes("omar")  # a key is its person's own
    assert (await omar.post("/api/request/service", json=order, headers=key)).json()["id"] != told[0].json()["id"]


async def test_a_key_keeps_no_card(app, comes, service):
    asha = await comes("asha")
    answer = await asha.post("/api/request/service", json=an_order(service), headers={"idempotency-key": "till-7.card"})
    assert answer.status_code == 201
    kept = await one(app, "SELECT t::text FROM idempotency_keys t WHERE key = 'till-7.card'")
    assert "4242 4242" not in kept
    assert "4242424242424242" not in kept


async def test_the_same_key_moves_once(app, comes, service):
    asha, ravi = await comes("asha"), await comes("ravi")
    made, key = await assigned(asha, ravi, service), {"idempotency-key": "till-7.cancel"}
    address, sent = f"/api/request/edit/{made['id']}", {"action": "cancel", "reason": "Not needed."}
    told = [await asha.post(address, json=sent, headers=key) for _ in range(2)]
    assert told[0].content == told[1].content
    other = await booked(asha, service)
    elsewhere = await asha.post(f"/api/request/edit/{other['id']}", json=sent, headers=key)
    assert elsewhere.status_code == 422


async def test_a_review_is_written_by_its_customer_once_the_work_is_done(comes, service):
    asha, ravi = await comes("asha"), await comes("ravi")
    open_one = await booked(asha, service)
    assert (await asha.post(f"/api/request/close/{open_one['id']}", json={"rating": 5})).status_code == 409
    made = await done(asha, ravi, service)
    assert (await ravi.post(f"/api/request/close/{made['id']}", json={"rating": 5})).status_code == 403
    for rating in (0, 6, "5", 4.5, None):
        answer = await asha.post(f"/api/request/close/{made['id']}", json={"rating": rating})
        assert (answer.status_code, set(answer.json()["errors"])) == (422, {"rating"})
    assert (await asha.post(f"/api/request/close/{made['id']}", json={"rating": 4})).status_code == 200
    changed = await asha.post(f"/api/request/close/{made['id']}", json={"rating": 5, "comment": "Better."})
    assert (changed.status_code, changed.json()["rating"]) == (200, 5)


async def test_lists_go_page_by_page_and_show_everybody_their_own(comes, service, people):
    asha, meena, ravi = await comes("asha"), await comes("meena"), await comes("ravi")
    for _ in range(3):
        await booked(asha, service)
    for me, path in (
        (meena, "request"),
        (asha, f"request/service/{asha.number}"),
        (meena, f"request/service/{asha.number}"),
        (meena, f"service_request/{service.name}"),
        (ravi, f"servicerequest/{ravi.number}"),
    ):
        whole = (await me.get(f"/api/{path}?limit=100")).json()
        found, after = [], ""
        while after is not None:
            page = (await me.get(f"/api/{path}?limit=2&after={after}")).json()
            assert len(page["items"]) <= 2
            found, after = found + page["items"], page["next"]
        assert [one["id"] for one in found[:100]] == [one["id"] for one in whole["items"]], path
        assert len({one["id"] for one in found}) == len(found) > 2, path
    mine = (await asha.get(f"/api/request/service/{asha.number}?limit=100")).json()["items"]
    assert {one["customer"]["id"] for one in mine} == {asha.number}
    assert (await asha.get(f"/api/request/service/{people['omar'].id}")).status_code == 404
    assert (await meena.get(f"/api/request/service/{people['ravi'].id}")).status_code == 404
    assert (await ravi.get(f"/api/servicerequest/{people['kumar'].id}")).status_code == 404
    assert (await meena.get("/api/service_request/no such thing")).json() == {"items": [], "next": None}


async def test_an_admin_reads_names_and_no_contact_in_a_list(comes, service):
    asha, meena = await comes("asha"), await comes("meena")
    made = await booked(asha, service)
    listed = (await meena.get("/api/request?limit=100")).json()["items"]
    seen = next(one for one in listed if one["id"] == made["id"])
    assert seen["customer"] == {"id": asha.number, "name": "Asha Raman", "phone": None}
    assert (seen["address"], seen["note"]) == (None, None)
