"""POST /api/login/code and /api/welcome: as on the pages, for the program alone that asked."""

from datetime import timedelta

import pytest

from app.core import clock
from app.core.secrets import digest
from tests.api_client import ApiClient
from tests.emailed_codes import emailed_codes

NEW = {"full_name": "Divya Menon", "phone": "+91 00000 00431", "address": "12 Canal Bank Road", "pincode": "600020"}
OF_REQUEST = "SELECT count(*) FROM sign_in_codes WHERE browser = :browser"


@pytest.fixture
async def program(app):
    async with ApiClient(app) as program:
        program.headers["x-forwarded-for"] = program.address
        yield program


async def requested(program: ApiClient, email: str) -> str:
    response = await program.post("/api/login/code", json={"email": email})
    assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
    assert response.json()["expires_in"] == 600
    return response.json()["request"]


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_a_code_gives_a_token(app, asha, program, email, scalar):
    secret = await requested(program, email.upper())
    [code] = await emailed_codes(app, email)
    refused = await program.post("/api/login/code", json={"request": secret, "code": another(code)})
    assert refused.status_code == 422
    assert "4 more tries" in refused.json()["errors"]["code"]
    response = await program.post("/api/login/code", json={"request": secret, "code": f"{code[:3]} {code[3:]}"})
    assert response.status_code == 200
    data = response.json()
    assert (data["email"], data["role"], data["active"]) == (email, "customer", True)
    assert "device" in response.cookies
    program.headers["authorization"] = f"Bearer {data['token']}"
    assert (await program.get(f"/api/request/service/{data['id']}")).status_code == 200
    again = await program.post("/api/login/code", json={"request": secret, "code": code})
    assert again.status_code == 422, "once"
    assert await scalar("SELECT email_verified_at IS NOT NULL FROM users WHERE email = :email", email=email)


async def test_who_is_new_goes_on_to_welcome(app, program, email, scalar):
    secret = await requested(program, email)
    [code] = await emailed_codes(app, email)
    response = await program.post("/api/login/code", json={"request": secret, "code": code})
    assert (response.status_code, response.json()) == (202, {"email": email})
    refused = await program.post("/api/welcome", json={"request": secret, **NEW, "phone": "12"})
    assert refused.status_code == 422
    assert list(refused.json()["errors"]) == ["phone"]
    assert (await program.post("/api/welcome", json={"request": "another", **NEW})).status_code == 422
    with clock.freeze(clock.now() + timedelta(minutes=61)):
        assert (await program.post("/api/welcome", json={"request": secret, **NEW})).status_code == 422
    response = await program.post("/api/welcome", json={"request": secret, **NEW})
    assert response.status_code == 201
    assert len(response.json()["token"]) >= 43
    assert (await program.post("/api/welcome", json={"request": secret, **NEW})).status_code == 422, "once"
    assert await scalar("SELECT count(*) FROM users WHERE email = :email", email=email) == 1


async def test_known_and_unknown_addresses_are_answered_alike(asha, program, email, scalar):
    answers = []
    for address in (email, "nobody." + email):
        response = await program.post("/api/login/code", json={"email": address})
        secret = response.json().pop("request")
        refused = await program.post("/api/login/code", json={"request": secret, "code": "12345"})
        answers.append((response.status_code, sorted(response.json()), refused.status_code, refused.json()["errors"]))
        assert await scalar("SELECT count(*) FROM sign_in_codes WHERE email = :email", email=address) == 1
    assert answers[0] == answers[1]


async def test_a_code_works_only_with_its_own_request(app, asha, new_person, program, email):
    secret = await requested(program, email)
    [code] = await emailed_codes(app, email)
    for request in ("", "x", digest(secret).hex(), await requested(program, email)):
        response = await program.post("/api/login/code", json={"request": request, "code": code})
        assert response.status_code == 422
    browser = new_person()
    await browser.visit("/login")
    assert (await browser.post_fields("/login/code", {"email": email, "code": code})).status == 422
    response = await program.post("/api/login/code", json={"request": secret, "code": code})
    assert response.status_code == 200, "the other request ended nothing"


async def test_the_limit_of_codes_is_one_for_pages_and_programs(app, asha, program, email):
    statuses = [(await program.post("/api/login/code", json={"email": email})).status_code for _ in range(6)]
    assert statuses == [201] * 5 + [429]


@pytest.mark.parametrize(
    "body",
    [{}, {"email": "nonsense"}, {"email": None}, {"code": "000000"}, {"request": "x"}, {"email": "a@b.in", "pin": 1}],
)
async def test_bad_bodies_are_refused(program, body):
    assert (await program.post("/api/login/code", json=body)).status_code == 422
