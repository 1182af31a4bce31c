"""The API of jobs: offers, acceptance, codes, passing and returning."""

import asyncio

import pytest

from tests.api_client import a_time, assigned, booked, move, own
from tests.statements import count_statements

PERSONAL = ("Flat 3B", "Asha", "Ring twice", "+91")


async def test_before_accepting_a_professional_reads_area_and_distance_alone(api_client_for, api_service, api_people):
    asha, ravi = await api_client_for("asha"), await api_client_for("ravi")
    made = await booked(asha, api_service)
    listed = (await ravi.get(f"/api/servicerequest/{ravi.number}?limit=100")).json()["items"]
    offer = next(item for item in listed if item["id"] == made["id"])
    assert (offer["customer"], offer["address"], offer["note"]) == (None, None, None)
    assert (offer["pincode"], offer["distance_km"], offer["earning"]) == ("600020", 0.5, "126.65")
    assert not any(term in str(offer) for term in PERSONAL)
    held = (await move(ravi, made["id"], "accept")).json()
    assert (held["customer"]["name"], held["address"]) == ("Asha Raman", "Flat 3B, Kasturba Nagar")
    assert held["customer"]["phone"] == api_people["asha"].phone


async def test_lists_ask_the_database_few_things(api_app, api_client_for, api_service):
    asha, ravi = await api_client_for("asha"), await api_client_for("ravi")
    made = await booked(asha, api_service)
    for client, path, count in (
        (asha, f"/api/request/service/{asha.number}", 2),  # the token, the bookings
        (ravi, f"/api/servicerequest/{ravi.number}", 3),  # the token, the schedule with the offers, the bookings
    ):
        await client.get(path)
        with count_statements(api_app.state.services.database) as statements:
            listed = (await client.get(path)).json()["items"]
        assert made["id"] in [item["id"] for item in listed]
        assert len(statements) <= count, statements


@pytest.mark.parametrize("action", ["accept", "start", "complete", "return", "pass"])
async def test_a_customer_makes_no_move_of_a_professional(api_client_for, api_service, action):
    asha = await api_client_for("asha")
    made = await booked(asha, api_service)
    assert (await move(asha, made["id"], action)).status_code == 403
    assert (await own(asha, made["id"]))["state"] == "requested"


async def test_a_stranger_finds_no_booking_to_move(api_client_for, api_service):
    asha, ravi, balu, omar = [await api_client_for(who) for who in ("asha", "ravi", "balu", "omar")]
    made = await assigned(asha, ravi, api_service)
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


async def test_of_two_who_accept_one_gets_the_job(api_client_for, api_service):
    asha, ravi, kumar = await api_client_for("asha"), await api_client_for("ravi"), await api_client_for("kumar")
    made = await booked(asha, api_service)
    outcomes = await asyncio.gather(*(move(item, made["id"], "accept") for item in (ravi, kumar)))
    assert sorted(answer.status_code for answer in outcomes) == [200, 409]
    late = next(answer for answer in outcomes if answer.status_code == 409).json()
    assert (late["type"], late["title"]) == ("urn:doorstep:taken", "Taken by someone else.")


async def test_a_wrong_code_is_counted_and_locks_after_five(api_client_for, api_service):
    asha, ravi = await api_client_for("asha"), await api_client_for("ravi")
    made = await assigned(asha, ravi, api_service)
    invalid = "000000" if made["start_code"] != "000000" else "000001"
    attempts = [(await move(ravi, made["id"], "start", early=True, code=invalid)).status_code for _ in range(6)]
    assert attempts == [422] * 5 + [409]
    assert (await move(ravi, made["id"], "start", early=True, code=made["start_code"])).status_code == 409


async def test_passing_and_handing_back_ask_others_and_may_be_repeated(api_client_for, api_service):
    asha, ravi, kumar = await api_client_for("asha"), await api_client_for("ravi"), await api_client_for("kumar")
    made = await booked(asha, api_service)
    for _ in range(2):
        passed = await move(kumar, made["id"], "pass", reason="Too far.")
        assert (passed.status_code, passed.json()["address"]) == (200, None)
    assert (await move(kumar, made["id"], "accept")).status_code == 404
    assert (await move(ravi, made["id"], "accept")).status_code == 200
    assert (await move(ravi, made["id"], "return")).status_code == 422
    for _ in range(2):
        back = await move(ravi, made["id"], "return", reason="The van broke down.")
        assert (back.status_code, back.json()["state"], back.json()["customer"]) == (200, "requested", None)


@pytest.mark.parametrize(
    ("sent", "errors"),
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
async def test_an_invalid_move_is_reported_field_by_field(api_client_for, api_service, sent, errors):
    asha, ravi = await api_client_for("asha"), await api_client_for("ravi")
    made = await assigned(asha, ravi, api_service)
    answer = await ravi.post(f"/api/request/edit/{made['id']}", json=sent)
    assert (answer.status_code, set(answer.json()["errors"])) == (422, errors)


async def test_a_start_long_before_the_visit_needs_early(api_client_for, api_service):
    asha, ravi = await api_client_for("asha"), await api_client_for("ravi")
    made = await assigned(asha, ravi, api_service)
    for early in ({}, {"early": False}):
        refused = await move(ravi, made["id"], "start", code=made["start_code"], **early)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:doorstep:early")
        assert "Start now?" in refused.json()["title"]
    assert (await move(ravi, made["id"], "start", code=made["start_code"], early="yes")).status_code == 422
    assert (await move(ravi, made["id"], "start", code=made["start_code"], early=True)).json()["state"] == "started"
