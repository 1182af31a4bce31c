"""Forms: every wrong field is reported at once, malformed input is refused, secrets are not shown again."""

from typing import Annotated

import pytest
from msgspec import Meta, Struct

from app.core.errors import Invalid
from app.core.i18n import N_
from app.web.forms import Form, redisplayable
from app.web.validation import validate_form


class SampleForm(Struct):
    service_id: Annotated[int, Meta(gt=0, extra={"error": N_("Choose a service.")})]
    pincode: Annotated[str, Meta(pattern=r"^[1-9][0-9]{5}$", extra={"error": N_("Enter 6 digits.")})]
    professional_id: int | None = None
    note: Annotated[str, Meta(max_length=20, extra={"error": N_("At most 20 letters.")})] = ""
    ids: list[int] = []


class Story(Struct):
    note: str


def test_a_form_becomes_what_the_domain_wants():
    sent = Form([("service_id", " 7 "), ("pincode", "600020"), ("ids", "1"), ("ids", "2"), ("role", "admin")])
    assert validate_form(SampleForm, sent) == SampleForm(service_id=7, pincode="600020", ids=[1, 2])


def test_all_invalid_fields_are_reported_at_once():
    with pytest.raises(Invalid) as error:
        validate_form(
            SampleForm, {"service_id": "banana", "pincode": "abcdefgh", "professional_id": "x", "note": "y" * 300}
        )
    assert error.value.errors == {
        "service_id": "Choose a service.",
        "pincode": "Enter 6 digits.",
        "professional_id": "Check this field.",
        "note": "At most 20 letters.",
    }


@pytest.mark.parametrize("number", ["0", "-1", str(2**63), "9" * 400, "1e3", "1.5", "٣", "", " ", "0x10", "NaN"])
def test_an_odd_number_is_an_error_beside_its_field(number):
    with pytest.raises(Invalid) as error:
        validate_form(SampleForm, {"service_id": number, "pincode": "600020"})
    assert list(error.value.errors) == ["service_id"]


def test_what_was_typed_is_kept_but_no_secret():
    typed = {"full_name": "Asha", "password": "hunter22", "card_number": "4242424242424242", "cvv": "123", "code": "1"}
    assert redisplayable(typed) == {"full_name": "Asha"}


@pytest.mark.parametrize("note", ["4242424242424242", "my card:4242 4242 4242 4242", "4242-4242-4242-4242."])
def test_a_card_number_is_taken_nowhere_but_where_one_pays(note):
    with pytest.raises(Invalid) as error:
        validate_form(Story, {"note": note})
    assert list(error.value.errors) == ["note"]
    assert "a card number" in error.value.errors["note"]


@pytest.mark.parametrize(
    "note", ["4242424242424241", "+91 98400 12345 or 044 2345 6789", "Flat 42424242424242424242", "4.666666666666667"]
)
def test_other_long_numbers_are_what_they_are(note):
    assert validate_form(Story, {"note": note}).note == note


def test_an_empty_optional_field_is_its_default():
    assert (
        validate_form(SampleForm, {"service_id": "7", "pincode": "600020", "professional_id": " "}).professional_id
        is None
    )


async def test_a_nul_byte_and_broken_text_are_refused_in_words(visitor):
    token = await visitor.token()
    for body in (f"pincode=600%00020&_csrf_token={token}", f"pincode=%ED%A0%80&_csrf_token={token}"):
        response = await visitor.post(
            "/t/form", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert response.status_code == 422, body


async def test_a_form_larger_than_a_megabyte_is_413(visitor):
    response = await visitor.post("/t/form", data={"note": "x" * 1_100_000, "_csrf_token": await visitor.token()})
    assert response.status_code == 413


async def test_a_megabyte_in_one_field_is_an_error_beside_it(visitor):
    sent = {"note": "x" * 900_000, "pincode": "600020", "_csrf_token": await visitor.token()}
    response = await visitor.post("/t/form", data=sent)
    assert response.status_code == 422
    assert 'id="note-error"' in response.text


async def test_multipart_is_read_like_any_form(visitor):
    sent = {"_csrf_token": await visitor.token(), "checked": ["1", "2"], "name": "A\r\nB"}
    response = await visitor.post("/t/upload", data=sent, files={"document": ("x.pdf", b"%PDF-1.7", "application/pdf")})
    assert response.json()["files"] == ["document"]
    assert response.json()["all"] == ["1", "2"]
    assert response.json()["fields"]["name"] == "A\nB"


async def test_a_broken_multipart_body_is_refused(visitor):
    headers = {"content-type": "multipart/form-data; boundary=x", "x-csrf-token": await visitor.token()}
    response = await visitor.post("/t/upload", content=b"--x\r\nnonsense", headers=headers)
    assert response.status_code == 422
    assert "was incomplete" in response.text
    headers["content-type"] = "multipart/form-data"
    assert (await visitor.post("/t/upload", content=b"--x--", headers=headers)).status_code in (400, 422)
