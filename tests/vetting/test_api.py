"""The API of applications: register, decide, apply again."""

from itertools import count

import pytest

from tests.api_client import PASSWORD, ApiClient
from tests.vetting.samples import a_picture

_numbers = count(1)


def application_fields(api_service, **differently):
    fields = {
        "full_name": "Mani Velu",
        "email": f"mani.{next(_numbers)}@example.com",
        "phone": "+91 00000 00417",
        "password": PASSWORD,
        "address": "12 Beach Road",
        "pincode": "600020",
        "experience_years": "8",
        "service_ids": [str(api_service.id)],
    }
    return fields | differently


def a_document(name="permit.png", content=None):
    return {"document": (name, content or a_picture(), "image/png")}


async def test_a_professional_joins_is_denied_asks_again_and_is_approved(
    api_app, api_client_for, api_people, api_service
):
    meena, fields = await api_client_for("meena"), application_fields(api_service)
    async with ApiClient(api_app) as his:
        made = await his.post("/api/professional/register", data=fields, files=a_document())
        assert (made.status_code, made.json()) == (201, {"email": fields["email"]})
        assert (await his.sign_in(fields["email"])).json()["role"] == "professional"
        own, number = f"/api/professional/{his.number}", his.number
        assert (await his.get(own)).json()["standing"] == "pending"
        early = await his.post("/api/re_verify", data={"message": "Look again."}, files=a_document())
        assert early.status_code == 409
        assert (await meena.post(f"/api/deny/professional/{number}", json={})).status_code == 422
        denied = await meena.post(f"/api/deny/professional/{number}", json={"reason": "The photo is not clear."})
        assert (denied.json()["standing"], denied.json()["denial_reason"]) == ("denied", "The photo is not clear.")
        assert (await meena.post(f"/api/deny/professional/{number}", json={"reason": "Again."})).status_code == 409
        key = {"idempotency-key": "again-1"}
        sent = [
            await his.post("/api/re_verify", data={"message": "A clear one."}, files=a_document(), headers=key)
            for _ in range(2)
        ]
        assert [answer.status_code for answer in sent] == [201, 201]
        assert sent[0].content == sent[1].content
        assert sent[0].json()["standing"] == "pending"
        approved = await meena.post(f"/api/verify/professional/{number}")
        assert (approved.status_code, approved.json()["standing"]) == (200, "approved")
        assert (await meena.post(f"/api/verify/professional/{number}")).status_code == 409


async def test_registration_answers_the_same_of_a_known_address(api_client, api_people, api_service):
    fields = application_fields(api_service, email=api_people["ravi"].email)
    answer = await api_client.post("/api/professional/register", data=fields, files=a_document())
    assert (answer.status_code, answer.json()) == (201, {"email": fields["email"]})


@pytest.mark.parametrize(
    ("differently", "files", "errors"),
    [
        ({"role": "admin"}, a_document(), {"role"}),
        ({"email": ["a@example.com", "b@example.com"]}, a_document(), {"email"}),
        (
            {"email": "no", "pincode": "abcdefgh", "password": ""},
            a_document(),
            {"email", "pincode", "password", "phone"},
        ),
        ({"service_ids": ["987654321"]}, a_document(), {"service_ids"}),
        ({"experience_years": "many"}, a_document(), {"experience_years"}),
        ({}, {}, {"document"}),
        ({}, a_document("x.png", b"no picture"), {"document"}),
        ({}, a_document() | {"other": ("x", b"y")}, {"other"}),
    ],
)
async def test_an_invalid_form_is_reported_field_by_field(api_client, api_service, differently, files, errors):
    fields = application_fields(api_service) | differently
    parts = [
        (name, (None, value))
        for name, result in fields.items()
        for value in (result if isinstance(result, list) else [result])
    ]
    answer = await api_client.post("/api/professional/register", files=[*parts, *files.items()])
    assert (answer.status_code, set(answer.json()["errors"])) == (422, errors), answer.text


async def test_registration_is_a_form_and_no_json(api_client):
    assert (await api_client.post("/api/professional/register", json={})).status_code == 415
