"""Devices that signed in before are counted for themselves; strangers' attempts stay bounded."""

import asyncio
from datetime import timedelta

import pytest

from app.accounts.session import prune
from app.core import clock
from app.core.secrets import digest
from tests.accounts.conftest import PASSWORD, a_form
from tests.accounts.test_email_links import NEW, change_email, request_link
from tests.api_client import ApiClient

GUESS = "wrong words here"


@pytest.fixture
def attack(new_person, email):
    """Wrong passwords for the owner's address from twelve networks, all at once."""

    async def run(rounds: int = 4) -> list[int]:
        strangers = [new_person() for _ in range(12)]

        async def guess(person) -> list[int]:
            return [(await person.sign_in(email, GUESS)).status for _ in range(rounds)]

        return [status for statuses in await asyncio.gather(*map(guess, strangers)) for status in statuses]

    return run


async def signed_out(person) -> None:
    assert (await person.submit(await person.visit("/profile"), "/logout")).status == 303


async def test_strangers_do_not_keep_the_owner_out_of_a_known_device(asha, new_person, email, attack):
    await signed_out(asha)
    statuses = await attack()
    assert (statuses.count(422), statuses.count(429)) == (20, 28)
    assert (await new_person().sign_in(email, PASSWORD)).status == 429
    assert (await asha.sign_in(email, PASSWORD)).status == 303
    assert (await new_person().sign_in(email, PASSWORD)).status == 429, "the owner's success sets no stranger free"
    await signed_out(asha)
    _, answer = await asyncio.gather(attack(1), asha.sign_in(email, PASSWORD))
    assert answer.status == 303


async def test_strangers_do_not_keep_the_owner_out_after_a_reset_link(asha, new_person, email, emails_to, attack):
    person = new_person()
    link = await request_link(person, email, emails_to)
    await attack()
    assert (await person.submit(await person.visit(link), link, password=NEW)).status == 303
    await attack()
    assert (await new_person().sign_in(email, NEW)).status == 429
    assert (await person.sign_in(email, NEW)).status == 303


async def test_strangers_do_not_keep_the_signed_in_owner_from_confirming_the_password(asha, email, attack):
    await attack()
    assert (await change_email(asha, f"new.{email}")).status == 303
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        await attack()
        page = await asha.visit("/login/again")
        assert (await asha.submit(page, "/login/again", password=PASSWORD)).status == 303


async def test_strangers_do_not_use_up_the_owners_emails(asha, new_person, email, emails_to):
    await signed_out(asha)
    for _ in range(5):
        person = new_person()
        await person.submit(await person.visit("/password/forgotten"), "/password/forgotten", email=email)
    assert await request_link(asha, email, emails_to)
    for _ in range(4):
        page = await asha.visit("/password/forgotten")
        last = await asha.submit(page, "/password/forgotten", email=email)
    assert last.status == 429


async def test_the_api_knows_a_device_too(app, asha, email, attack):
    async with ApiClient(app) as program, ApiClient(app) as stranger:
        program.headers["x-forwarded-for"], stranger.headers["x-forwarded-for"] = "192.0.2.71", "192.0.2.72"
        first = await program.sign_in(email, PASSWORD)
        assert first.status_code == 200
        assert "HttpOnly" in first.headers["set-cookie"]
        await attack()
        assert (await stranger.sign_in(email, PASSWORD)).status_code == 429
        assert (await program.sign_in(email, PASSWORD)).status_code == 200


async def test_a_known_device_guesses_as_slowly_as_any(asha, new_person, email):
    """Fifty at once with the owner's cookie, from as many networks, are five attempts."""
    await signed_out(asha)
    device, thieves = asha.cookies["device"], [new_person() for _ in range(50)]
    pages = [await thief.visit("/login") for thief in thieves]
    for thief in thieves:
        thief.cookies.set("device", device)
    gate = asyncio.Semaphore(14)

    async def guess(number: int) -> int:
        async with gate:
            fields = {"email": email, "password": f"guess number {number}"}
            return (await thieves[number].submit(pages[number], "/login", **fields)).status

    statuses = await asyncio.gather(*map(guess, range(50)))
    assert (statuses.count(422), statuses.count(429)) == (5, 45)


