"""The receipt of a handover: written with the completion, complete, immutable, and the customer's alone."""

import hashlib
import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.bookings.completion import complete_booking
from app.bookings.expiry import complete_overdue_jobs
from app.bookings.repository import Bookings
from app.check.run import find_violations
from app.core import clock
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.signing import canonical_json, is_signed_with, read_token
from app.jobs.acceptance import accept
from app.listeners import install_listeners
from tests.factories import a_customer, a_professional, a_request, a_service

ENCRYPTION = Encryption("a secret for tests only")


class DoorScene:
    """A started job of Ravi's for Asha, without a web process."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def prepare(self) -> "DoorScene":
        install_listeners()
        async with self.database.work() as db:
            service = await a_service(db)
            self.ravi = await a_professional(db, services=[service])
            self.asha = await a_customer(db)
            self.reference = (await a_request(db, self.asha, service)).reference
            booking = await accept(db, self.ravi, self.reference, ENCRYPTION)
            booking.start(self.ravi, booking.live_code("start"), ENCRYPTION)
        return self

    async def complete(self) -> None:
        async with self.database.work() as db:
            booking = await Bookings(db).for_professional(self.ravi, self.reference, lock=True)
            await complete_booking(db, booking, self.ravi, booking.live_code("finish"), ENCRYPTION)

    async def payload(self) -> dict:
        async with self.database.work() as db:
            receipt = await db.scalar(
                text(
                    "SELECT receipt FROM handover_receipts r JOIN bookings b ON b.id = r.booking_id"
                    " WHERE b.reference = :ref"
                ),
                {"ref": self.reference},
            )
        token = read_token(receipt)
        assert is_signed_with(token, ENCRYPTION.signing_key.public_key)
        assert canonical_json(json.loads(token.payload)) == token.payload
        return json.loads(token.payload)

    async def row(self, query: str):
        async with self.database.work() as db:
            return (await db.execute(text(query), {"ref": self.reference})).one()


@pytest.fixture
async def door(database):
    return await DoorScene(database).prepare()


async def test_the_finish_code_signs_a_receipt_in_the_same_transaction(door):
    await door.complete()
    payload = await door.payload()
    booking = await door.row("SELECT * FROM bookings WHERE reference = :ref")
    assert payload["type"] == "doorstep-handover/1"
    assert payload["booking"] == door.reference
    assert payload["service"] == {"id": booking.service_id, "name": booking.service_name}
    assert payload["customer"] == f"user-{door.asha.id}"
    assert payload["professional"] == f"user-{door.ravi.id}"
    assert payload["price"] == {
        "currency": "INR",
        "agreed_paise": booking.price,
        "extras_paise": [],
        "total_paise": booking.price,
    }
    assert payload["completed_by"] == "finish_code"
    completed = booking.completed_at.astimezone(clock.IST).isoformat(timespec="seconds")
    assert payload["times"]["completed"] == completed


async def test_a_receipt_has_no_names_and_no_places(door):
    await door.complete()
    words = json.dumps(await door.payload(), ensure_ascii=False)
    person = await door.row(
        "SELECT u.full_name, u.email, u.phone, b.address, b.pincode FROM bookings b"
        " JOIN users u ON u.id = b.customer_id WHERE b.reference = :ref"
    )
    assert not [value for value in person if value and value in words]


async def test_the_codes_are_proven_by_our_record_and_cannot_be_guessed(door):
    codes = {}
    async with door.database.work() as db:
        booking = await Bookings(db).by_reference(door.reference)
        codes["finish"] = booking.live_code("finish").reveal(ENCRYPTION, door.reference)
    await door.complete()
    payload = await door.payload()
    for phase in ("start", "finish"):
        proof = payload["codes"][phase]
        async with door.database.work() as db:
            digest = await db.scalar(
                text(
                    "SELECT c.digest FROM codes c JOIN bookings b ON b.id = c.booking_id"
                    " WHERE b.reference = :ref AND c.phase = :phase AND c.used_at IS NOT NULL"
                ),
                {"ref": door.reference, "phase": phase},
            )
        assert proof["digest"] == hashlib.sha256(bytes.fromhex(proof["salt"]) + digest).hexdigest()
    salt = bytes.fromhex(payload["codes"]["finish"]["salt"])
    guesses = (hashlib.sha256(salt + codes["finish"].encode()).hexdigest(),)
    assert payload["codes"]["finish"]["digest"] not in guesses


async def test_the_head_of_the_history_is_the_event_of_the_completion(door):
    await door.complete()
    history = (await door.payload())["history"]
    event = await door.row(
        "SELECT seq, name, encode(hash, 'hex') AS hash, facts FROM events"
        " WHERE subject = 'booking-' || :ref ORDER BY seq DESC LIMIT 1"
    )
    assert (history["events"], history["head"], event.name) == (event.seq, event.hash, "booking.completed")
    assert event.facts["receipt"] is True


async def test_approved_extra_work_is_part_of_it(door):
    async with door.database.work() as db:
        booking = await Bookings(db).for_professional(door.ravi, door.reference, lock=True)
        approved = booking.propose_extra(door.ravi, "A new valve", 300_00)
        booking.propose_extra(door.ravi, "A golden tap", 9000_00)
        booking.answer_extra_work(door.asha, approved, approved=True)
    await door.complete()
    price = (await door.payload())["price"]
    assert price["extras_paise"] == [300_00]
    assert price["total_paise"] == price["agreed_paise"] + 300_00


async def test_the_clock_signs_one_too(door):
    async with door.database.work() as db:
        await db.execute(
            text(
                "UPDATE bookings SET started_at = now() - interval '2 days', starts_at = now() - interval '2 days',"
                " ends_at = now() - interval '47 hours' WHERE reference = :ref"
            ),
            {"ref": door.reference},
        )
    async with door.database.work() as db:
        assert await complete_overdue_jobs(db, ENCRYPTION) == 1
    payload = await door.payload()
    assert (payload["completed_by"], payload["codes"]["finish"]) == ("clock", None)
    assert payload["codes"]["start"] is not None


async def test_nothing_is_signed_when_the_completion_fails(door, monkeypatch):
    def fail(*_args, **_options):
        raise RuntimeError

    monkeypatch.setattr("app.bookings.completion.charges.capture", fail)
    with pytest.raises(RuntimeError):
        await door.complete()
    count = await door.row(
        "SELECT count(*) FROM handover_receipts r JOIN bookings b ON b.id = r.booking_id WHERE b.reference = :ref"
    )
    assert count == (0,)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE handover_receipts SET receipt = receipt",
        "DELETE FROM handover_receipts",
        "UPDATE receipt_keys SET public_key = public_key",
        "DELETE FROM receipt_keys",
    ],
)
async def test_the_database_refuses_to_change_one(door, change):
    await door.complete()
    with pytest.raises(DBAPIError):
        await door.row(change)


async def test_the_check_finds_nothing(door):
    await door.complete()
    async with door.database.work() as db:
        found = await find_violations(db)
    assert [violation for violation in found if "receipt" in violation.rule] == []


async def test_it_is_the_customers_alone(handover, scene, visitor):
    path = f"/bookings/{handover.reference}/handover.json"
    omar, ravi = await scene.browser(scene.omar), await scene.browser(scene.ravi)
    assert (await omar.get(path)).status_code == 404
    assert (await ravi.get(path)).status_code == 403
    assert (await visitor.get(path)).status_code == 303
    answer = await handover.asha.get(path)
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"receipt", "payload"}


async def test_there_is_none_before_the_job_is_done(scene):
    asha = await scene.browser(scene.asha)
    reference = await scene.paid(asha)
    assert (await asha.get(f"/bookings/{reference}/handover.json")).status_code == 404
    assert "/receipts/verify" not in [
        link.partition("?")[0] for link in (await asha.visit(f"/bookings/{reference}/receipt")).links if "?" in link
    ]
