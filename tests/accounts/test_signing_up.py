"""Becoming a customer."""

import asyncio

import pytest

from tests.accounts.conftest import PASSWORD, a_form
from tests.person import Person

USERS = "SELECT count(*) FROM users WHERE lower(email) = :email"


async def sign_up(person: Person, address_of_mail: str, **given: str):
    return await person.submit(await person.visit("/register"), "/register", **a_form(address_of_mail) | given)


async def test_a_new_account_can_sign_in_at_once(visitor, email, ask):
    answer = await sign_up(visitor, email)
    assert (answer.status, answer.location) == (303, "/login")
    assert (await visitor.sign_in(email, PASSWORD)).location == "/"
    profile = await visitor.visit("/profile")
    assert "Asha Raman" in profile.text
    assert "Flat 3B, Sri Lakshmi Apartments, 600020" in profile.text
    assert await ask("SELECT phone FROM users WHERE email = :email", email=email) == "+910000000412"
    assert await ask("SELECT role FROM users WHERE email = :email", email=email) == "customer"


async def test_a_known_address_reads_the_same_words(visitor, somebody, email, ask):
    first = await sign_up(visitor, email)
    second = await sign_up(somebody(), email.upper(), full_name="Mallory", password="another good one")
    assert (first.status, first.location, first.text) == (second.status, second.location, second.text)
    flashed = [await person.visit("/login") for person in (visitor,)]
    assert "Thank you" in flashed[0].text
    assert await ask(USERS, email=email) == 1


async def test_the_owner_of_a_known_address_gets_one_mail_an_hour(visitor, somebody, email, letters_to):
    await sign_up(visitor, email)
    for _ in range(3):
        await sign_up(somebody(), email)
    kinds = [kind for kind, _ in await letters_to(email)]
    assert kinds == ["verify", "known_address"]
    assert (await visitor.sign_in(email, PASSWORD)).status == 303


async def test_ten_sign_ups_at_once_with_one_address_make_one_account(somebody, email, ask):
    people = [somebody() for _ in range(10)]
    answers = await asyncio.gather(*(sign_up(person, email) for person in people))
    assert {answer.status for answer in answers} == {303}
    assert await ask(USERS, email=email) == 1


async def test_two_people_may_share_a_name(somebody, email, ask):
    for address in (email, "other." + email):
        assert (await sign_up(somebody(), address)).status == 303
        assert await ask(USERS, email=address) == 1


async def test_an_empty_form_names_every_field_and_loses_nothing(visitor):
    page = await visitor.visit("/register")
    answer = await visitor.submit(page, "/register", full_name="Meenakshi", email="meenakshi@example", phone="123")
    assert answer.status == 422
    for field in ("email", "phone", "password", "address", "pincode"):
        assert f'id="{field}-error"' in answer.text
    assert 'id="full_name-error"' not in answer.text
    assert 'value="Meenakshi"' in answer.text
    assert "ive things to put right" in answer.text


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("password", ""),
        ("password", "password123"),
        ("email", "not an address"),
        ("pincode", "abcdefgh"),
        ("pincode", "999999"),
        ("phone", "+91 00000 0412"),
        ("address", ""),
        ("full_name", "\u202e"),
        ("full_name", "x" * 900_000),
        ("password", "x" * 900_000),
        ("address", "x" * 900_000),
    ],
)
async def test_a_wrong_field_is_told_beside_it(visitor, email, ask, field, typed):
    answer = await sign_up(visitor, email, **{field: typed})
    assert answer.status == 422
    assert f'id="{field}-error"' in answer.text
    assert await ask(USERS, email=email) == 0


async def test_text_that_cannot_be_stored_is_refused(visitor, email, ask):
    for field in a_form(email):
        answer = await sign_up(visitor, email, **{field: "Asha\x00"})
        assert answer.status == 422
        assert f'id="{field}-error"' in answer.text
        assert "Sri Lakshmi" in answer.text or field == "address"
    assert await ask(USERS, email=email) == 0


async def test_a_body_of_two_megabytes_is_refused(visitor, email):
    assert (await sign_up(visitor, email, address="x" * 2_000_000)).status == 413


async def test_the_password_is_never_sent_back(visitor, email):
    answer = await sign_up(visitor, email, phone="123", password="my very own words")
    assert answer.status == 422
    assert "my very own words" not in answer.text


async def test_nobody_signs_up_as_an_admin(visitor, email, ask):
    await sign_up(visitor, email, role="admin", is_admin="1", epoch="7", email_verified_at="2020-01-01")
    assert await ask("SELECT role FROM users WHERE email = :email", email=email) == "customer"
    assert await ask("SELECT email_verified_at FROM users WHERE email = :email", email=email) is None


async def test_without_our_token_nothing_happens(visitor, email, ask):
    answer = await visitor.post("/register", data=a_form(email))
    assert answer.status_code == 403
    assert await ask(USERS, email=email) == 0


async def test_the_password_is_stored_as_argon2id_and_nowhere_else(visitor, email, ask):
    await sign_up(visitor, email)
    assert (await ask("SELECT password_hash FROM users WHERE email = :email", email=email)).startswith("$argon2id$")
    for table in ("users", "outbox", "events", "event_values", "attempts", "sessions", "mail_links"):
        assert await ask(f"SELECT count(*) FROM {table} t WHERE t::text LIKE :told", told=f"%{PASSWORD}%") == 0
