"""Signing up as a customer."""

import asyncio

import pytest

from tests.accounts.conftest import PASSWORD, a_form
from tests.person import Person

USERS = "SELECT count(*) FROM users WHERE lower(email) = :email"


async def sign_up(person: Person, address_of_mail: str, **fields: str):
    return await person.submit(await person.visit("/register"), "/register", **a_form(address_of_mail) | fields)


async def test_a_new_account_can_sign_in_at_once(visitor, email, scalar):
    response = await sign_up(visitor, email)
    assert (response.status, response.location) == (303, "/login")
    assert (await visitor.sign_in(email, PASSWORD)).location == "/"
    profile = await visitor.visit("/profile")
    assert "Asha Raman" in profile.text
    assert "Flat 3B, Sri Lakshmi Apartments, 600020" in profile.text
    assert await scalar("SELECT phone FROM users WHERE email = :email", email=email) == "+910000000412"
    assert await scalar("SELECT role FROM users WHERE email = :email", email=email) == "customer"


async def test_a_known_address_reads_the_same_words(visitor, new_person, email, scalar):
    first = await sign_up(visitor, email)
    second = await sign_up(new_person(), email.upper(), full_name="Mallory", password="another good one")
    assert (first.status, first.location, first.text) == (second.status, second.location, second.text)
    flashed = [await person.visit("/login") for person in (visitor,)]
    assert "Thank you" in flashed[0].text
    assert await scalar(USERS, email=email) == 1


async def test_the_owner_of_a_known_address_gets_one_mail_an_hour(visitor, new_person, email, emails_to):
    await sign_up(visitor, email)
    for _ in range(3):
        await sign_up(new_person(), email)
    kinds = [kind for kind, _ in await emails_to(email)]
    assert kinds == ["verify", "known_address"]
    assert (await visitor.sign_in(email, PASSWORD)).status == 303


async def test_ten_sign_ups_at_once_with_one_address_make_one_account(new_person, email, scalar):
    people = [new_person() for _ in range(10)]
    responses = await asyncio.gather(*(sign_up(person, email) for person in people))
    assert {response.status for response in responses} == {303}
    assert await scalar(USERS, email=email) == 1


async def test_two_people_may_share_a_name(new_person, email, scalar):
    for address in (email, "other." + email):
        assert (await sign_up(new_person(), address)).status == 303
        assert await scalar(USERS, email=address) == 1


async def test_an_empty_form_names_every_field_and_loses_nothing(visitor):
    page = await visitor.visit("/register")
    response = await visitor.submit(page, "/register", full_name="Meenakshi", email="meenakshi@example", phone="123")
    assert response.status == 422
    for field in ("email", "phone", "password", "address", "pincode"):
        assert f'id="{field}-error"' in response.text
    assert 'id="full_name-error"' not in response.text
    assert 'value="Meenakshi"' in response.text
    assert "Please fix 5 things" in response.text


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
async def test_a_wrong_field_is_reported_beside_it(visitor, email, scalar, field, typed):
    response = await sign_up(visitor, email, **{field: typed})
    assert response.status == 422
    assert f'id="{field}-error"' in response.text
    assert await scalar(USERS, email=email) == 0


async def test_text_that_cannot_be_stored_is_refused(visitor, email, scalar):
    for field in a_form(email):
        response = await sign_up(visitor, email, **{field: "Asha\x00"})
        assert response.status == 422
        assert f'id="{field}-error"' in response.text
        assert "Sri Lakshmi" in response.text or field == "address"
    assert await scalar(USERS, email=email) == 0


async def test_a_body_of_two_megabytes_is_refused(visitor, email):
    assert (await sign_up(visitor, email, address="x" * 2_000_000)).status == 413


async def test_the_password_is_never_sent_back(visitor, email):
    response = await sign_up(visitor, email, phone="123", password="my very own words")
    assert response.status == 422
    assert "my very own words" not in response.text


async def test_no_one_signs_up_as_an_admin(visitor, email, scalar):
    await sign_up(visitor, email, role="admin", is_admin="1", epoch="7", email_verified_at="2020-01-01")
    assert await scalar("SELECT role FROM users WHERE email = :email", email=email) == "customer"
    assert await scalar("SELECT email_verified_at FROM users WHERE email = :email", email=email) is None


async def test_without_our_token_nothing_happens(visitor, email, scalar):
    response = await visitor.post("/register", data=a_form(email))
    assert response.status_code == 403
    assert await scalar(USERS, email=email) == 0


async def test_the_password_is_stored_as_argon2id_and_nowhere_else(visitor, email, scalar):
    await sign_up(visitor, email)
    assert (await scalar("SELECT password_hash FROM users WHERE email = :email", email=email)).startswith("$argon2id$")
    for table in ("users", "outbox", "events", "event_values", "attempts", "sessions", "email_links"):
        sql = f"SELECT count(*) FROM {table} t WHERE t::text LIKE :password"
        assert await scalar(sql, password=f"%{PASSWORD}%") == 0


async def test_what_is_typed_is_stored_in_one_form_and_opens_on_every_keyboard(visitor, email, scalar, new_person):
    fields = a_form(
        email,
        full_name="Jose\u0301\u00a0An\u0303ez",
        phone="0091 00000\u200900415",
        pincode="६०० ०२०",
        address="Cafe\u0301 House, Beach Road",
        password="cafe\u0301 au lait du matin",
    )
    assert (await visitor.submit(await visitor.visit("/register"), "/register", **fields)).status == 303
    stored = "SELECT full_name || '|' || phone FROM users WHERE email = :email"
    assert await scalar(stored, email=email) == "Jos\u00e9 A\u00f1ez|+910000000415"
    line = "SELECT line || pincode FROM addresses JOIN users u ON u.id = user_id WHERE email = :email"
    assert await scalar(line, email=email) == "Caf\u00e9 House, Beach Road600020"
    assert (await new_person().sign_in(email, "caf\u00e9 au lait du matin")).status == 303
