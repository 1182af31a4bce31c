"""The secret key is rotated while the site is up: before, during and after `doorstep rekey`."""

import base64
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import text

from app.accounts.email_links import send_reset
from app.billing.bank_accounts import TypedAccount, change_bank_account
from app.core.db import Database
from app.core.encrypted_column import EncryptedColumn
from app.core.encryption import Encryption
from app.core.rekey_repository import rekey_batch
from app.core.signing import public_jwk
from app.core.sql import fetch
from app.notifications.mailbox import MailboxConnection, delivered_message
from app.notifications.messages import RenderedMessage
from app.notifications.preference import parse_unsubscribe_token, unsubscribe_token
from app.notifications.repository import OutboxRepository
from app.operations.rekey import ENCRYPTED_COLUMNS, rekey
from app.payments.saved_methods_repository import SavedMethods
from app.webhooks.registration import register, renew
from tests.application import serving, settings
from tests.bookings.scenes import Scene
from tests.factories import PASSWORD, a_start, an_admin
from tests.person import Person
from tests.processes import DOORSTEP, environment, run_command, spawn

OLD = "the key of last year, which is long enough to be one"  # pragma: allowlist secret
NEW = "the key of this year, which is as long as the other!"  # pragma: allowlist secret
# Binary columns under no secret key, or under one for minutes, by what they are.
NOT_ENCRYPTED = {
    "plain digests": {
        "calendar_feeds.digest",
        "device_tokens.digest",
        "documents.sha256",
        "email_links.digest",
        "exports.sha256",
        "idempotency_keys.digest",
        "sessions.digest",
    },
    "chains of events": {"events.hash", "events.previous", "event_values.salt"},
    "signatures": {"handover_receipts.digest", "receipt_keys.public_key"},
    "end after ten minutes": {"sign_in_codes.browser", "sign_in_codes.device", "sign_in_codes.digest"},
}


class Rotation:
    """One database, served under the old key, then under both, then under the new one."""

    def __init__(self, url: str, redis_url: str, stack: AsyncExitStack) -> None:
        self.url, self.redis_url, self._stack = url, redis_url, stack

    async def serve(self, key: str, previous: str = ""):
        more = {"SECRET_KEY": key} | ({"SECRET_KEY_PREVIOUS": previous} if previous else {})
        return await self._stack.enter_async_context(serving(settings(self.url, self.redis_url, **more)))

    async def person(self, app) -> Person:
        return await self._stack.enter_async_context(Person(app))

    def environment(self, key: str, previous: str = "") -> dict[str, str]:
        return environment(self.url, self.redis_url, SECRET_KEY=key, SECRET_KEY_PREVIOUS=previous)


@pytest.fixture
async def rotation(own_url, services):
    async with AsyncExitStack() as stack:
        yield Rotation(own_url, services.redis_url, stack)


@pytest.fixture
async def filled(rotation):
    """The site under the old key, with a value in every encrypted column; (application, scene, two jobs)."""
    app = await rotation.serve(OLD)
    scene = await Scene.set(app)
    own = app.state.services
    hashed = await own.passwords.hash(PASSWORD)
    async with scene.database.work() as db:
        scene.asha.password_hash = hashed
        db.add(scene.asha)
        admin = await an_admin(db)
        webhook, _secret = await register(db, own.encryption, admin, "https://hears.example/all")
        await renew(db, own.encryption, admin, webhook.id)
        await send_reset(db, own.encryption, scene.asha.email)
        await change_bank_account(db, own.encryption, scene.kumar, TypedAccount("Ravi Kumar", upi_id="ravi@okbank"))
    asha = await rotation._stack.enter_async_context(await scene.browser(scene.asha))
    done = await scene.done(asha, method="upi", upi_id="asha@okbank", remember="yes")
    assigned = await scene.paid(asha, a_start(2))
    await scene.accepted(assigned, scene.kumar)
    async with scene.database.work() as db:
        row = await OutboxRepository(db).get((await fetch(db, "SELECT min(id) FROM outbox"))[0][0])
    message = RenderedMessage(row.channel, row.kind, "Subject", "Text")
    await MailboxConnection(scene.database, own.encryption).send(message, row, "", "")
    return app, scene, done, assigned


async def unreadable(database: Database, encryption: Encryption, column: EncryptedColumn) -> tuple[int, int]:
    """How many values there are, and how many of them `encryption` cannot read."""
    query = (
        f"SELECT {column.value}, {column.context} FROM {column.table} t {column.join} WHERE {column.value} IS NOT NULL"
    )
    async with database.work() as db:
        rows = await fetch(db, query)
    return len(rows), sum(encryption.decrypt(value, context) is None for value, context in rows)


