"""What holds at every door of the API: without a token, with a body that is none, at an address that is none."""

import json
import re

import pytest
from sqlalchemy import text

from app.core.rate_limiter import Budget
from app.web.guards import BY_ADDRESS, BY_TOKEN
from app.web.openapi import doors
from tests.api.booking import assigned, move, own
from tests.person import Person
from tests.program import Program

NUMBER, WORD = re.compile(r"\{\w+:int\}"), re.compile(r"\{\w+:str\}")
JSON = {"content-type": "application/json"}
WHO = {"customer": "asha", "professional": "ravi", "admin": "meena"}


@pytest.fixture
async def every(app, comes):
    """(method, address, doc, a program that may come in) of each door."""
    programs = {role: await comes(who) for role, who in WHO.items()}
    found = []
    for path, method, handler, doc in doors(app):
        who = handler.opt["who"]
        role = next((role for role in WHO if isinstance(who, frozenset) and role in who), "customer")
        found.append((method, WORD.sub("taps", NUMBER.sub("1", path)), doc, handler, programs[role]))
    return found


async def test_without_a_token_or_with_a_wrong_one_nothing_opens(app, every, people):
    browser = await Person(app).signed_in_as(people["meena"], app.state.database)
    cookie = browser.cookies["ds"]
    async with Program(app) as program:
        for method, address, _doc, handler, _may in every:
            if handler.opt["who"] == "everyone":
                continue
            for headers in (
                {},
                {"authorization": f"Bearer {cookie}"},
                {"authorization": "Basic bWU6bWU="},
                {"cookie": f"ds={cookie}"},
            ):
                answer = await program.request(method, address, headers=headers)
                assert answer.status_code == 401, (method, address, headers)
                assert answer.headers["content-type"].startswith("application/problem+json")
                assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_body_that_is_none_is_refused_at_every_door(every):
    for method, address, doc, _handler, me in every:
        if doc.body is None:
            continue
        name = doc.body.__struct_fields__[0]
        for body, kind, status, wrong in (
            (b"", JSON, 400, None),
            (b"{", JSON, 400, None),
            (b"\xff", JSON, 400, None),
            (b"[]", JSON, 422, None),
            (b"{}", {"content-type": "application/x-www-form-urlencoded"}, 415, None),
            (b"{}", {}, 415, None),
            (json.dumps({"no_such_field": 1}).encode(), JSON, 422, "no_such_field"),
            (f'{{"{name}": 1, "{name}": 1}}'.encode(), JSON, 422, name),
            (f'{{"{name}": {{"a": [1]}}}}'.encode(), JSON, 422, name),
        ):
            answer = await me.request(method, address, content=body, headers=kind)
            assert answer.status_code == status, (method, address, body, answer.text)
            if wrong:
                assert wrong in answer.json()["errors"], (method, address, body)


async def test_a_number_that_is_none_is_at_no_door(every):
    for method, address, doc, _handler, me in every:
        if "/1" not in address or doc.body or doc.form:
            continue
        for wrong in ("one", "-1", "1.5", "1e3", "%00"):
            answer = await me.request(method, re.sub(r"/1(?=/|$)", f"/{wrong}", address))
            assert answer.status_code in (404, 405, 422), (method, address, wrong)


async def test_every_answer_says_what_is_left_and_who_has_nothing_left_waits(app, comes, people):
    me = await comes("asha")
    told = await me.get(f"/api/customer/{me.number}")
    assert int(told.headers["ratelimit-limit"]) == BY_TOKEN.most
    async with app.state.database.work() as db:
        session = await db.scalar(text("SELECT max(id) FROM sessions WHERE user_id = :id"), {"id": me.number})
    await spent(app, BY_TOKEN, str(session))
    refused = await me.get(f"/api/customer/{me.number}")
    assert refused.status_code == 429
    assert refused.headers["content-type"].startswith("application/problem+json")
    assert 0 < int(refused.headers["retry-after"]) <= BY_TOKEN.seconds
    assert refused.headers["ratelimit-remaining"] == "0"
    other = await comes("asha")  # another token has a budget of its own
    assert (await other.get(f"/api/customer/{me.number}")).status_code == 200


async def test_an_address_has_a_budget_too(app, program):
    assert (await program.get("/api/services")).headers["ratelimit-limit"] == str(BY_ADDRESS.most)
    await spent(app, BY_ADDRESS, program.address)
    assert (await program.get("/api/services")).status_code == 429
    async with Program(app) as elsewhere:
        assert (await elsewhere.get("/api/services")).status_code == 200


async def spent(app, budget: Budget, who: str) -> None:
    """As if so many requests had come."""
    limiter = app.state.limiter
    first = await limiter.spend(budget, who)
    await limiter._bus.redis.incrby(f"{limiter._bus.prefix}limit:{budget.name}:{who}", first.left)


async def test_a_wrong_code_under_a_key_is_counted_and_told_and_not_remembered(comes, service):
    asha, ravi = await comes("asha"), await comes("ravi")
    made = await assigned(asha, ravi, service)
    wrong = f"{(int(made['start_code']) + 1) % 1_000_000:06d}"
    address, key = f"/api/request/edit/{made['id']}", {"idempotency-key": "door.code"}
    for status in (422, 422, 422, 422, 422, 409):  # the fifth tells customer and admins
        answer = await ravi.post(address, json={"action": "start", "code": wrong}, headers=key)
        assert answer.status_code == status
    assert (await move(ravi, made["id"], "return", reason="No time.")).status_code == 200
    assert (await own(asha, made["id"]))["state"] == "requested"
