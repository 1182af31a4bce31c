"""Refunds in the API: the figures, the refund, the second admin, and what a booking says of it."""

import pytest

from tests.api_client import ApiClient
from tests.bookings.scenes import Scene
from tests.factories import PASSWORD, an_admin

REASON = "The tap drips again."


@pytest.fixture
async def scene(own_app):
    scene = await Scene.set(own_app, price=9_000_00)
    password_hash = await own_app.state.services.passwords.hash(PASSWORD)
    async with scene.database.work() as db:
        for user in (scene.asha, scene.ravi):
            user.password_hash = password_hash
            db.add(user)
    yield scene
    await scene.close()


@pytest.fixture
async def admins(scene):
    password_hash = await scene.app.state.services.passwords.hash(PASSWORD)
    async with scene.database.work() as db:
        names = ("Meena Iyer", "Lekha Nair")
        return [await an_admin(db, name, password_hash=password_hash) for name in names]


@pytest.fixture
async def client_of(own_app):
    clients = []

    async def sign_in(user):
        clients.append(ApiClient(own_app))
        await clients[-1].sign_in(user.email, PASSWORD)
        return clients[-1]

    yield sign_in
    for client in clients:
        await client.aclose()


async def test_a_refund_is_made_confirmed_and_shown_by_programs(scene, admins, client_of):
    reference = await scene.done(await scene.browser(scene.asha))
    meena, lekha = [await client_of(admin) for admin in admins]
    place = f"/api/admin/bookings/{reference}/refund"
    figures = (await meena.get(place)).json()
    assert (figures["taken"], figures["refundable_paise"], figures["earning_paise"]) == ("9000.00", 9_000_00, 7_650_00)
    for bad in (
        {},
        {"amount": "10.00"},
        {"amount": "0.00", "reason": REASON},
        {"amount": "NaN", "reason": REASON},
        {"amount": 10, "reason": REASON},
        {"amount": "9000.01", "reason": REASON},
        {"amount": "10.00", "reason": " "},
        {"amount": "10.00", "reason": REASON, "borne_by": "chance"},
    ):
        assert (await meena.post(place, json=bad)).status_code == 422, bad
    made = await meena.post(place, json={"amount": "49.50", "reason": REASON})
    assert (made.status_code, made.json()["state"], made.json()["amount_paise"]) == (201, "done", 49_50)
    large = (await meena.post(place, json={"amount": "6000.00", "reason": REASON, "borne_by": "shares"})).json()
    assert (large["state"], large["confirmed_by"]) == ("requested", None)
    (row,) = (await lekha.get("/api/admin/refunds")).json()["items"]
    assert (row["id"], row["booking"], row["requested_by"]) == (large["id"], reference, "Meena Iyer")
    answer = f"/api/admin/refunds/{large['id']}/confirmation"
    assert (await meena.post(answer, json={"answer": "yes"})).status_code == 409
    assert (await lekha.post(answer, json={"answer": "perhaps"})).status_code == 422
    confirmed = await lekha.post(answer, json={"answer": "yes"})
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "done")
    assert (await lekha.post(answer, json={"answer": "no"})).status_code == 409
    assert (await lekha.post(f"/api/admin/refunds/{large['id']}/retry")).status_code == 409
    assert (await lekha.get("/api/admin/refunds/999999")).status_code == 404
    done = (await lekha.get("/api/admin/refunds?state=done")).json()["items"]
    assert [item["amount_paise"] for item in done] == [49_50, 6_000_00]
    asha, ravi = await client_of(scene.asha), await client_of(scene.ravi)
    (own,) = (await asha.get(f"/api/request/service/{scene.asha.id}")).json()["items"]
    (job,) = (await ravi.get(f"/api/servicerequest/{scene.ravi.id}")).json()["items"]
    assert (own["refunded_paise"], job["refunded_paise"]) == (6_049_50, None)