async def test_the_list_has_every_encrypted_column_of_the_schema(database):
    async with database.work() as db:
        binary = await fetch(
            db,
            "SELECT table_name || '.' || column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = 'bytea' AND column_name <> 'event_head'",
        )
    known = set().union(*NOT_ENCRYPTED.values())
    listed = {name for column in ENCRYPTED_COLUMNS for name in column.holds}
    assert {name for (name,) in binary} - known == {name for name in listed if ".data." not in name}
    assert known <= {name for (name,) in binary}


async def test_nothing_is_left_under_the_old_key(rotation, filled):
    app, scene, _done, _assigned = filled
    both = (await rotation.serve(NEW, OLD)).state.services
    for column in ENCRYPTED_COLUMNS:
        count, left = await unreadable(scene.database, Encryption(NEW), column)
        assert count == left > 0, f"the test has no value of {column.label}"
    report = await rekey(both.database, both.encryption, both.passwords, batch_size=1)
    assert report.unreadable == 0
    assert all(count.moved for count in report.counts)
    for column in ENCRYPTED_COLUMNS:
        assert (await unreadable(scene.database, Encryption(NEW), column))[1] == 0
        count, left = await unreadable(scene.database, Encryption(OLD), column)
        assert left == count
    again = await rekey(both.database, both.encryption, both.passwords)
    assert [count.moved for count in again.counts] == [0] * len(ENCRYPTED_COLUMNS)


async def test_what_moved_is_what_it_was(rotation, filled):
    app, scene, _done, _assigned = filled
    own = (await rotation.serve(NEW, OLD)).state.services
    await rekey(own.database, own.encryption, own.passwords)
    new = Encryption(NEW)
    async with own.database.work() as db:
        [saved] = await SavedMethods(db, scene.asha).all()
        assert (await SavedMethods(db, scene.asha).instrument(new, str(saved.id))).method == "upi"
        row = await OutboxRepository(db).get((await fetch(db, "SELECT min(id) FROM outbox"))[0][0])
        assert delivered_message(row, new).text == "Text"


async def test_a_code_of_the_old_key_starts_the_job_before_during_and_after(rotation, filled):
    app, scene, _done, first = filled
    asha = scene.people[0]
    second, third = await scene.paid(asha, a_start(3)), await scene.paid(asha, a_start(4))
    references = {"before": first, "during": second, "after": third}
    for reference in (second, third):
        await scene.accepted(reference, scene.ravi)
    both = await rotation.serve(NEW, OLD)
    for moment, reference in references.items():
        worker = scene.kumar if reference == first else scene.ravi
        if moment == "during":
            await _rekey_until_killed(both.state.services, batches=1)
        if moment == "after":
            own = both.state.services
            await rekey(own.database, own.encryption, own.passwords)
            both = await rotation.serve(NEW)
        customer, professional = await rotation.person(both), await rotation.person(both)
        await customer.signed_in_as(scene.asha, scene.database)
        await professional.signed_in_as(worker, scene.database)
        code = (await customer.visit(f"/bookings/{reference}")).data["start-code"]
        sent = await professional.post_fields(f"/jobs/{reference}/start", {"code": code, "early": "yes"})
        assert sent.status == 303, (moment, sent.text)


