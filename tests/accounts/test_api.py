"""API tokens: issued for the right password only, stored as digests, ended like sessions."""

import asyncio

import pytest
from sqlalchemy import select, text

from app.accounts.session import Session, Sessions
from app.core.rate_limiter import RateLimitPolicy
from app.core.secrets import digest
from tests.api_client import PASSWORD, ApiClient, sign_up
from tests.factories import a_customer
from tests.person import Person

NEW = {
    "full_name": "Bala Iyer",
    "email": "bala.api@example.com",
    "phone": "+91 00000 00413",
    "password": PASSWORD,
    "address": "2 Beach Road",
    "pincode": "600020",
}


async def test_the_right_password_gives_a_token_that_opens(api_client, api_people):
    response = await api_client.sign_in("ASHA.api@example.com")
    data = response.json()
    assert response.status_code == 200
    assert (data["id"], data["role"], data["active"]) == (api_people["asha"].id, "customer", True)
    assert len(data["token"]) >= 43
    assert response.headers["cache-control"] == "no-store"
    assert (await api_client.post("/api/logout")).status_code == 204
    assert (await api_client.post("/api/logout")).status_code == 401


async def test_only_the_digest_of_a_token_is_kept(api_client, api_people, api_app):
    token = (await api_client.sign_in("asha.api@example.com")).json()["token"]
    async with api_app.state.services.database.work() as db:
        stored = await db.scalar(select(Session).where(Session.digest == digest(token)))
        whole = (await db.scalars(select(Session))).all()
    assert stored.kind == "token"
    assert all(token.encode() not in item.digest for item in whole)


@pytest.mark.parametrize("email", ["asha.api@example.com", "nobody@example.com"])
async def test_a_wrong_address_and_a_wrong_password_are_answered_alike(api_client, api_people, email):
    response = await api_client.sign_in(email, "not this one")
    assert response.status_code == 401
    data = response.json()
    data.pop("request_id")
    assert response.headers["content-type"].startswith("application/problem+json")
    assert data == {
        "type": "urn:doorstep:credentials",
        "title": "That email and password don't match.",
        "status": 401,
        "detail": "That email and password don't match.",
    }


@pytest.mark.parametrize(
    ("body", "status", "errors"),
    [
        (b"{}", 422, {"email", "password"}),
        (b"[]", 422, set()),
        (b"null", 422, set()),
        (b"", 400, set()),
        (b"{", 400, set()),
        (b'{"email": "a@example.com", "email": "b@example.com", "password": "x"}', 422, {"email"}),
        (b'{"email": "a@example.com", "password": "x", "role": "admin"}', 422, {"role"}),
        (b'{"email": 1, "password": true}', 422, {"email", "password"}),
        (b'{"email": null, "password": ["x"]}', 422, {"email", "password"}),
        (b'{"email": "a\\u0000", "password": "x"}', 422, {"email"}),
        (b'{"email": "\\ud800", "password": "x"}', 422, {"email"}),
        (b'{"email": NaN, "password": "x"}', 400, set()),
        (b'{"email": ' + b"9" * 5000 + b', "password": "x"}', 400, set()),
        (b'{"email": ' + b"[" * 100_000 + b"]" * 100_000 + b', "password": "x"}', 400, set()),
        (b'\xff{"email": "x"}', 400, set()),
        (b'{"email": "' + b"x" * 300 + b'", "password": "x"}', 422, {"email"}),
    ],
)
async def test_a_body_that_is_no_sign_in_gets_the_errors(api_client, body, status, errors):
    response = await api_client.post("/api/login", content=body, headers={"content-type": "application/json"})
    assert response.status_code == status, response.text
    assert set(response.json().get("errors", {})) == errors


async def test_another_content_type_is_refused(api_client):
    assert (await api_client.post("/api/login", data={"email": "x", "password": "y"})).status_code == 415


async def test_a_cookie_opens_no_door_of_the_api_and_a_token_no_page(api_app, api_people, api_client):
    browser = await Person(api_app).signed_in_as(api_people["asha"], api_app.state.services.database)
    assert (await browser.post("/api/logout")).status_code == 401
    cookie = browser.cookies["ds"]
    assert (await api_client.post("/api/logout", headers={"authorization": f"Bearer {cookie}"})).status_code == 401
    token = (await api_client.sign_in("asha.api@example.com")).json()["token"]
    stranger = Person(api_app)
    stranger.cookies.set("ds", token)
    assert (await stranger.get("/profile")).headers["location"].startswith("/login")


async def test_tokens_stand_on_the_profile_and_end_there(api_app, api_people, api_client):
    await api_client.sign_in("asha.api@example.com")
    api_client.headers["user-agent"] = "till/1.0"
    await api_client.sign_in("asha.api@example.com")
    browser = await Person(api_app).signed_in_as(api_people["asha"], api_app.state.services.database)
    page = await browser.visit("/profile/sessions")
    assert "API token: till" in page.text
    await browser.submit_and_follow(page, "/profile/sessions/end")
    assert (await api_client.post("/api/logout")).status_code == 401


