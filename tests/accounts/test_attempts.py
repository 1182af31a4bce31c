"""Rate limits with backoff."""

from datetime import timedelta

import pytest

from app.accounts.attempts import (
    ACCOUNT,
    ACCOUNT_HERE,
    NETWORK,
    AttemptCount,
    RateLimitKey,
    sign_in_keys,
    sorted_keys,
)
from app.core import clock
from app.core.errors import RateLimited
from app.core.network import client_network
from tests.factories import a_start


def test_the_wait_grows_and_has_an_end():
    waits = [ACCOUNT_HERE.wait(count).total_seconds() for count in range(1, 16)]
    assert waits[:4] == [0, 0, 0, 0]
    assert waits[4:8] == [15, 30, 60, 120]
    assert waits[-1] == 900
    assert waits == sorted(waits)


def test_a_stranger_cannot_keep_the_right_person_waiting_for_long():
    assert max(ACCOUNT.wait(count) for count in range(1, 10_000)) <= timedelta(minutes=2)


@pytest.mark.parametrize(
    ("first", "other"),
    [("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"), ("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::2")],
)
def test_one_household_is_one_place(first, other):
    assert client_network(first) == client_network(other)


@pytest.mark.parametrize("address", ["banana", "", "unknown", "1.2.3.4.5"])
def test_a_place_without_an_address_is_still_counted(address):
    assert client_network(address) == "unknown"


def test_different_places_are_counted_separately():
    assert client_network("2001:db8:1:2::1") != client_network("2001:db8:1:3::1")
    assert client_network("192.0.2.1") != client_network("192.0.2.2")


def test_keys_hold_no_address_and_no_name():
    keys = sorted_keys(sign_in_keys("Asha@Example.com", "192.0.2.1"))
    assert keys == sorted_keys(sign_in_keys(" asha@example.com", "192.0.2.1"))
    assert not [key for key in keys if "asha" in key or "192" in key]


def test_tries_are_forgotten_after_a_day():
    with clock.freeze(a_start()):
        now = clock.now()
        before = AttemptCount(12, now - timedelta(days=2), now - timedelta(hours=25))
        assert RateLimitKey(ACCOUNT_HERE, "x").hit(before, now) == AttemptCount(1, now, now)


def test_a_try_that_comes_too_soon_says_for_how_long():
    now = clock.now()
    with pytest.raises(RateLimited) as soon:
        RateLimitKey(NETWORK, "x").hit(AttemptCount(60, now, now + timedelta(seconds=90)), now)
    assert 89 <= soon.value.seconds <= 91
    assert "2 minutes" in soon.value.message
