"""The API of applications: register, decide, apply again."""

from itertools import count

import pytest
from sqlalchemy import text

from tests.programs import PASSWORD, Program, an_order, assigned, move, own, scalar, sign_up
from tests.factories import a_customer, a_professional
from tests.vetting.samples import a_picture


_numbers = count(1)


def a_form(api_service, **differently):
    given = {
        "full_name": "Mani Velu",
        "email": f"mani.{next(_numbers)}@example.com",
        "phone": "+91 00000 00417",
        "password": PASSWORD,
        "address": "12 Beach Road",
        "pincode": "600020",
        "experience_years": "8",
        "service_ids": [str(api_service.id)],
    }
    return given | differently


def a_paper(name="permit.png", content=None):
    return {"document": (name, content or a_picture(), "image/png")}


async def test_a_professional_joins_is_denied_asks_again_and_is_approved(api_app, program_of, api_people, api_service):
    meena, given = await program_of("meena"), a_form(api_service)
    async with Program(api_app) as his:
        made = await his.post("/api/professional/register", data=given, files=a_paper())
        assert (made.status_code, made.json()) == (201, {"email": given["email"]})
        assert (await his.sign_in(given["email"])).json()["role"] == "professional"
        mine, number = f"/api/professional/{his.number}", his.number
        assert (await his.get(mine)).json()["standing"] == "pending"
        early = await his.post("/api/re_verify", data={"message": "Look again."}, files=a_paper())
        assert early.status_code == 409
        assert (await meena.post(f"/api/deny/professional/{number}", json={})).status_code == 422
        denied = await meena.post(f"/api/deny/professional/{number}", json={"reason": "The photo is not clear."})
        assert (denied.json()["standing"], denied.json()["denial_reason"]) == ("denied", "The photo is not clear.")
        assert (await meena.post(f"/api/deny/professional/{number}", json={"reason": "Again."})).status_code == 409
        key = {"idempotency-key": "again-1"}
        sent = [
            await his.post("/api/re_verify", data={"message": "A clear one."}, files=a_paper(), headers=key)
            for _ in range(2)
        ]
        assert [answer.status_code for answer in sent] == [201, 201]
        assert sent[0].content == sent[1].content
        assert sent[0].json()["standing"] == "pending"
        approved = await meena.post(f"/api/verify/professional/{number}")
        assert (approved.status_code, approved.json()["standing"]) == (200, "approved")
        assert (await meena.post(f"/api/verify/professional/{number}")).status_code == 409


async def test_joining_says_the_same_of_a_known_address(program, api_people, api_service):
    given = a_form(api_service, email=api_people["ravi"].email)
    answer = await program.post("/api/professional/register", data=given, files=a_paper())
    assert (answer.status_code, answer.json()) == (201, {"email": given["email"]})


@pytest.mark.parametrize(
    ("differently", "files", "wrong"),
    [
        ({"role": "admin"}, a_paper(), {"role"}),
        ({"email": ["a@example.com", "b@example.com"]}, a_paper(), {"email"}),
        ({"email": "no", "pincode": "abcdefgh", "password": ""}, a_paper(), {"email", "pincode", "password", "phone"}),
        ({"service_ids": ["987654321"]}, a_paper(), {"service_ids"}),
        ({"experience_years": "many"}, a_paper(), {"experience_years"}),
        ({}, {}, {"document"}),
        ({}, a_paper("x.png", b"no picture"), {"document"}),
        ({}, a_paper() | {"other": ("x", b"y")}, {"other"}),
    ],
)
async def test_a_form_that_cannot_be_is_told_field_by_field(program, api_service, differently, files, wrong):
    given = a_form(api_service) | differently
    parts = [
        (name, (None, value)) for name, told in given.items() for value in (told if isinstance(told, list) else [told])
    ]
    answer = await program.post("/api/professional/register", files=[*parts, *files.items()])
    assert (answer.status_code, set(answer.json()["errors"])) == (422, wrong), answer.text


async def test_joining_is_a_form_and_no_json(program):
    assert (await program.post("/api/professional/register", json={})).status_code == 415
