"""A friend is invited: the code travels through signing up, and the first completed visit brings credit to both."""

import re

import pytest

from app.check.run import find_violations
from app.promotions.referrals import invite_code, inviter_of
from tests.api_client import ApiClient
from tests.bookings.scenes import VISA
from tests.emailed_codes import emailed_codes
from tests.factories import a_start
from tests.person import Person

PASSWORD = "correct horse battery"
MASTERCARD = {**VISA, "card_number": "5555 5555 5555 4444"}
DIVYA = {
    "full_name": "Divya Menon",
    "phone": "+91 90000 00431",
    "address": "12 Canal Bank Road",
    "pincode": "600020",
}


@pytest.fixture
async def divya(own_app):
    async with Person(own_app) as person:
        yield person


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


async def invite_of(asha):
    page = await asha.visit("/credit")
    return re.search(r"/register\?invite=[0-9A-Z]{8}", page.text)[0]


async def sign_up(person, invite, email="divya@example.com", **fields):
    form = await person.visit(invite)
    login = await person.submit_and_follow(form, "/register", **{**DIVYA, **fields}, email=email, password=PASSWORD)
    return await person.submit_and_follow(login, "/login", email=email, password=PASSWORD)


async def do_visit(scene, person, days=2, **payment):
    reference = await scene.held(person, a_start(days), address=DIVYA["address"])
    sent = await scene.pay(person, reference, **(payment or MASTERCARD))
    assert sent.status == 303, sent.text
    await scene.accepted(reference)
    await scene.started(reference)
    await scene.completed(reference)
    return reference


async def outcome(scene):
    return await scene.scalar("SELECT outcome FROM referrals")


async def balances(scene):
    return dict(await scene.rows("SELECT customer_id, balance FROM credit_balances"))


async def assert_sound(scene):
    async with scene.database.work() as db:
        assert await find_violations(db) == []


@pytest.mark.parametrize("person_id", [1, 7, 2**31, 2**39])
def test_a_code_leads_back_to_who_invited(person_id):
    assert inviter_of(invite_code(person_id)) == person_id


async def test_both_get_credit_after_the_first_visit_and_only_once(scene, asha, divya):
    arrived = await sign_up(divya, await invite_of(asha))
    assert arrived.path.startswith("/credit?invite=")
    friend_id = await scene.scalar("SELECT id FROM users WHERE email = 'divya@example.com'")
    await do_visit(scene, divya)
    assert await balances(scene) == {scene.asha.id: 100_00, friend_id: 100_00}
    await do_visit(scene, divya, days=3)
    assert await balances(scene) == {scene.asha.id: 100_00, friend_id: 100_00}
    page = await asha.visit("/credit")
    assert "A friend's first visit" in page.text.replace("&#39;", "'")
    assert "Divya" not in page.text
    notices = await asha.visit("/notices")
    assert "We added credit to your account." in notices.text
    opened = await asha.submit(notices, re.search(r"/notices/\d+", notices.text)[0])
    assert opened.location == "/credit"
    await assert_sound(scene)


async def test_the_code_travels_through_signing_up_by_email(scene, asha, divya, own_app):
    page = await divya.visit(await invite_of(asha))
    link = next(link for link in page.links if link.startswith("/login"))
    login = await divya.visit(link)
    sent = await divya.post_fields("/login/code", {**login.form("/login").fields, "email": "divya@example.com"})
    [code] = await emailed_codes(own_app, "divya@example.com")
    entered = await divya.submit(await divya.visit(sent.location), "/login/code", having="code", code=code)
    welcome = await divya.submit_and_follow(await divya.visit(entered.location), "/welcome", **DIVYA)
    assert welcome.path.startswith("/credit?invite=")
    assert await scene.scalar("SELECT inviter_id FROM referrals") == scene.asha.id


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"phone": "same"}, "phone"),
        ({"address": "Flat 3B, Sri Lakshmi Apartments, Kasturba Nagar"}, "address"),
        ({"address": "flat 3B Sri Lakshmi Apartments  kasturba nagar."}, "address"),
    ],
)
async def test_the_same_phone_or_address_brings_nothing(scene, asha, divya, fields, expected):
    if fields.get("phone") == "same":
        fields = {"phone": await scene.scalar("SELECT phone FROM users WHERE id = :id", id=scene.asha.id)}
    await sign_up(divya, await invite_of(asha), **fields)
    await do_visit(scene, divya)
    assert (await outcome(scene), await balances(scene)) == (expected, {})
    await assert_sound(scene)


