"""The HTTP client connects to https URLs at public addresses only."""

import asyncio
from datetime import date, timedelta

import pytest

from app.core import clock
from app.core.http_client import HttpClient, RequestFailed
from app.outgoing_url import UnsafeAddress, is_public
from tests.webhook_sink import HOST, PUBLIC, URL, http_response, webhook_server

NOT_PUBLIC = (
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1",
    "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:93.184.215.14",
    "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::127.0.0.1", "nonsense",
)  # fmt: skip


@pytest.fixture
async def sink(tmp_path):
    async with webhook_server(tmp_path) as server:
        yield server


async def post(sink, url=URL, timeout_seconds=5.0):
    return await sink.client().post(url, b"{}", "application/json", timeout_seconds)


async def test_a_message_arrives_whole_at_the_address_the_name_had(sink):
    response = await post(sink)
    assert (response.status, response.retry_after) == (200, None)
    assert (sink.resolved_hosts, sink.connections) == ([HOST], [PUBLIC])
    (request,) = sink.requests
    assert request.startswith(b"POST /v1/spaces/AAA/messages?key=k&token=t HTTP/1.1\r\nHost: chat.example\r\n")
    assert request.endswith(b"\r\n\r\n{}")


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_what_is_not_public_is_never_dialled(sink, address):
    assert not is_public(address)
    for addresses in ([address], [PUBLIC, address]):
        sink.addresses = addresses
        with pytest.raises(UnsafeAddress):
            await post(sink)
    assert sink.connections == []


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::6810:84e5"])
def test_what_is_public_is(address):
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "2130706433", "0x7f.1"])
async def test_the_systems_own_names_lead_nowhere(host):
    with pytest.raises((UnsafeAddress, RequestFailed)):
        await HttpClient().post(f"https://{host}:1/", b"{}", "text/plain")


@pytest.mark.parametrize(
    "url",
    [
        "http://chat.example/",
        "ftp://chat.example/",
        "https:///nowhere",
        "https://me@chat.example/",
        "https://chat.example:99999/",
        "https://chat.example/a b",
        "//chat.example/",
        "",
    ],
)
async def test_what_is_no_plain_https_address_is_refused(sink, url):
    with pytest.raises(UnsafeAddress):
        await post(sink, url)
    assert sink.connections == []


async def test_a_name_that_changes_its_mind_is_resolved_once(sink):
    """The second resolution would lead to this machine; it is never made."""
    original = sink.resolve

    async def rebinding(host, port):
        addresses = await original(host, port)
        sink.addresses = ["127.0.0.1"]
        return addresses

    sink.resolve = rebinding
    assert (await post(sink)).status == 200
    assert sink.connections == [PUBLIC]


async def test_a_redirect_is_not_followed(sink):
    sink.answers = [http_response(302, "Location: https://127.0.0.1/admin")]
    assert (await post(sink)).status == 302
    assert (len(sink.resolved_hosts), len(sink.connections)) == (1, 1)


async def test_another_names_certificate_ends_it(tmp_path):
    async with webhook_server(tmp_path, "evil.example") as sink:
        with pytest.raises(RequestFailed):
            await post(sink)
        assert sink.requests == []


async def test_who_hangs_costs_patience_and_no_more(sink):
    sink.answers = [None]
    started = asyncio.get_running_loop().time()
    with pytest.raises(RequestFailed):
        await post(sink, timeout_seconds=0.3)
    assert asyncio.get_running_loop().time() - started < 2


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 2\r\n\r\n", b""]
)
async def test_what_is_too_long_or_not_http_is_no_answer(sink, answer):
    sink.answers = [answer]
    with pytest.raises(RequestFailed):
        await post(sink)


async def test_an_endless_body_is_not_read(sink):
    sink.answers = [http_response(200) + b"x" * 5_000_000]
    assert (await post(sink)).status == 200


@pytest.mark.parametrize(
    ("header", "retry_after"),
    [
        ("30", timedelta(seconds=30)),
        ("Mon, 07 Dec 2026 10:05:00 GMT", timedelta(minutes=5)),
        ("Mon, 07 Dec 2026 09:00:00 GMT", timedelta()),
        ("999999999999", timedelta(days=1)),
        ("soon", None),
        ("-3", None),
    ],
)
async def test_how_long_to_wait_is_read_in_seconds_and_as_a_date(sink, header, retry_after):
    sink.answers = [http_response(429, f"Retry-After: {header}")]
    with clock.freeze(clock.at(date(2026, 12, 7), 930)):  # 15:30 in India is 10:00 UTC
        assert (await post(sink)).retry_after == retry_after
