"""Pages and fragments, redirects, flash messages, and the cache headers of shared pages."""

import asyncio

import pytest

from app.core.pubsub import DEMO_KEY
from tests.web.conftest import Browser

PARTIAL = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.mark.parametrize(
    ("headers", "whole"),
    [
        ({}, True),
        (PARTIAL, False),
        ({"hx-request": "true"}, False),
        ({"hx-request": "true", "hx-request-type": "full"}, True),
        ({**PARTIAL, "hx-boosted": "true"}, True),
        ({**PARTIAL, "hx-history-restore-request": "true"}, True),
    ],
)
async def test_one_address_answers_a_page_or_its_fragment(visitor, headers, whole):
    response = await visitor.get("/t/page?message=<b>hi</b>", headers=headers)
    assert ("the whole page" in response.text) is whole
    assert "&lt;b&gt;hi&lt;/b&gt;" in response.text


async def test_an_action_leads_on_for_a_browser_and_for_htmx(visitor):
    sent = {"pincode": "600020", "key": "go-1", "_csrf_token": await visitor.token()}
    plain = await visitor.post("/t/form", data=sent)
    assert (plain.status_code, plain.headers["location"]) == (303, "/t/form")
    htmx = await visitor.post("/t/form", data={**sent, "key": "go-2"}, headers=PARTIAL)
    assert (htmx.status_code, htmx.headers["hx-redirect"]) == (204, "/t/form")
    boosted = await visitor.post("/t/form", data={**sent, "key": "go-3"}, headers={**PARTIAL, "hx-boosted": "true"})
    assert boosted.status_code == 303


async def test_a_note_is_shown_once(visitor):
    sent = {"pincode": "600041", "key": "flash-1", "_csrf_token": await visitor.token()}
    await visitor.post("/t/form", data=sent)
    assert "Kept 600041." in (await visitor.get("/t/form")).text
    assert "Kept 600041." not in (await visitor.get("/t/form")).text


@pytest.mark.parametrize("note", ["x", "x.y", "WyJkb25lIiwiaGkiXQ.00000000000000000000000000000000", "é.é", "."])
async def test_a_forged_note_is_not_shown(visitor, note):
    response = await visitor.get("/t/form", headers={"cookie": b"flash=" + note.encode()})
    assert response.status_code == 200
    assert 'class="flash"' not in response.text


async def test_a_kept_page_is_the_same_for_all_visitors_until_forgotten(visitor, app):
    first = await visitor.get("/t/kept")
    assert first.headers["content-encoding"] == "br"
    assert "set-cookie" not in first.headers
    async with Browser(app) as other:
        repeated = await other.get("/t/kept")
    assert repeated.text == first.text
    assert repeated.headers["x-request-id"] != first.headers["x-request-id"]
    assert repeated.headers["content-security-policy"] == first.headers["content-security-policy"]
    assert (await visitor.get("/t/kept", headers=PARTIAL)).text != first.text
    token = await visitor.token()
    await visitor.post("/t/forget", data={"name": "kept:two", "_csrf_token": token})
    assert (await other_text(app)) == first.text
    await visitor.post("/t/forget", data={"name": "kept", "_csrf_token": token})
    assert (await other_text(app)) != first.text


async def other_text(app):
    async with Browser(app) as other:
        return (await other.get("/t/kept")).text


async def test_no_one_who_is_signed_in_is_served_from_the_cache_or_fills_it(visitor, ashas):
    stored = (await visitor.get("/t/kept")).text
    own = (await ashas.get("/t/kept")).text
    assert "Asha Raman" in own
    assert own != stored
    assert "Asha Raman" not in (await visitor.get("/t/kept")).text


async def test_a_page_that_sets_a_cookie_is_never_kept(app):
    async with Browser(app) as item, Browser(app) as other:
        first, second = await item.get("/t/kept-form"), await other.get("/t/kept-form")
    assert first.headers["set-cookie"] != second.headers["set-cookie"]
    assert first.text != second.text


async def test_head_of_a_kept_page_has_no_body(visitor):
    await visitor.get("/t/kept")
    response = await visitor.head("/t/kept")
    assert response.status_code == 200
    assert response.content == b""


@pytest.mark.parametrize(
    ("accepted", "encoding"), [("br, gzip", "br"), ("gzip", "gzip"), ("identity", None), ("br;q=0", None)]
)
async def test_pages_are_compressed_as_requested(visitor, accepted, encoding):
    response = await visitor.get("/t/page?message=" + "x" * 900, headers={"accept-encoding": accepted})
    assert response.headers.get("content-encoding") == encoding
    assert "xxxx" in response.text
    assert "Accept-Encoding" in response.headers["vary"]


async def test_static_files_have_addresses_that_never_change(visitor, app):
    address = app.state.services.assets.url("app.css")
    response = await visitor.get(address)
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-encoding"] == "br"
    assert "set-cookie" not in response.headers
    assert "@layer" in response.text
    repeated = await visitor.get(address, headers={"if-none-match": response.headers["etag"]})
    assert repeated.status_code == 304
    assert repeated.content == b""
    assert (await visitor.get("/static/000000000000/app.css")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/static/x/../../app/settings.py", "/static/x/..%2f..%2fapp/settings.py", "/static/x/nope.css"]
)
async def test_nothing_else_is_served_as_a_static_file(visitor, path):
    assert (await visitor.get(path)).status_code == 404


async def test_health_is_available_without_a_session(visitor):
    assert (await visitor.get("/health")).json() == {"status": "alive"}
    await asyncio.sleep(0)
    ready = await visitor.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json()["database"] == "up"
    assert ready.json()["redis"] == "up"


async def test_readiness_names_a_demo_town_only_where_one_is(visitor, app):
    bus = app.state.services.after_commit.bus
    await bus.redis.delete(bus.prefix + DEMO_KEY)
    assert "demo" not in (await visitor.get("/health/ready")).json()
    await bus.redis.set(bus.prefix + DEMO_KEY, "filling")
    try:
        assert (await visitor.get("/health/ready")).json()["demo"] == "filling"
    finally:
        await bus.redis.delete(bus.prefix + DEMO_KEY)
