"""Admins add and end coupons, on pages and in the API; refunds as credit; the customer's page of credit."""

import pytest

from app.check.run import find_violations
from tests.api_client import ApiClient
from tests.bookings.scenes import VISA
from tests.factories import PASSWORD, a_start

TERMS = {"code": "monsoon 10", "kind": "percent", "value": "10 %", "cap": "₹100", "total": "500", "per_person": "1"}


@pytest.fixture
async def admin(scene, meena):
    return await scene.browser(meena)


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def client_of(own_app, scene):
    clients = []

    async def sign_in(user):
        password_hash = await own_app.state.services.passwords.hash(PASSWORD)
        async with scene.database.work() as db:
            user.password_hash = password_hash
            db.add(user)
        clients.append(ApiClient(own_app))
        assert (await clients[-1].sign_in(user.email, PASSWORD)).status_code == 200
        return clients[-1]

    yield sign_in
    for client in clients:
        await client.aclose()


async def test_a_coupon_is_added_used_and_ended(scene, admin, asha):
    page = await admin.visit("/admin/coupons/new")
    added = await admin.submit_and_follow(page, "/new", **TERMS)
    assert "Coupon MONSOON10 added." in added.text
    for words in ("MONSOON10", "10 %", "₹100", "0 / 500", "1 per"):
        assert words in added.text, words
    await scene.paid(asha, coupon="Monsoon10", **VISA)
    listed = await admin.visit("/admin/coupons")
    assert "1 / 500" in listed.text
    assert "₹14.90" in listed.text
    assert "Bookings that use it keep it." in listed.text
    ended = await admin.submit_and_follow(listed, "/end")
    assert "Coupon MONSOON10 ended." in ended.text
    reference = await scene.held(asha, a_start(days=3))
    refused = await scene.pay(asha, reference, coupon="MONSOON10", **VISA)
    assert (refused.status, "This coupon has ended." in refused.text) == (422, True)
    assert (await admin.post_fields("/admin/coupons/MONSOON10/end", {})).status == 409
    assert (await admin.post_fields("/admin/coupons/NONE/end", {})).status == 404


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"code": "a!"}, "code"),
        ({"kind": "gift"}, "kind"),
        ({"kind": "percent", "value": "101"}, "value"),
        ({"value": "-1"}, "value"),
        ({"value": ""}, "value"),
        ({"kind": "amount", "value": "50", "cap": "10"}, "cap"),
        ({"from": "someday"}, "from"),
        ({"until": "2020-01-01"}, "until"),
        ({"per_person": "0"}, "per_person"),
        ({"total": "many"}, "total"),
    ],
)
async def test_a_refused_form_shows_each_error_and_keeps_its_values(admin, fields, field):
    page = await admin.visit("/admin/coupons/new")
    refused = await admin.submit(page, "/new", **{**TERMS, **fields})
    assert (refused.status, f'id="{field}-error"' in refused.text) == (422, True), refused.text
    assert refused.form("/new").fields["total"] == {**TERMS, **fields}["total"]


async def test_a_code_is_there_once(admin):
    await admin.submit(await admin.visit("/admin/coupons/new"), "/new", **TERMS)
    refused = await admin.submit(await admin.visit("/admin/coupons/new"), "/new", **TERMS)
    assert (refused.status, "There is a coupon with this code already." in refused.text) == (422, True)


async def test_programs_add_use_and_end_coupons(scene, meena, client_of):
    api, asha = await client_of(meena), await client_of(scene.asha)
    made = await api.post("/api/admin/coupons/new", json={"code": "WELCOME50", "kind": "amount", "value": "50.00"})
    assert (made.status_code, made.json()["value_paise"], made.json()["state"]) == (201, 50_00, "active")
    booking = {
        "service_id": scene.service.id,
        "start": a_start().isoformat(),
        "address": "12 Beach Road",
        "pincode": "600020",
        "payment": {"method": "after", "coupon": "welcome50"},
    }
    booked = await asha.post("/api/request/service", json=booking)
    assert booked.status_code == 201, booked.text
    assert [booked.json()[name] for name in ("coupon", "coupon_paise", "credit_paise")] == ["WELCOME50", 50_00, 0]
    refused = await asha.post(
        "/api/request/service",
        json={**booking, "start": a_start(days=3).isoformat(), "payment": {"method": "after", "coupon": "NONE"}},
    )
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["payment.coupon"])
    ended = await api.post("/api/admin/coupons/WELCOME50/end")
    assert (ended.status_code, ended.json()["state"], ended.json()["used"]) == (200, "ended", 1)
    listed = (await api.get("/api/admin/coupons")).json()["coupons"]
    assert [(item["code"], item["from"]) for item in listed] == [("WELCOME50", made.json()["from"])]
    credit = (await asha.get("/api/credit")).json()
    assert (credit["balance_paise"], credit["lines"]) == (0, [])
    assert credit["invite_link"].endswith(f"/register?invite={credit['invite_code']}")


async def test_an_admin_refunds_as_credit_and_the_customer_reads_it(scene, admin, asha):
    reference = await scene.done(asha)
    page = await admin.visit(f"/admin/bookings/{reference}/refund")
    sent = await admin.submit(page, "/refund", amount="49", reason="The tap drips again.", as_credit="yes")
    assert sent.status == 303
    assert "It's added to your credit." in (await asha.visit(f"/bookings/{reference}")).text.replace("&#39;", "'")
    page = await asha.visit("/credit")
    assert page.text.count("₹49") >= 2
    assert "A refund" in page.text
    async with scene.database.work() as db:
        assert await find_violations(db) == []
