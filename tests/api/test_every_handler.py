"""Every API handler without a token, with an invalid body, and at an invalid path."""

import json
import re

import pytest
from sqlalchemy import text

from app.core.errors import Invalid
from app.core.rate_limiter import RateLimitPolicy
from app.messages.api import PhoneBody
from app.web.api_limits import ADDRESS_LIMIT, TOKEN_LIMIT
from app.web.openapi import documented_handlers
from app.web.validation import field_specs, validate_json
from tests.api_client import ApiClient, assigned, move, own
from tests.person import Person

NUMBER, STRING_PARAMETER = re.compile(r"\{\w+:int\}"), re.compile(r"\{\w+:str\}")
JSON = {"content-type": "application/json"}
USER_BY_ROLE = {"customer": "asha", "professional": "ravi", "admin": "meena"}


@pytest.fixture
async def handlers(api_app, api_client_for):
    """(method, address, doc, handler, a client that may call it) of each operation."""
    clients = {role: await api_client_for(who) for role, who in USER_BY_ROLE.items()}
    found = []
    for path, method, handler, doc in documented_handlers(api_app):
        who = handler.opt["access"]
        role = next((role for role in USER_BY_ROLE if isinstance(who, frozenset) and role in who), "customer")
        found.append((method, STRING_PARAMETER.sub("taps", NUMBER.sub("1", path)), doc, handler, clients[role]))
    return found


async def test_without_a_token_or_with_a_wrong_one_nothing_opens(api_app, handlers, api_people):
    browser = await Person(api_app).signed_in_as(api_people["meena"], api_app.state.services.database)
    cookie = browser.cookies["ds"]
    async with ApiClient(api_app) as api_client:
        for method, address, _doc, handler, _may in handlers:
            if handler.opt["access"] == "everyone":
                continue
            for headers in (
                {},
                {"authorization": f"Bearer {cookie}"},
                {"authorization": "Basic bWU6bWU="},
                {"cookie": f"ds={cookie}"},
            ):
                response = await api_client.request(method, address, headers=headers)
                assert response.status_code == 401, (method, address, headers)
                assert response.headers["content-type"].startswith("application/problem+json")
                assert response.headers["www-authenticate"] == "Bearer"


async def test_a_body_that_is_none_is_refused_at_every_door(handlers):
    for method, address, doc, _handler, me in handlers:
        if doc.body is None:
            continue
        name = doc.body.__struct_fields__[0]
        for body, kind, status, errors in (
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
            response = await me.request(method, address, content=body, headers=kind)
            assert response.status_code == status, (method, address, body, response.text)
            if errors:
                assert errors in response.json()["errors"], (method, address, body)


async def test_a_number_that_is_none_is_at_no_door(handlers):
    for method, address, doc, _handler, me in handlers:
        if "/1" not in address or doc.body or doc.form:
            continue
        for malformed in ("one", "-1", "1.5", "1e3", "%00"):
            response = await me.request(method, re.sub(r"/1(?=/|$)", f"/{malformed}", address))
            assert response.status_code in (404, 405, 422), (method, address, malformed)


async def test_every_answer_says_what_is_left_and_who_has_nothing_left_waits(api_app, api_client_for, api_people):
    me = await api_client_for("asha")
    data = await me.get(f"/api/customer/{me.number}")
    assert int(data.headers["ratelimit-limit"]) == TOKEN_LIMIT.limit
    async with api_app.state.services.database.work() as db:
        session = await db.scalar(text("SELECT max(id) FROM sessions WHERE user_id = :id"), {"id": me.number})
    await use_up(api_app, TOKEN_LIMIT, str(session))
    refused = await me.get(f"/api/customer/{me.number}")
    assert refused.status_code == 429
    assert refused.headers["content-type"].startswith("application/problem+json")
    assert 0 < int(refused.headers["retry-after"]) <= TOKEN_LIMIT.window_seconds
    assert refused.headers["ratelimit-remaining"] == "0"
    other = await api_client_for("asha")  # another token has a budget of its own
    assert (await other.get(f"/api/customer/{me.number}")).status_code == 200


async def test_an_address_has_a_budget_too(api_app, api_client):
    assert (await api_client.get("/api/services")).headers["ratelimit-limit"] == str(ADDRESS_LIMIT.limit)
    await use_up(api_app, ADDRESS_LIMIT, api_client.address)
    assert (await api_client.get("/api/services")).status_code == 429
    async with ApiClient(api_app) as elsewhere:
        assert (await elsewhere.get("/api/services")).status_code == 200


async def use_up(api_app, budget: RateLimitPolicy, who: str) -> None:
    """Use up the budget of a rate limit."""
    limiter = api_app.state.services.rate_limiter
    first = await limiter.hit(budget, who)
    await limiter._bus.redis.incrby(f"{limiter._bus.prefix}limit:{budget.name}:{who}", first.remaining)


async def test_a_wrong_code_under_a_key_is_counted_and_reported_and_not_remembered(api_client_for, api_service):
    asha, ravi = await api_client_for("asha"), await api_client_for("ravi")
    made = await assigned(asha, ravi, api_service)
    wrong_code = f"{(int(made['start_code']) + 1) % 1_000_000:06d}"
    address, key = f"/api/request/edit/{made['id']}", {"idempotency-key": "door.code"}
    for status in (422, 422, 422, 422, 422, 409):  # the fifth notifies customer and admins
        response = await ravi.post(address, json={"action": "start", "early": True, "code": wrong_code}, headers=key)
        assert response.status_code == status
    assert (await move(ravi, made["id"], "return", reason="No time.")).status_code == 200
    assert (await own(asha, made["id"]))["state"] == "requested"


@pytest.mark.parametrize(
    ("sent", "field", "sentence"),
    [
        ({"price": "abc"}, "price", "Enter an amount in rupees, such as 149 or 1,49,900.50."),
        ({"price": 149}, "price", 'Send the amount in rupees as text, such as "149.00".'),
        ({"time_required": "sixty"}, "time_required", "Send a whole number from 15 to 720. Example: 60"),
        ({"mode": "loan"}, "mode", "Send one of these: instant, offer, quote."),
        ({"included": "a tap"}, "included", "Send a list of up to 12 items."),
        ({"name": 7}, "name", 'Send text of 1 to 80 characters. Example: "Tap repair"'),
    ],
)
async def test_a_value_of_another_type_is_explained_in_words(api_client_for, api_service, sent, field, sentence):
    meena = await api_client_for("meena")
    response = await meena.post(f"/api/edit_service/{api_service.id}", json=sent)
    assert (response.status_code, response.json()["errors"]) == (422, {field: sentence})


async def test_no_message_of_the_api_names_a_type_of_its_language(api_app):
    """Every field of every body, given a value of each other type."""
    bodies = {doc.body for _path, _method, _handler, doc in documented_handlers(api_app) if doc.body}
    assert len(bodies) > 8
    for body in bodies:
        for value in (True, 3.5, {"x": 1}, [None], None):
            if value is True and body is PhoneBody:  # whose one field is yes or no
                continue
            with pytest.raises(Invalid) as refusal:
                validate_json(body, dict.fromkeys(field_specs(body), value))
            assert not [text for text in refusal.value.errors.values() if "`" in text or "Expected" in text], body
