"""Admins are created by the command line only."""

import asyncio
import os
import subprocess
import sys

import pytest
from sqlalchemy import text

from app.accounts.sign_up import create_admin
from app.core.encryption import Encryption
from app.core.errors import Invalid
from app.core.secrets import Passwords

PASSWORD = "a sentence for the admin"


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(Encryption("a secret key for these tests"), cheap=True)


async def test_an_admin_is_made_verified_and_with_a_history(db, passwords):
    admin = await create_admin(db, passwords, email="Meena@Example.com", password=PASSWORD)
    await db.flush()
    assert (admin.role, admin.full_name, admin.event_count) == ("admin", "Admin", 1)
    assert admin.email_verified_at
    assert await passwords.verify(admin.password_hash, PASSWORD)


async def test_what_a_command_does_is_recorded_as_done_by_one(own_url, own_database):
    args = {**os.environ, "DATABASE_URL": own_url, "DOORSTEP_ENV": "test"}
    command = [sys.executable, "-m", "app.cli", "admin", "create", "--email", "lekha@example.com"]
    done = await asyncio.to_thread(
        subprocess.run, command, env=args, input=PASSWORD + "\n", capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    async with own_database.reading() as db:
        output = "SELECT facts ->> 'channel' FROM events WHERE name = 'person.registered'"
        assert list(await db.scalars(text(output))) == ["command"]


@pytest.mark.parametrize(
    ("email", "password"), [("meena", PASSWORD), ("m@example.com", ""), ("m@example.com", "short")]
)
async def test_a_bad_address_or_password_is_refused(db, passwords, email, password):
    with pytest.raises(Invalid):
        await create_admin(db, passwords, email=email, password=password)


async def test_an_address_that_is_taken_is_reported_to_the_operator(db, passwords):
    await create_admin(db, passwords, email="meena@example.com", password=PASSWORD)
    with pytest.raises(Invalid) as error:
        await create_admin(db, passwords, email="MEENA@example.com", password=PASSWORD)
    assert "already" in error.value.errors["email"]