async def _rekey_until_killed(services, batches: int) -> None:
    """Run it with batches of one, and stop it after so many."""
    done = 0

    async def counting(*args):
        nonlocal done
        if done == batches:
            raise KeyboardInterrupt
        done += 1
        return await rekey_batch(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.operations.rekey.rekey_batch", counting)
        try:
            await rekey(services.database, services.encryption, services.passwords, batch_size=1)
        except KeyboardInterrupt:
            return
    raise AssertionError("it ended by itself")


@pytest.mark.parametrize("batches", [1, 3, 6])
async def test_killed_in_the_middle_it_is_run_again(rotation, filled, batches):
    own = (await rotation.serve(NEW, OLD)).state.services
    await _rekey_until_killed(own, batches)
    for column in ENCRYPTED_COLUMNS:
        assert (await unreadable(own.database, own.encryption, column))[1] == 0
    report = await rekey(own.database, own.encryption, own.passwords)
    assert report.unreadable == 0
    for column in ENCRYPTED_COLUMNS:
        assert (await unreadable(own.database, Encryption(NEW), column))[1] == 0


async def test_a_session_and_an_open_form_go_on(rotation, filled):
    app, scene, _done, assigned = filled
    asha = scene.people[0]
    opened = await asha.visit("/profile")
    token = next(form.fields["_csrf_token"] for form in opened.forms if "_csrf_token" in form.fields)
    cookies = dict(asha.cookies)
    for keys in ((NEW, OLD), (NEW,)):
        person = await rotation.person(await rotation.serve(*keys))
        person.cookies.update(cookies)
        assert (await person.visit(f"/bookings/{assigned}")).status == 200
        sent = await person.post_fields("/profile/addresses", {"_csrf_token": token})
        assert sent.status == (422 if OLD in keys else 403)


async def test_a_password_moves_when_its_owner_signs_in(rotation, filled):
    app, scene, _done, _assigned = filled
    both = await rotation.serve(NEW, OLD)
    own = both.state.services
    before = await rekey(own.database, own.encryption, own.passwords)
    person = await rotation.person(both)
    assert (await person.sign_in(scene.asha.email, "not my password")).status == 422
    assert (await person.sign_in(scene.asha.email, PASSWORD)).status == 303
    after = await rekey(own.database, own.encryption, own.passwords)
    assert after.passwords_left == before.passwords_left - 1
    alone = await rotation.person(await rotation.serve(NEW))
    assert (await alone.sign_in(scene.asha.email, PASSWORD)).status == 303


async def test_who_did_not_sign_in_has_the_code_by_email(rotation, filled):
    _app, scene, _done, _assigned = filled
    app = await rotation.serve(NEW)
    person = await rotation.person(app)
    assert (await person.sign_in(scene.asha.email, PASSWORD)).status == 422
    sent = await person.submit(await person.visit("/login/code"), "/login/code", having="email", email=scene.asha.email)
    assert sent.status == 303
    async with scene.database.work() as db:
        [mail] = await fetch(
            db, "SELECT data ->> 'token', dedupe_key FROM outbox WHERE kind LIKE '%code%' ORDER BY id DESC LIMIT 1"
        )
    code = Encryption(NEW).decrypt(base64.b64decode(mail[0]), mail[1])
    entered = await person.submit(await person.visit("/login/code"), "/login/code", having="code", code=code)
    assert entered.status == 303


async def test_receipts_of_the_old_key_stay_valid(rotation, filled):
    app, scene, done, _assigned = filled
    receipt = (await scene.people[0].get(f"/bookings/{done}/handover.json")).json()["receipt"]
    for keys in ((NEW, OLD), (NEW,)):
        visitor = await rotation.person(await rotation.serve(*keys))
        page = await visitor.post_fields("/receipts/verify", {"receipt": receipt})
        assert page.data["verification"] == "valid"
        published = (await visitor.get("/.well-known/doorstep-keys.json")).json()["keys"]
        for key in (Encryption(OLD).signing_key, Encryption(NEW).signing_key):
            assert public_jwk(key.key_id, key.public_key) in published


def test_a_signing_key_of_its_own_is_no_part_of_the_secret_key():
    secret = "a key for receipts that is long enough"
    before, after = Encryption(OLD, receipt_secret=secret), Encryption(NEW, OLD, secret)
    assert before.signing_key.key_id == after.signing_key.key_id != Encryption(OLD).signing_key.key_id


def test_an_unsubscribe_link_of_the_old_key_is_read():
    token = unsubscribe_token(Encryption(OLD), 7, "bookings")
    assert parse_unsubscribe_token(Encryption(NEW, OLD), token) == (7, "bookings")


async def test_the_command_says_what_it_did_and_what_it_could_not_read(rotation, filled):
    async with filled[1].database.work() as db:
        await db.execute(text("UPDATE saved_methods SET encrypted_token = sha256('lost')"))
    process = spawn(rotation.environment(NEW, OLD), [DOORSTEP, "rekey"])
    assert process.process.wait(60) == 1
    assert "start and finish codes: 1 moved, 0 moved before." in process.output
    assert "remembered payment methods: 0 moved, 0 moved before, 1 unreadable with either key." in process.output
    assert "SECRET_KEY_PREVIOUS is removed" in process.output
    async with filled[1].database.work() as db:
        await db.execute(text("DELETE FROM saved_methods"))
    output = await run_command(rotation.environment(NEW), "rekey")
    assert "start and finish codes: 0 moved, 1 moved before." in output