async def test_the_same_card_or_upi_id_brings_nothing(scene, asha, divya):
    await scene.paid(asha, method="upi", upi_id="asha@okbank")
    await sign_up(divya, await invite_of(asha))
    await do_visit(scene, divya, method="upi", upi_id="asha@okbank")
    assert (await outcome(scene), await balances(scene)) == ("method", {})


async def test_a_ring_of_friends_gets_nothing(scene, asha, own_app):
    """Three accounts on one phone, all invited by Asha."""
    invite = await invite_of(asha)
    people = [Person(own_app) for _ in range(3)]
    for number, person in enumerate(people):
        await sign_up(person, invite, email=f"ring-{number}@example.com", address=f"{number} Canal Bank Road")
    for number, person in enumerate(people):
        await do_visit(scene, person, days=2 + number)
        await person.aclose()
    outcomes = await scene.rows("SELECT outcome FROM referrals")
    assert (outcomes, await balances(scene)) == ([("phone",)] * 3, {})
    await assert_sound(scene)


async def test_who_has_an_account_already_or_invites_themselves_is_no_friend(scene, asha):
    invite = (await invite_of(asha)).partition("?")[2]
    omar = await scene.browser(scene.omar)
    assert (await omar.visit(f"/login?{invite}")).status == 200
    assert await scene.scalar("SELECT count(*) FROM referrals") == 0


@pytest.mark.parametrize("invite", ["", "ZZZZZZZZ", "no code", "../../x", "0" * 20])
async def test_a_program_signs_up_with_an_invite_or_what_is_none(scene, asha, own_app, invite):
    own = (await invite_of(asha)).partition("=")[2]
    known = await scene.scalar("SELECT email FROM users WHERE id = :id", id=scene.asha.id)
    fields = {**DIVYA, "email": "divya@example.com", "password": PASSWORD, "invite": invite}
    async with ApiClient(own_app) as client:
        assert (await client.post("/api/register", json=fields)).status_code == 201
        assert await scene.scalar("SELECT count(*) FROM referrals") == 0
        for email in (known, "divya@example.com"):  # both have an account: not invited
            assert (
                await client.post("/api/register", json={**fields, "email": email, "invite": own})
            ).status_code == 201
        assert await scene.scalar("SELECT count(*) FROM referrals") == 0
        friend = {**fields, "email": "omana@example.com", "invite": own.lower()}
        assert (await client.post("/api/register", json=friend)).status_code == 201
    assert await scene.rows("SELECT r.inviter_id, u.email FROM referrals r JOIN users u ON u.id = r.friend_id") == [
        (scene.asha.id, "omana@example.com")
    ]
    mail = await scene.scalar("SELECT data::text FROM outbox WHERE kind = 'verify' ORDER BY id DESC LIMIT 1")
    assert "/credit?invite=" in mail


async def test_an_invite_that_is_too_long_is_refused_beside_its_field(own_app):
    fields = {**DIVYA, "email": "divya@example.com", "password": PASSWORD, "invite": "0" * 21}
    async with ApiClient(own_app) as client:
        refused = await client.post("/api/register", json=fields)
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["invite"])


async def test_a_wrong_code_stops_no_sign_up(scene, divya):
    arrived = await sign_up(divya, "/register?invite=ZZZZZZZZ")
    assert arrived.status == 200
    assert await scene.scalar("SELECT count(*) FROM referrals") == 0
