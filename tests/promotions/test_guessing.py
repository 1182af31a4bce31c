"""Coupon codes cannot be guessed, neither one after the other nor all at once; who types a real code goes on."""

import asyncio

import pytest

from app.accounts.repository import Users
from app.promotions.guesses import CODES_WITHOUT_NETWORK, COUPONS_OF_ACCOUNT, COUPONS_OF_NETWORK
from tests.api_client import ApiClient
from tests.bookings.scenes import VISA, later
from tests.factories import PASSWORD, a_start

FREE = COUPONS_OF_ACCOUNT.free_attempts
GUESSES = [f"GUESS{number:03}" for number in range(100)]


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def omar(scene):
    return await scene.browser(scene.omar)


@pytest.fixture
async def place(scene, asha):
    return f"/bookings/{await scene.held(asha)}/payment"


async def guess(person, place, code):
    form = (await person.visit(place)).form("/payment").fields
    return await person.post_fields(place, {**form, "coupon": code, "apply": "yes"})


async def test_guesses_one_after_the_other_have_to_wait(asha, place):
    statuses = [(await guess(asha, place, code)).status for code in GUESSES[: FREE + 3]]
    assert statuses == [422] * FREE + [429] * 3
    refused = await guess(asha, place, "GUESS999")
    assert int(refused.response.headers["retry-after"]) in range(1, 17)
    assert "Too many attempts. Wait" in refused.text
    assert 'id="coupon-error"' in refused.text
    with later(seconds=17):
        assert (await guess(asha, place, "GUESS999")).status == 422
        assert (await guess(asha, place, "GUESS999")).status == 429


async def test_guesses_all_at_once_have_to_wait(scene, asha, place):
    form = (await asha.visit(place)).form("/payment").fields
    sent = [asha.post_fields(place, {**form, "coupon": code, "apply": "yes"}) for code in GUESSES[:14]]
    statuses = [answer.status for answer in await asyncio.gather(*sent)]
    assert (statuses.count(422), statuses.count(429)) == (FREE, 14 - FREE)


async def test_addresses_and_payments_count_like_the_form(asha, place):
    for code in GUESSES[: FREE - 1]:
        assert (await asha.visit(f"{place}?coupon={code}")).status == 422
    form = (await asha.visit(place)).form("/payment").fields
    assert (await asha.post_fields(place, {**form, "coupon": "GUESS999", **VISA})).status == 422
    assert (await asha.visit(f"{place}?coupon=GUESS999")).status == 429
    assert (await asha.post_fields(place, {**form, "coupon": "GUESS999", **VISA})).status == 429
    booked = await asha.post_fields(place, {**form, **VISA})
    assert booked.status == 303, "without a coupon nothing waits"


async def test_a_program_waits_too(api_fields, asha_client):
    for code in GUESSES[:FREE]:
        refused = await asha_client.post("/api/request/service", json=api_fields(code))
        assert (refused.status_code, list(refused.json()["errors"])) == (422, ["payment.coupon"])
    refused = await asha_client.post("/api/request/service", json=api_fields("GUESS999"))
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


async def test_a_code_that_exists_is_no_guess(asha, place, coupon):
    await coupon()
    for _ in range(FREE + 5):
        assert (await guess(asha, place, "WELCOME50")).status == 303


async def test_a_real_code_does_not_forget_the_guesses(asha, place, coupon):
    await coupon()
    for code in GUESSES[: FREE - 1]:
        assert (await guess(asha, place, "WELCOME50")).status == 303
        assert (await guess(asha, place, code)).status == 422
    assert (await guess(asha, place, "GUESS999")).status == 422
    assert (await guess(asha, place, "GUESS999")).status == 429


async def test_who_is_beside_a_guesser_pays_with_a_coupon(scene, asha, omar, place, coupon):
    """From one network, whose budget is used up by many accounts."""
    await coupon()
    for code in GUESSES[: FREE + 1]:
        last = await guess(asha, place, code)
    assert last.status == 429
    key = f"{COUPONS_OF_NETWORK.name}:%"
    await scene.scalar(
        "UPDATE attempts SET count = 99, wait_until = now() + interval '5 minutes' WHERE key LIKE :key RETURNING 1",
        key=key,
    )
    place = f"/bookings/{await scene.held(omar, a_start(3))}/payment"
    assert (await guess(omar, place, "WELCOME5")).status == 422
    assert (await guess(omar, place, "WELCOME50")).status == 303
    form = (await omar.visit(place)).form("/payment").fields
    assert (await omar.post_fields(place, {**form, "coupon": "WELCOME50", **VISA})).status == 303
    assert await scene.scalar("SELECT used FROM coupons") == 1


async def test_a_network_of_many_accounts_waits(scene, asha, place):
    for code in GUESSES[:CODES_WITHOUT_NETWORK]:
        assert (await guess(asha, place, code)).status == 422
    assert await scene.scalar("SELECT count(*) FROM attempts WHERE key LIKE 'coupons_network:%'") == 0
    assert (await guess(asha, place, GUESSES[3])).status == 422
    await scene.scalar(
        "UPDATE attempts SET count = 99, wait_until = now() + interval '5 minutes'"
        " WHERE key LIKE 'coupons_network:%' RETURNING 1"
    )
    assert (await guess(asha, place, GUESSES[4])).status == 429


@pytest.fixture
async def asha_client(scene, own_app):
    hashed = await own_app.state.services.passwords.hash(PASSWORD)
    async with scene.database.work() as db:
        (await Users(db).get(scene.asha.id)).password_hash = hashed
    async with ApiClient(own_app) as client:
        assert (await client.sign_in(scene.asha.email, PASSWORD)).status_code == 200
        yield client


@pytest.fixture
def api_fields(scene):
    def fields(code):
        return {
            "service_id": scene.service.id,
            "start": a_start().isoformat(),
            "address": "12 Canal Bank Road",
            "pincode": "600020",
            "payment": {"method": "upi", "upi_id": "success@doorstep", "coupon": code},
        }

    return fields
