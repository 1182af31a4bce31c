"""New passwords: the demo's and the common ones are refused wherever a password is set."""

import asyncio
import os
import subprocess
import sys

import pytest

from app.accounts.password import validate_password
from app.core.validation import FieldError
from app.dev.demo_people import DEMO_PASSWORD
from tests.accounts.conftest import PASSWORD, a_form
from tests.accounts.test_email_links import request_link
from tests.test_settings import PRODUCTION

NEW = "entirely another sentence"
GUESSABLE = [
    *(DEMO_PASSWORD, "Doorstep Demo!", "DOORSTEP_DEMO_2026", "door\u200bstep-demo", "ｄｏｏｒｓｔｅｐ-demo"),
    *("Password123", "p a s s w o r d 1 2 3", "welcome@12345", "Admin@12345", "P@ssw0rd123", "qwertyuiop"),
    *("1234567890", "12345-67890", "Asha.Raman.1990", "asha@example.com", "Doorstep@2026"),
]


@pytest.mark.parametrize("typed", GUESSABLE)
def test_demo_and_common_passwords_are_too_easy_to_guess(typed):
    with pytest.raises(FieldError, match="too easy to guess"):
        validate_password(typed, "asha@example.com", "Asha Raman")


@pytest.mark.parametrize(
    "typed",
    ["doorstep lantern river", "a sentence for the admin", "asha likes mangoes", "84930-28475610", "пароль-для-двери"],
)
def test_known_words_beside_others_are_a_good_password(typed):
    assert validate_password(typed, "asha@example.com", "Asha Raman") == typed


async def test_an_admin_with_the_demo_password_is_not_created_in_production(own_url, own_database):
    args = {**os.environ, **PRODUCTION, "DATABASE_URL": own_url}
    command = [sys.executable, "-m", "app.cli", "admin", "create", "--email", "meena@doorstep.example"]

    async def create(password: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            subprocess.run, command, env=args, input=password + "\n", capture_output=True, text=True, timeout=60
        )

    refused = await create(DEMO_PASSWORD)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "too easy to guess" in refused.stderr
    assert (await create("a sentence for the admin")).returncode == 0


async def test_the_demo_password_is_refused_by_every_form_and_address(asha, new_person, email, emails_to, scalar):
    """Tried at every form and address at the same time, in every spelling; the owner's own password stays."""
    stored = "SELECT password_hash FROM users WHERE email = :email"
    before = await scalar(stored, email=email)
    link = await request_link(new_person(), email, emails_to)
    tries = [typed for typed in GUESSABLE if "asha" not in typed.lower()]

    async def attempt(typed: str) -> list[tuple[int, bool]]:
        person, other = new_person(), f"new.{tries.index(typed)}.{email}"
        fields, document = a_form(other, password=typed), {"document": ("permit.pdf", b"%PDF-1.4", "application/pdf")}
        answers = [
            (await person.post_fields("/register", fields)).response,
            (await person.post_fields("/register/professional", fields)).response,
            await person.post("/api/register", json=fields),
            await person.post("/api/professional/register", data=fields, files=document),
            (await person.post_fields(link, {"password": typed})).response,
            (await asha.post_fields("/profile/password", {"password": typed, "current_password": PASSWORD})).response,
        ]
        return [(answer.status_code, "too easy to guess" in answer.text) for answer in answers]

    assert await asyncio.gather(*map(attempt, tries)) == [[(422, True)] * 6] * len(tries)
    assert await scalar("SELECT count(*) FROM users WHERE email LIKE :email", email=f"new.%{email}") == 0
    assert await scalar(stored, email=email) == before
    assert (await asha.post_fields("/profile/password", {"password": NEW, "current_password": PASSWORD})).status == 303


async def test_a_reset_refuses_the_owners_own_name(asha, new_person, email, emails_to):
    person = new_person()
    link = await request_link(person, email, emails_to)
    answer = await person.submit(await person.visit(link), link, password="Asha-Raman-1990")
    assert answer.status == 422
    assert "too easy to guess" in answer.text
    assert (await person.submit(answer, link, password=NEW)).status == 303
