"""The redirect after signing in: local paths only."""

from urllib.parse import urljoin, urlsplit

import pytest

from app.web.security import local_path

ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "https://evil.example",
    "https:evil.example",
    "http:/evil.example",
    "HTTPS://evil.example/bookings",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\x0b/evil.example",
    "/\x7f/evil.example",
    "/\x00/evil.example",
    "/bookings\r\nLocation: //evil.example",
    "//localhost@evil.example/",
    "http://localhost.evil.example",
    "//[::1]/",
    "evil.example",
    ".evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "/" + "a" * 600,
    "",
    None,
]
OURS = ["/", "/bookings?after=W10#past", "/services?q=%E0%AE%95&pincode=600020", "/login?next=//evil.example", "/@evil"]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_another_site_is_never_the_way_on(path):
    assert local_path(path, "/otherwise") == "/otherwise"


@pytest.mark.parametrize("path", OURS)
def test_a_path_of_ours_is_kept_as_it_is(path):
    assert local_path(path, "/otherwise") == path


@pytest.mark.parametrize(
    "path",
    ["/services?q=\u0b95\u0bc1\u0bb4\u0bbe\u0baf\u0bcd", "/\u3000/evil", "/\uff0f/evil", "/\u2028/x", "/\ud800"],
)
def test_characters_of_any_script_travel_in_a_header(path):
    next_url = local_path(path)
    next_url.encode("ascii")
    assert urlsplit(urljoin("https://doorstep.example/login", next_url)).netloc == "doorstep.example"


async def test_signing_in_goes_on_to_an_address_in_tamil(visitor):
    response = await visitor.get("/login", params={"next": "/services?q=\u0b95\u0bc1\u0bb4\u0bbe\u0baf\u0bcd"})
    assert "/services?q=%E0%AE%95" in response.text
