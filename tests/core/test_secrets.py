"""Hashing of passwords and tokens."""

import asyncio
import time

import pytest

from app.core.encryption import Encryption
from app.core.secrets import Passwords, digest, new_token


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords(Encryption("a key" * 10), cheap=True)


async def test_a_password_fits_itself_only(passwords):
    stored = await passwords.hash("correct horse battery")
    assert stored.startswith("$argon2id$")
    assert await passwords.verify(stored, "correct horse battery")
    assert not await passwords.verify(stored, "correct horse batterz")


async def test_the_same_password_is_stored_differently_each_time(passwords):
    assert await passwords.hash("correct horse battery") != await passwords.hash("correct horse battery")


@pytest.mark.parametrize("stored", [None, "", "x", "$argon2id$v=19$m=8,t=1,p=1$x$y"])
async def test_no_one_and_nonsense_fit_nothing(passwords, stored):
    assert not await passwords.verify(stored, "correct horse battery")


async def test_a_stolen_table_is_useless_without_the_key(passwords):
    stored = await passwords.hash("correct horse battery")
    assert not await Passwords(Encryption("another key" * 5), cheap=True).verify(stored, "correct horse battery")


async def test_an_unknown_person_costs_as_much_as_a_known_one():
    real = Passwords(Encryption("a key" * 10))
    stored = await real.hash("correct horse battery")
    await real.verify(None, "x")
    known, unknown = await _seconds(real, stored), await _seconds(real, None)
    assert 0.4 < known / unknown < 2.5


async def test_hashing_leaves_the_event_loop_alone():
    real = Passwords(Encryption("a key" * 10))
    hashing = asyncio.create_task(real.hash("correct horse battery"))
    ticks = 0
    while not hashing.done():
        await asyncio.sleep(0.002)
        ticks += 1
    assert ticks > 5


def test_tokens_are_long_and_only_their_digest_is_stored():
    assert len({new_token() for _ in range(100)}) == 100
    assert len(new_token()) >= 43
    assert digest("a") != digest("b")
    assert len(digest("a")) == 32


async def _seconds(passwords: Passwords, stored: str | None) -> float:
    best = 9.0
    for _ in range(3):
        started = time.perf_counter()
        await passwords.verify(stored, "wrong password")
        best = min(best, time.perf_counter() - started)
    return best


COMPOSED, DECOMPOSED, FULL_WIDTH = "caf\u00e9 au lait", "cafe\u0301 au lait", "ｔａｐ ｄｒｙ ｔａｐ"


@pytest.mark.parametrize(
    ("chosen", "typed"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED), (FULL_WIDTH, "tap dry tap")]
)
async def test_a_password_opens_on_every_keyboard(passwords, chosen, typed):
    stored = await passwords.hash(chosen)
    assert await passwords.verify(stored, typed)
    assert not await passwords.verify(stored, typed + "e")


@pytest.mark.parametrize("chosen", [COMPOSED, DECOMPOSED, FULL_WIDTH])
async def test_a_hash_of_a_password_as_typed_still_opens(passwords, chosen):
    """Earlier releases hashed the password without a normal form."""
    stored = passwords._hasher.hash(passwords._peppered(chosen))
    assert await passwords.verify(stored, chosen)
