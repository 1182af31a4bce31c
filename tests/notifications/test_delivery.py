"""Delivery of the outbox: once and in time, also when the mail server fails."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.accounts.email_links import send_reset, send_verification
from app.core import clock
from app.core.db import Database
from app.core.outbox import Outbox
from app.notifications import delivery
from app.notifications.channels.email.transport import SmtpTransport, build_email
from app.notifications.delivery import CLAIM_LEASE, MAX_ATTEMPTS, OutboxWorker, retry_delay
from app.notifications.mailbox import delivered_message
from app.notifications.messages import RenderedMessage
from app.settings import Settings
from tasks.notifications import drain_outbox
from tests.application import task_context
from tests.factories import a_customer
from tests.notifications.conftest import rows


async def write_mails(database: Database, user, number: int, kind: str = "password_changed") -> None:
    async with database.work() as db:
        now = clock.now()
        for n in range(number):
            mail = Outbox(
                kind=kind, recipient_id=user.id, dedupe_key=f"{kind}:{n}", created_at=now, due_at=now, data={}
            )
            db.add(mail)


@pytest.fixture
async def asha(own_database):
    async with own_database.work() as db:
        return await a_customer(db, "Asha Raman", email="asha@example.com")


async def test_an_email_arrives_whole(own_database, asha, worker, sink):
    await write_mails(own_database, asha, 1)
    assert await worker.drain() == 1
    (message,) = sink.emails
    assert sink.envelopes == ["asha@example.com"]
    assert message["From"] == "Doorstep <hello@doorstep.example>"
    assert message["To"] == "asha@example.com"
    assert message["Subject"] == "Your password was changed"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@doorstep.example>")
    plain, html = message.iter_parts()
    assert plain.get_content_type() == "text/plain"
    assert html.get_content_type() == "text/html"
    assert "Vanakkam Asha" in plain.get_content()
    (row,) = await rows(own_database)
    assert row.sent_at
    assert row.attempts == 1
    assert row.claimed_until is None


async def test_two_workers_send_each_email_once(own_database, asha, renderer, sink, settings):
    await write_mails(own_database, asha, 60)
    workers = [OutboxWorker(own_database, renderer, SmtpTransport(sink.url), settings) for _ in range(4)]
    sent = await asyncio.gather(*(worker.drain() for worker in workers))
    assert sum(sent) == 60 == len(sink.emails)
    assert len({message["Message-ID"] for message in sink.emails}) == 60
    assert await workers[0].drain() == 0


async def test_an_email_put_off_is_tried_again_with_the_same_id(own_database, asha, worker, sink):
    await write_mails(own_database, asha, 1)
    sink.refuse = "451 try again later"
    assert await worker.drain() == 0
    (row,) = await rows(own_database)
    assert row.sent_at is None
    assert row.parked_at is None
    assert row.last_error == "deferred with 451"
    assert await worker.drain() == 0
    sink.refuse = None
    with clock.freeze(row.due_at + timedelta(seconds=1)):
        assert await worker.drain() == 1
    (message,) = sink.emails
    with clock.freeze(row.due_at + timedelta(days=2)):
        assert await worker.drain() == 0
    assert (
        message["Message-ID"]
        == build_email(RenderedMessage("a@b.in", "s", "h", "t"), row, "x@y.in", "doorstep.example")["Message-ID"]
    )


async def test_an_email_refused_for_good_is_parked_and_holds_no_one_up(own_database, asha, worker, sink):
    async with own_database.work() as db:
        unreachable = await a_customer(db, "Gone Away", email="gone@example.com")
    await write_mails(own_database, unreachable, 1, "password_changed")
    async with own_database.work() as db:
        now = clock.now()
        db.add(
            Outbox(kind="password_changed", recipient_id=asha.id, dedupe_key="b", created_at=now, due_at=now, data={})
        )
    sink.refuse, sink.only_for = "550 no such user", "gone@example.com"
    assert await worker.drain() == 1
    assert sink.envelopes == ["asha@example.com"]
    first, second = await rows(own_database)
    assert first.parked_at
    assert first.last_error == "refused with 550"
    assert second.sent_at


async def test_a_stalling_server_costs_patience_and_no_email(own_database, asha, worker, sink):
    await write_mails(own_database, asha, 3)
    sink.stall = 4
    began = asyncio.get_running_loop().time()
    assert await worker.drain() == 0
    assert asyncio.get_running_loop().time() - began < 4
    waiting = await rows(own_database)
    assert all(row.due_at > clock.now() and row.claimed_until is None for row in waiting)
    sink.stall = 0
    with clock.freeze(clock.now() + timedelta(minutes=1)):
        assert await worker.drain() == 3


async def test_without_a_server_emails_wait_longer_and_longer_and_are_parked_at_last(
    own_database, asha, renderer, settings
):
    await write_mails(own_database, asha, 1)
    worker = OutboxWorker(own_database, renderer, SmtpTransport("smtp://127.0.0.1:1", timeout=0.5), settings)
    waits, now = [], clock.now()
    for _ in range(MAX_ATTEMPTS):
        with clock.freeze(now):
            assert await worker.drain() == 0
        (row,) = await rows(own_database)
        waits.append(row.due_at - now)
        now = max(row.due_at, now) + timedelta(seconds=1)
    assert row.parked_at
    assert row.attempts == MAX_ATTEMPTS
    assert waits[:3] == [timedelta(seconds=20), timedelta(minutes=1), timedelta(minutes=3)]
    assert retry_delay(9) == timedelta(hours=24)


async def test_a_worker_that_died_with_emails_in_its_batch_loses_none(own_database, asha, worker, sink):
    await write_mails(own_database, asha, 5)
    assert len(await worker._claim()) == 5
    assert await worker.drain() == 0
    with clock.freeze(clock.now() + timedelta(minutes=11)):
        assert await worker.drain() == 5


async def test_an_email_that_cannot_be_written_does_not_hold_up_the_others(own_database, asha, worker, sink):
    await write_mails(own_database, asha, 1, "a_kind_without_templates")
    await write_mails(own_database, asha, 2)
    assert await worker.drain() == 2
    poison = (await rows(own_database))[0]
    assert poison.last_error == "TemplateNotFound"
    assert poison.sent_at is None


@pytest.mark.parametrize("where", ["recipient", "subject"])
def test_no_line_break_gets_into_a_header(where):
    message: dict[str, Any] = {"recipient": "a@b.in", "subject": "Hello", "html": "h", "text": "t"}
    message[where] += "\r\nBcc: everybody@example.com"
    mail = Outbox(dedupe_key="x", created_at=clock.now())
    with pytest.raises(ValueError, match=r"."):
        build_email(RenderedMessage(**message), mail, "Doorstep <x@y.in>", "y.in")


async def test_a_name_full_of_tricks_stays_text(own_database, worker, sink):
    name = "Asha <script>alert(1)</script>\r\nBcc: everybody@example.com"
    async with own_database.work() as db:
        asha = await a_customer(db, name, email="asha@example.com")
    await write_mails(own_database, asha, 1)
    assert await worker.drain() == 1
    (message,) = sink.emails
    assert message["Bcc"] is None
    assert sink.envelopes == ["asha@example.com"]
    assert "<script>" not in list(message.iter_parts())[1].get_content()


async def test_a_link_is_erased_once_sent_in_production_only(
    own_database, own_url, asha, renderer, sink, encryption, settings
):
    production = Settings.from_env(
        {
            "DOORSTEP_ENV": "production",
            "DATABASE_URL": own_url,
            "REDIS_URL": "redis://localhost/0",
            "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
            "BASE_URL": "https://doorstep.example",
            "SMTP_URL": sink.url,
            "MAIL_FROM": "hello@doorstep.example",
            "UPLOADS_DIR": "/var/lib/doorstep",
            "METRICS_TOKEN": "a token for the machines",
            "TRUSTED_PROXIES": "1",
            "LOG_LEVEL": "info",
        }
    )
    for result, stored in ((production, False), (settings, True)):
        async with own_database.work() as db:
            await send_verification(db, encryption, asha, asha.email)
        assert await OutboxWorker(own_database, renderer, SmtpTransport(sink.url), result).drain() == 1
        assert ("token" in (await rows(own_database))[-1].data) is stored
        assert "https://doorstep.example/verify/" in list(sink.emails[-1].iter_parts())[0].get_content()


async def test_a_link_for_an_unknown_address_is_dropped_without_a_trace(own_database, asha, worker, sink, encryption):
    async with own_database.work() as db:
        await send_reset(db, encryption, "nobody@example.com")
        await send_reset(db, encryption, "ASHA@example.com")
    assert await worker.drain() == 1
    assert sink.envelopes == ["asha@example.com"]
    async with own_database.work() as db:
        assert await db.scalar(text("SELECT count(*) FROM outbox o WHERE o::text LIKE '%nobody%'")) == 0


async def test_the_task_sends_what_waits_and_without_a_server_keeps_it_as_delivered(
    own_database, own_url, asha, sink, encryption
):
    await write_mails(own_database, asha, 2)
    env = {"DOORSTEP_ENV": "test", "DATABASE_URL": own_url}

    def context(settings):
        return task_context(own_database, settings, encryption=encryption)

    assert await drain_outbox(context(Settings.from_env(env | {"SMTP_URL": sink.url}))) == 2
    assert len(sink.emails) == 2
    await write_mails(own_database, asha, 1, kind="account_unblocked")  # outdated: never blocked
    await write_mails(own_database, asha, 3, kind="email_changed")
    assert await drain_outbox(context(Settings.from_env(env))) == 3
    assert [(row.kind, bool(delivered_message(row, encryption))) for row in await rows(own_database)] == [
        *[("password_changed", False)] * 2,
        ("account_unblocked", False),
        *[("email_changed", True)] * 3,
    ]
    assert len(sink.emails) == 2


async def test_a_worker_who_stood_still_does_not_send_what_others_have_sent(own_database, asha, worker, sink):
    """Its process stood still while it held claims, and resumes."""
    await write_mails(own_database, asha, 5)
    batch = await worker._claim()
    with clock.freeze(clock.now() + CLAIM_LEASE + timedelta(seconds=1)):
        assert await worker.drain() == 5
    assert await worker._send_batch(batch) == 0
    assert len(sink.emails) == 5


async def test_who_is_slow_keeps_its_emails(own_database, asha, worker, sink, monkeypatch):
    monkeypatch.setattr(delivery, "RENEWAL_SECONDS", 0.1)
    await write_mails(own_database, asha, 3)
    sink.stall = 0.6
    draining = asyncio.create_task(worker.drain())
    claims = set()
    while not draining.done():
        claims |= {row.claimed_until for row in (await rows(own_database))[-1:] if row.sent_at is None}
        await asyncio.sleep(0.05)
    assert await draining == 3
    assert len(claims - {None}) > 4, "the last message's claim was not renewed while the others went out"
    assert len(sink.emails) == 3
