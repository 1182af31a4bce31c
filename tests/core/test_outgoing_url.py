"""URLs that people enter for us to send to are https and name a public host, however it is written."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.outgoing_url import UnsafeAddress, check_url, is_public, split_url
from tests.outgoing_urls import ipv4_hosts, ipv6_hosts, private_ipv4, urls_of

LABELS = st.from_regex(r"[a-z][a-z0-9]{0,20}", fullmatch=True)


@given(urls_of(st.one_of(ipv4_hosts(private_ipv4()), ipv6_hosts(private_ipv4()))))
def test_an_address_of_our_own_network_is_refused_however_it_is_written(url):
    with pytest.raises(UnsafeAddress):
        check_url(url)


@given(urls_of(st.one_of(ipv4_hosts(), ipv6_hosts())))
def test_whatever_number_is_accepted_is_a_public_address_in_full(url):
    try:
        host, _port, _target = split_url(url)
    except UnsafeAddress:
        return
    assert host == str(ip_address(host))
    assert is_public(host)


@given(st.text(min_size=1, max_size=30))
def test_whatever_text_is_accepted_is_a_public_name_or_address(host):
    try:
        result, _port, _target = split_url(f"https://{host}/x")
    except UnsafeAddress:
        return
    last = result.rsplit(".", 1)[-1]
    assert is_public(result) if last.isdigit() or ":" in result else len(last) > 0 and result.isascii()


@given(st.lists(LABELS, min_size=1, max_size=3), st.sampled_from(["com", "in", "example", "xn--xkc2dl3a5ee0h"]))
def test_a_public_name_is_accepted(labels, last):
    host = ".".join([*labels, last])
    assert split_url(f"https://{host}/hooks?key=k") == (host, 443, "/hooks?key=k")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.1/x",
        "https://0177.0.0.1/x",
        "https://127.0.0.1。/x",
        "https://127.0.0.1./x",
        "https://１２７.０.０.１/x",
        "https://①②⑦.0.0.1/x",
        "https://2130706433/x",
        "https://0x7f000001/x",
        "https://0x7f.1/x",
        "https://0x/x",
        "https://127.0.0.1%2e/x",
        "https://%31%32%37.0.0.1/x",
        "https://127.0.0.\t1/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[0:0:0:0:0:ffff:7f00:1]/x",
        "https://[fe80::1%25eth0]/x",
        "https://[v1.a]/x",
        "https://localhost/x",
        "https://LOCALHOST/x",
        "https://localhost./x",
        "https://ｌocalhost/x",
        "https://a.localhost/x",
        "https://localhost.localdomain/x",
        "https://printer.local/x",
        "https://metadata.google.internal/x",
        "https://intranet/x",
        "https://nas.home.arpa/x",
        "https://chat.example./x",
        "https://chat..example/x",
        "https://.example/x",
        "https://-a.example/x",
        "https://chat.example\\@127.0.0.1/x",
        "https://@chat.example/x",
        "https://chat.example:99999/x",
        f"https://{'a' * 64}.example/x",
        f"https://{'a.' * 130}example/x",
    ],
)
def test_a_name_of_this_machine_or_no_name_at_all_is_refused(url):
    with pytest.raises(UnsafeAddress):
        check_url(url)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://93.184.215.14/x", "93.184.215.14"),
        ("https://[2606:4700::6810:84e5]/x", "2606:4700::6810:84e5"),
        ("https://Chat.Example/x", "chat.example"),
        ("https://bücher.example/x", "xn--bcher-kva.example"),
        ("https://chat。example/x", "chat.example"),
        ("https://1a.2b.example/x", "1a.2b.example"),
        ("https://127.0.0.1.example.com/x", "127.0.0.1.example.com"),
    ],
)
def test_a_public_host_is_accepted(url, host):
    assert split_url(url)[0] == host
