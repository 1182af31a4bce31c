"""Tokens: given for the right password alone, known by their digest, ended like sessions."""

import asyncio

import pytest
from sqlalchemy import select

from app.accounts.session import Session, Sessions
from app.core.rate_limiter import Budget
from app.core.secrets import digest
from tests.person import Person
from tests.program import PASSWORD

NEW = {
    "full_name": "Bala Iyer",
    "email": "bala.api@example.com",
    "phone": "+91 00000 00413",
    "password": PASSWORD,
    "address": "2 Beach Road",
    "pincode": "600020",
}


async def test_the_right_password_gives_a_token_that_opens(program, people):
    answer = await program.sign_in("ASHA.api@example.com")
    told = answer.json()
    assert answer.status_code == 200
    assert (told["id"], told["role"], told["active"]) == (people["asha"].id, "customer", True)
    assert len(told["token"]) >= 43
    assert answer.headers["cache-control"] == "no-store"
    assert (await program.post("/api/logout")).status_code == 204
    assert (await program.post("/api/logout")).status_code == 401


async def test_only_the_digest_of_a_token_is_kept(program, people, app):
    token = (await program.sign_in("asha.api@example.com")).json()["token"]
    async with app.state.database.work() as db:
        kept = await db.scalar(select(Session).where(Session.digest == digest(token)))
        whole = (await db.scalars(select(Session))).all()
    assert kept.kind == "token"
    assert all(token.encode() not in one.digest for one in whole)


@pytest.mark.parametrize("email", ["asha.api@example.com", "nobody@example.com"])
async def test_a_wrong_address_and_a_wrong_password_are_answered_alike(program, people, email):
    answer = await program.sign_in(email, "not this one")
    assert answer.status_code == 401
    told = answer.json()
    told.pop("request_id")
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert told == {
        "type": "urn:doorstep:credentials",
        "title": "E-mail or password is not right.",
        "status": 401,
        "detail": "E-mail or password is not right.",
    }


@pytest.mark.parametrize(
    ("body", "status", "wrong"),
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
async def test_a_body_that_is_no_sign_in_is_told_what_is_wrong(program, body, status, wrong):
    answer = await program.post("/api/login", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert set(answer.json().get("errors", {})) == wrong


async def test_another_content_type_is_refused(program):
    assert (await program.post("/api/login", data={"email": "x", "password": "y"})).status_code == 415


async def test_a_cookie_opens_no_door_of_the_api_and_a_token_no_page(app, people, program):
    browser = await Person(app).signed_in_as(people["asha"], app.state.database)
    assert (await browser.post("/api/logout")).status_code == 401
    cookie = browser.cookies["ds"]
    assert (await program.post("/api/logout", headers={"authorization": f"Bearer {cookie}"})).status_code == 401
    token = (await program.sign_in("asha.api@example.com")).json()["token"]
    stranger = Person(app)
    stranger.cookies.set("ds", token)
    assert (await stranger.get("/profile")).headers["location"].startswith("/login")


async def test_tokens_stand_on_the_profile_and_end_there(app, people, program):
    await program.sign_in("asha.api@example.com")
    program.headers["user-agent"] = "till/1.0"
    await program.sign_in("asha.api@example.com")
    browser = await Person(app).signed_in_as(people["asha"], app.state.database)
    page = await browser.visit("/profile/sessions")
    assert "A program with a token: till" in page.text
    await browser.go(page, "/profile/sessions/end")
    assert (await program.post("/api/logout")).status_code == 401


async def test_a_new_password_and_a_block_end_tokens(app, people, program):
    await program.sign_in("asha.api@example.com")
    async with app.state.database.work() as db:
        await Sessions(app.state.database).close_all(db, people["asha"].id)
    assert (await program.post("/api/logout")).status_code == 401


async def test_registering_says_the_same_of_a_new_and_a_known_address(program):
    first, again = [await program.post("/api/register", json=NEW) for _ in range(2)]
    assert (first.status_code, first.json()) == (201, {"email": NEW["email"]})
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert (await program.sign_in(NEW["email"])).status_code == 200


async def test_registering_names_every_wrong_field(program):
    answer = await program.post("/api/register", json=NEW | {"email": "no", "pincode": "abcdefgh", "password": ""})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"email", "phone", "pincode", "password"}


async def test_every_answer_says_what_is_left_of_the_budget(program, people):
    one = await program.sign_in("asha.api@example.com")
    other = await program.sign_in("asha.api@example.com")
    left = [int(answer.headers["ratelimit-remaining"]) for answer in (one, other)]
    assert left[0] > left[1]
    assert 0 < int(other.headers["ratelimit-reset"]) <= 60


async def test_who_asks_too_often_is_told_how_long_to_wait(app, people):
    limiter, budget = app.state.limiter, Budget("test", 5, 60)
    told = await asyncio.gather(*(limiter.spend(budget, "somebody") for _ in range(8)))
    assert sorted(one.allowed for one in told) == [False] * 3 + [True] * 5
    assert {one.left for one in told} == {4, 3, 2, 1, 0}
    assert all(0 < one.reset <= 60 for one in told)
    assert (await limiter.spend(budget, "somebody else")).left == 4