async def test_a_new_password_and_a_block_end_tokens(api_app, api_people, api_client):
    await api_client.sign_in("asha.api@example.com")
    async with api_app.state.services.database.work() as db:
        await Sessions(api_app.state.services.database).close_all(db, api_people["asha"].id)
    assert (await api_client.post("/api/logout")).status_code == 401


async def test_registering_says_the_same_of_a_new_and_a_known_address(api_client):
    first, repeated = [await api_client.post("/api/register", json=NEW) for _ in range(2)]
    assert (first.status_code, first.json()) == (201, {"email": NEW["email"]})
    assert (repeated.status_code, repeated.json()) == (first.status_code, first.json())
    assert (await api_client.sign_in(NEW["email"])).status_code == 200


async def test_registering_names_every_wrong_field(api_client):
    response = await api_client.post("/api/register", json=NEW | {"email": "no", "pincode": "abcdefgh", "password": ""})
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {"email", "phone", "pincode", "password"}


async def test_every_answer_says_what_is_left_of_the_budget(api_client, api_people):
    first = await api_client.sign_in("asha.api@example.com")
    other = await api_client.sign_in("asha.api@example.com")
    left = [int(response.headers["ratelimit-remaining"]) for response in (first, other)]
    assert left[0] > left[1]
    assert 0 < int(other.headers["ratelimit-reset"]) <= 60


async def test_who_asks_too_often_learns_how_long_to_wait(api_app, api_people):
    limiter, budget = api_app.state.services.rate_limiter, RateLimitPolicy("test", 5, 60)
    outcomes = await asyncio.gather(*(limiter.hit(budget, "somebody") for _ in range(8)))
    assert sorted(item.allowed for item in outcomes) == [False] * 3 + [True] * 5
    assert {item.remaining for item in outcomes} == {4, 3, 2, 1, 0}
    assert all(0 < item.reset_seconds <= 60 for item in outcomes)
    assert (await limiter.hit(budget, "somebody else")).remaining == 4


async def test_a_person_changes_their_own_account_and_no_one_elses(api_app, api_client_for, api_people):
    me = await sign_up(api_app, api_people, a_customer, "Hema Malini")
    async with ApiClient(api_app) as hers:
        await hers.sign_in(me.email)
        address = f"/api/profile/edit/{me.id}"
        changed = await hers.post(address, json={"full_name": "Hema M", "address": "7 Lake View", "pincode": "600090"})
        data = changed.json()
        assert (changed.status_code, data["full_name"], data["phone"]) == (200, "Hema M", me.phone)
        assert (data["address"], data["pincode"]) == ("7 Lake View", "600090")
        for sent, errors in (
            ({"full_name": "7"}, {"full_name"}),
            ({"phone": "12"}, {"phone"}),
            ({"address": "7 Lake View"}, {"pincode"}),
            ({"address": "7 Lake View", "pincode": "999999"}, {"pincode"}),
            ({"role": "admin"}, {"role"}),
            ({"email": "x@example.com"}, {"email"}),
            ({"full_name": None}, {"full_name"}),
        ):
            answer = await hers.post(address, json=sent)
            assert (answer.status_code, set(answer.json()["errors"])) == (422, errors)
        for other in (api_people["omar"].id, api_people["ravi"].id, api_people["meena"].id, 987654321):
            assert (await hers.post(f"/api/profile/edit/{other}", json={"full_name": "Me"})).status_code == 404


async def test_a_professional_moves_home_and_an_admin_has_none(api_client_for, api_people):
    balu, meena = await api_client_for("balu"), await api_client_for("meena")
    moved = await balu.post(f"/api/profile/edit/{balu.number}", json={"address": "1 Hill Road", "pincode": "600045"})
    assert (moved.status_code, moved.json()["pincode"]) == (200, "600045")
    answer = await meena.post(f"/api/profile/edit/{meena.number}", json={"address": "1 Hill Road", "pincode": "600045"})
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {"address", "pincode"})


async def test_registering_takes_what_the_page_takes_and_stores_one_form(api_client, api_app):
    typed = NEW | {
        "full_name": "Jose\u0301  An\u0303ez\u200b",
        "email": " <Jose.API@example.com>\u00a0",
        "phone": "000000 00414",
        "pincode": "६००-०२०",
        "password": "cafe\u0301 au lait du matin",
    }
    registered = await api_client.post("/api/register", json=typed)
    assert registered.status_code == 201, registered.text
    stored = "SELECT full_name || phone FROM users WHERE email = 'Jose.API@example.com'"
    async with api_app.state.services.database.work() as db:
        assert await db.scalar(text(stored)) == "Jos\u00e9 A\u00f1ez+910000000414"
    signed_in = await api_client.post(
        "/api/login", json={"email": "jose.api@example.com", "password": "caf\u00e9 au lait du matin"}
    )
    assert signed_in.status_code == 200