async def test_a_device_of_another_account_is_a_strangers(asha, new_person, email):
    omar, other = new_person(), f"omar.{email}"
    await omar.submit(await omar.visit("/register"), "/register", **a_form(other, full_name="Omar Sheriff"))
    await omar.sign_in(other, PASSWORD)
    await signed_out(omar)
    assert [(await omar.sign_in(email, GUESS)).status for _ in range(6)] == [422] * 5 + [429]
    assert (await omar.sign_in(other, PASSWORD)).status == 303


async def test_a_planted_device_token_is_replaced_for_all_its_accounts(asha, new_person, email, scalar):
    """Whoever planted a token of their own in the owner's browser does not share the owner's count."""
    omar, other = new_person(), f"omar.{email}"
    await omar.submit(await omar.visit("/register"), "/register", **a_form(other, full_name="Omar Sheriff"))
    await omar.sign_in(other, PASSWORD)
    planted, owners = omar.cookies["device"], new_person()
    owners.cookies.set("device", planted, domain="localhost.local", path="/")
    page = await owners.sign_in(email, PASSWORD)
    replaced = page.response.cookies["device"]
    assert replaced != planted
    count = "SELECT count(*) FROM device_tokens WHERE digest = :digest"
    assert await scalar(count, digest=digest(planted)) == 0
    assert await scalar(count, digest=digest(replaced)) == 2


async def test_the_cookie_is_closed_and_only_its_digest_is_stored(asha, new_person, email, scalar):
    page = await new_person().sign_in(email, PASSWORD)
    [cookie] = [value for value in page.response.headers.get_list("set-cookie") if value.startswith("device=")]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert f"Max-Age={90 * 24 * 3600}" in cookie
    for table in ("device_tokens", "attempts", "sessions"):
        stored = f"SELECT count(*) FROM {table} t WHERE t::text LIKE :token"
        assert await scalar(stored, token=f"%{page.response.cookies['device']}%") == 0


@pytest.mark.parametrize("value", ["", "x", "A" * 5000, "'; drop table users"])
async def test_a_made_up_device_token_knows_nothing(asha, new_person, email, value):
    person = new_person()
    page = await person.visit("/login")
    person.headers["cookie"] = f"device={value}; pre={person.cookies['pre']}"
    statuses = [(await person.submit(page, "/login", email=email, password=GUESS)).status for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    person.headers["x-forwarded-for"] = "192.0.2.200"
    signed_in = await person.submit(page, "/login", email=email, password=PASSWORD)
    assert signed_in.status == 303
    assert len(signed_in.response.cookies["device"]) == 43


async def test_a_device_is_forgotten_after_ninety_days(asha, email, app_database, scalar, attack):
    await signed_out(asha)
    with clock.freeze(clock.now() + timedelta(days=90, minutes=1)):
        await attack()
        assert (await asha.sign_in(email, PASSWORD)).status == 429
        async with app_database.work() as db:
            await prune(db, clock.now())
        owned = "SELECT count(*) FROM device_tokens d JOIN users u ON u.id = d.user_id WHERE u.email = :email"
        assert await scalar(owned, email=email) == 0


async def test_an_account_knows_its_last_twenty_devices(asha, new_person, email, scalar):
    async def sign_in() -> int:
        return (await new_person().sign_in(email, PASSWORD)).status

    for _ in range(2):
        assert await asyncio.gather(*(sign_in() for _ in range(12))) == [303] * 12
    owned = "SELECT count(*) FROM device_tokens d JOIN users u ON u.id = d.user_id WHERE u.email = :email"
    assert await scalar(owned, email=email) == 20
