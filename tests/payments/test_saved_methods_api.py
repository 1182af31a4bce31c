"""Remembered payment methods in the JSON API: remembered, listed, paid with, of their customer alone, removable."""

import pytest

from app.core import clock
from tests.api_client import VISA, an_order, booked, scalar

METHODS = "/api/profile/payment-methods"
SAVED_VISA = {"method": "card", "brand": "Visa", "last4": "4242", "expires_on": "2040-08-31", "upi_id": None}


async def listed(me) -> list[dict]:
    return (await me.get(METHODS)).json()["items"]


@pytest.fixture
async def asha(api_client_for, api_service):
    client = await api_client_for("asha")
    await booked(client, api_service, payment=VISA | {"remember": "yes"})
    return client


async def test_a_card_is_remembered_listed_and_paid_with(api_app, api_service, asha):
    [saved] = await listed(asha)
    assert {name: saved[name] for name in SAVED_VISA} == SAVED_VISA
    made = await booked(asha, api_service, payment={"method": "saved", "saved_id": saved["id"]})
    charge = "SELECT method || ' ' || brand || ' ' || last4 || ' ' || state FROM charges WHERE booking_id = :id"
    assert await scalar(api_app, charge, id=made["id"]) == "card Visa 4242 authorised"
    assert [method["id"] for method in await listed(asha)] == [saved["id"]]


async def test_nothing_is_remembered_unasked(api_client_for, api_service):
    omar = await api_client_for("omar")
    before = await listed(omar)
    await booked(omar, api_service, payment=VISA)
    assert await listed(omar) == before


async def test_another_customers_method_pays_nothing_and_an_expired_one_neither(
    api_app, api_client_for, api_service, asha
):
    [saved] = await listed(asha)
    omar = await api_client_for("omar")
    count = "SELECT count(*) FROM bookings WHERE customer_id = :id"
    before = await scalar(api_app, count, id=omar.number)
    for saved_id in (saved["id"], None, 2**62):
        payment = {"method": "saved", "saved_id": saved_id}
        refused = await omar.post("/api/request/service", json=an_order(api_service, payment=payment))
        assert refused.status_code == 422
        assert "payment.saved_id" in str(refused.json()["errors"])
    assert await scalar(api_app, count, id=omar.number) == before
    assert (await omar.post(f"{METHODS}/{saved['id']}/removal")).status_code == 404
    change = "UPDATE saved_methods SET expires_on = :day WHERE id = :id RETURNING id"
    await scalar(api_app, change, id=saved["id"], day=clock.today().replace(year=2020))
    payment = {"method": "saved", "saved_id": saved["id"]}
    refused = await asha.post("/api/request/service", json=an_order(api_service, payment=payment))
    assert "This card has expired" in str(refused.json()["errors"])


async def test_the_same_request_again_is_replayed_also_after_the_removal(api_service, asha):
    [saved] = await listed(asha)
    order = an_order(api_service, payment={"method": "saved", "saved_id": saved["id"]})
    headers = {"Idempotency-Key": f"saved-{saved['id']}"}
    made = await asha.post("/api/request/service", json=order, headers=headers)
    assert made.status_code == 201
    removed = await asha.post(f"{METHODS}/{saved['id']}/removal")
    assert (removed.status_code, removed.json()) == (200, {"items": []})
    again = await asha.post("/api/request/service", json=order, headers=headers)
    assert (again.status_code, again.json()["id"]) == (201, made.json()["id"])
