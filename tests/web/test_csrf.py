"""CSRF: a form is accepted only from the browser it was rendered for."""

import re

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
    response = await visitor.post("/t/form", data={**SENT, "key": "b"}, headers={"x-csrf-token": token})
    assert response.status_code == 303


async def test_pages_send_the_header_that_the_server_reads(ashas):
    page = await ashas.get("/profile")
    name, token = re.search(r'hx-headers:inherited=.\{"([^"]+)":"([^"]+)"', page.text).groups()
    accepted = await ashas.post("/t/form", data={**SENT, "key": "header"}, headers={name: token})
    assert accepted.status_code == 303
    refused = await ashas.post("/t/form", data={**SENT, "key": "wrong"}, headers={name: "A" * 86})
    assert refused.status_code == 403


async def test_a_wrong_header_is_refused_even_beside_the_right_field(visitor):
    fields = {**SENT, "key": "c", "_csrf_token": await visitor.token()}
    assert (await visitor.post("/t/form", data=fields, headers={"x-csrf-token": "A" * 86})).status_code == 403


@pytest.mark.parametrize("token", [None, "", "x", "A" * 86, "%", "é", "A" * 5000])
async def test_a_missing_or_wrong_token_is_refused_in_words(visitor, token):
    await visitor.token()
    response = await visitor.post("/t/form", data=SENT if token is None else {**SENT, "_csrf_token": token})
    assert response.status_code == 403
    assert "reload" in response.text


@pytest.mark.parametrize("path", ["/login", "/register", "/password/forgotten", "/t/form"])
async def test_a_browser_that_refuses_cookies_reads_why(visitor, path):
    token = await visitor.token()
    visitor.cookies.clear()
    response = await visitor.post(path, data={**SENT, "_csrf_token": token})
    assert response.status_code == 403
    assert "Please allow cookies" in response.text
    assert "open for too long" not in response.text


async def test_a_browser_with_another_cookie_does_not_read_of_cookies(visitor):
    response = await visitor.post("/t/form", data=SENT, headers={"cookie": "other=1"})
    assert response.status_code == 403
    assert "cookies" not in response.text


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
    response = await visitor.post("/t/form", data=sent, headers={"sec-fetch-site": "cross-site"})
    assert response.status_code == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/msgpack", "multipart/form-data"])
async def test_no_other_content_type_gets_past(visitor, kind):
    token = await visitor.token()
    response = await visitor.post("/t/form", content=f"_csrf_token={token}", headers={"content-type": kind})
    assert response.status_code in (400, 403, 422)


async def test_the_token_looks_different_on_every_page(visitor):
    assert await visitor.token() != await visitor.token()
