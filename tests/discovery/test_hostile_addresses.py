"""Malformed and hostile URLs get an error page, never a stack trace."""

from urllib.parse import quote

import pytest

from tests.discovery.conftest import LEAKS, VisitorBrowser

HOSTILE = [
    "'; DROP TABLE services; --",
    '" OR 1=1 --',
    "%",
    "\\",
    "🔧🚿",
    "\u202e\u200b",
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    "tap" * 5000,
    "a:b:*",
    "\ud7ff",
    "-" * 3000,
    "() & | ! <->",
]


@pytest.mark.parametrize("typed", HOSTILE)
async def test_any_words_are_only_words(visitor: VisitorBrowser, typed: str) -> None:
    for path in (f"/services?q={quote(typed)}", f"/services?q={quote(typed)}&pincode=600020"):
        page = await visitor.visit(path)
        assert page.status == 200, page.text[:500]
        assert "<script>alert" not in page.text
        assert "49" not in page.text.partition("<title>")[2].partition("</title>")[0]
        assert len(page.text) < 60_000
    assert (await visitor.visit("/services?q=leak&pincode=600020")).status == 200


@pytest.mark.parametrize("name", ["q", "pincode", "category", "sort", "after", "max_price", "min_rating"])
@pytest.mark.parametrize("value", ["%00", "%ff%fe", "x" * 20_000, "9" * 40, "-1", "1e309", "%F0%9F%94%A7"])
async def test_no_field_of_a_list_breaks_it(visitor: VisitorBrowser, name: str, value: str) -> None:
    page = await visitor.visit(f"/services?{name}={value}")
    assert page.status in (200, 404, 422), (page.status, page.text[:300])
    assert "Traceback" not in page.text
    assert "<h1" in page.text


@pytest.mark.parametrize("name", ["pincode", "day", "professional", "start", "shown-day"])
@pytest.mark.parametrize("value", ["%00", "%ff%fe", "x" * 20_000, "9" * 40, "-1", "1e309", "%F0%9F%94%A7"])
async def test_no_field_of_a_service_breaks_it(visitor: VisitorBrowser, name: str, value: str) -> None:
    for path in (f"/services/{LEAKS}", f"/services/{LEAKS}/slots"):
        known = "" if name == "pincode" else "pincode=600020&"
        page = await visitor.visit(f"{path}?{known}{name}={value}")
        assert page.status in (200, 422), (page.status, page.text[:300])
        assert "<h1" in page.text


async def test_a_nul_byte_in_the_words_is_shown_beside_the_field(visitor: VisitorBrowser) -> None:
    page = await visitor.visit("/services?q=%00&pincode=600020")
    assert page.status == 422
    assert 'id="q-error"' in page.text
    assert 'value="600020"' in page.text


async def test_endless_words_are_cut(visitor: VisitorBrowser) -> None:
    page = await visitor.visit("/services?q=" + "tap+" * 15_000)
    assert page.status == 200
    assert len(page.text) < 60_000


async def test_a_field_repeated_and_fields_unknown_do_no_harm(visitor: VisitorBrowser) -> None:
    page = await visitor.visit("/services?q=leak&q=fan&pincode=600020&pincode=600090&admin=1&id=1")
    assert page.status == 200


async def test_looking_takes_no_posts(visitor: VisitorBrowser) -> None:
    for path in ("/", "/services", f"/services/{LEAKS}"):
        assert (await visitor.post(path)).status_code in (403, 405)
