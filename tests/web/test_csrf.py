"""A form acts only for the browser that drew it."""

import pytest

from tests.web.conftest import Browser

SENT = {"pincode": "600020"}


async def test_a_visitor_gets_a_pre_session_only_with_a_form(visitor):
    assert "set-cookie" not in (await visitor.get("/t/page")).headers
    first = await visitor.get("/t/form")
    assert first.headers["set-cookie"].startswith("pre=")
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "SameSite=lax" in first.headers["set-cookie"]
    assert "set-cookie" not in (await visitor.get("/t/form")).headers


async def test_the_drawn_token_is_accepted_as_field_and_as_header(visitor):
    token = await visitor.token()
    assert (await visitor.post("/t/form", data={**SENT, "key": "a", "_csrf_token": token})).status_code == 303
    answer = await visitor.post("/t/form", data={**SENT, "key": "b"}, headers={"x-csrf-token": token})
    assert answer.status_code == 303


@pytest.mark.parametrize("token", [None, "", "x", "A" * 86, "%", "é", "A" * 5000])
async def test_a_missing_or_wrong_token_is_refused_in_words(visitor, token):
    await visitor.token()
    answer = await visitor.post("/t/form", data=SENT if token is None else {**SENT, "_csrf_token": token})
    assert answer.status_code == 403
    assert "reload" in answer.text


async def test_another_browsers_token_is_refused(visitor, app):
    async with Browser(app) as other:
        foreign = await other.token()
    await visitor.token()
    assert (await visitor.post("/t/form", data={**SENT, "_csrf_token": foreign})).status_code == 403


async def test_a_visitors_token_ends_with_signing_in(visitor, asha):
    token = await visitor.token()
    await visitor.signed_in_as(asha)
    assert (await visitor.post("/t/form", data={**SENT, "_csrf_token": token})).status_code == 403
    fresh = {**SENT, "key": f"in-{asha.id}", "_csrf_token": await visitor.token()}
    assert (await visitor.post("/t/form", data=fresh)).status_code == 303


async def test_one_persons_token_is_no_good_for_another(ashas, ravis):
    assert (await ravis.post("/t/form", data={**SENT, "_csrf_token": await ashas.token()})).status_code == 403


async def test_a_form_from_another_site_is_refused_even_with_the_token(visitor):
    sent = {**SENT, "_csrf_token": await visitor.token()}
    answer = await visitor.post("/t/form", data=sent, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/msgpack", "multipart/form-data"])
async def test_no_other_content_type_gets_past(visitor, kind):
    token = await visitor.token()
    answer = await visitor.post("/t/form", content=f"_csrf_token={token}", headers={"content-type": kind})
    assert answer.status_code in (400, 403, 422)


async def test_the_token_looks_different_on_every_page(visitor):
    assert await visitor.token() != await visitor.token()
