"""Where somebody is sent on to after signing in: a path of ours and nothing else."""

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


@pytest.mark.parametrize("asked", ELSEWHERE)
def test_another_site_is_never_the_way_on(asked):
    assert local_path(asked, "/otherwise") == "/otherwise"


@pytest.mark.parametrize("asked", OURS)
def test_a_path_of_ours_is_kept_as_it_is(asked):
    assert local_path(asked, "/otherwise") == asked


@pytest.mark.parametrize(
    "asked",
    ["/services?q=\u0b95\u0bc1\u0bb4\u0bbe\u0baf\u0bcd", "/\u3000/evil", "/\uff0f/evil", "/\u2028/x", "/\ud800"],
)
def test_letters_of_any_script_travel_in_a_header(asked):
    onward = local_path(asked)
    onward.encode("ascii")
    assert urlsplit(urljoin("https://doorstep.example/login", onward)).netloc == "doorstep.example"


async def test_signing_in_goes_on_to_an_address_in_tamil(visitor):
    answer = await visitor.get("/login", params={"next": "/services?q=\u0b95\u0bc1\u0bb4\u0bbe\u0baf\u0bcd"})
    assert "/services?q=%E0%AE%95" in answer.text
