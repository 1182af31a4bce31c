"""The inbox and the preferences: read and unread items, muted topics, quiet hours, one-click unsubscribing."""

import re
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text

from app.accounts.repository import Users
from app.bookings.repository import Bookings
from app.check.run import find_violations
from app.core import clock
from app.core.encryption import Encryption
from app.core.outbox import Outbox
from app.jobs.acceptance import accept
from app.notifications.inbox import InboxItem
from app.notifications.kinds import BULK, KINDS, NOW, SOON
from app.notifications.preference import NotificationPreferences, unsubscribe_token
from app.notifications.preference_repository import PreferenceRepository
from tests import application
from tests.factories import a_customer
from tests.notifications.conftest import rows
from tests.person import Person


@pytest.fixture
def own_encryption(settings) -> Encryption:
    return Encryption(settings.secret_key)


@pytest.fixture
async def app(settings, services):
    async with application.serving(application.settings(settings.database_url, services.redis_url)) as made:
        yield made


@pytest.fixture
async def accepted(own_database, town, own_encryption):
    async with own_database.work() as db:
        return await accept(db, town.ravi, town.booking.reference, own_encryption)


@pytest.fixture
async def asha(app, accepted, town, own_database):
    async with Person(app) as person:
        yield await person.signed_in_as(town.asha, own_database)


async def test_a_new_notice_rings_the_bell_until_it_is_read(asha, accepted):
    page = await asha.visit("/notices")
    assert ">, unread<" in page.text
    notified = [form.action for form in page.forms if re.fullmatch(r"/notices/\d+", form.action)]
    assert page.text.count(">New<") == len(notified) == 2
    for item in notified:
        assert ">, unread<" in (await asha.visit("/notices/bell")).text
        assert (await asha.submit(page, item)).location == f"/bookings/{accepted.reference}"
    assert ">, unread<" not in (await asha.visit("/notices")).text


async def test_all_are_read_at_once(asha):
    page = await asha.visit("/notices")
    assert (await asha.submit(page, "/notices/read")).status == 303
    assert ">, unread<" not in (await asha.visit("/notices")).text


async def test_no_one_reads_or_marks_what_is_someone_elses(asha, town, own_database):
    async with own_database.work() as db:
        his = await db.scalar(select(InboxItem.id).where(InboxItem.user_id == town.ravi.id))
    assert (await asha.post_fields(f"/notices/{his}", {})).status == 404
    assert (await asha.post_fields("/notices/9223372036854775808", {})).status == 404
    await asha.post_fields("/notices/read", {})
    async with own_database.work() as db:
        assert (await db.get(InboxItem, his)).read_at is None


async def test_notices_go_page_by_page(asha, town, own_database):
    async with own_database.work() as db:
        for number in range(45):
            row = {"kind": "password_changed", "data": {}, "dedupe_key": f"x{number}", "created_at": clock.now()}
            db.add(InboxItem(user_id=town.asha.id, **row))
    page, viewed = await asha.visit("/notices"), 0
    while True:
        viewed += page.text.count("line--press")
        more = [link for link in page.links if link.startswith("/notices?after=")]
        if not more:
            break
        page = await asha.visit(more[0])
    assert viewed == 47
    assert (await asha.get("/notices?after=banana")).status_code == 404


async def test_what_is_muted_in_the_app_is_not_listed_and_what_is_muted_by_mail_not_sent(
    asha, town, own_database, worker, sink, own_encryption
):
    page = await asha.visit("/profile/notices")
    form = page.form("/profile/notices")
    assert set(form.choices["wanted"]) >= {"bookings.email", "reminders.inbox", "reports.email"}
    requested = [item for item in form.choices["wanted"] if not item.startswith("bookings.")]
    sent = [("since", ""), ("until", ""), ("_csrf_token", form.fields["_csrf_token"])]
    answer = await asha.post(
        "/profile/notices",
        content="&".join(f"{name}={value}" for name, value in [*sent, *(("wanted", item) for item in requested)]),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 303, answer.text
    async with own_database.work() as db:
        preferences = await PreferenceRepository(db).of(town.asha.id)
        booking = await Bookings(db).by_reference(town.booking.reference, lock=True)
        booking.start(town.ravi, booking.live_code("start"), own_encryption)
        booking.complete(town.ravi, booking.live_code("finish"))
    assert preferences.muted == {("bookings", "inbox"), ("bookings", "email")}
    assert "Done:" not in (await asha.visit("/notices")).text
    await worker.drain()
    kinds = {row.kind: row.last_error for row in await rows(own_database) if row.recipient_id == town.asha.id}
    assert kinds["booking_completed"] == "muted"
    assert kinds["booking_started"] != "muted"  # cannot be


async def test_quiet_hours_hold_back_what_can_wait_and_nothing_else(own_database, worker, sink):
    now = datetime(2026, 11, 24, 23, 0, tzinfo=clock.IST)
    async with own_database.work() as db:
        asha = await a_customer(db, "Asha Raman")
        await PreferenceRepository(db).replace(asha.id, [], (22 * 60, 7 * 60))
        for kind in ("paper_running_out", "password_changed"):
            row = {"kind": kind, "recipient_id": asha.id, "dedupe_key": kind, "created_at": now, "due_at": now}
            db.add(Outbox(**row, data={"kind": "identity", "days": 7, "until": "2026-12-01"}))
    with clock.freeze(now):
        assert await worker.drain() == 1
    waiting = {row.kind: row for row in await rows(own_database)}["paper_running_out"]
    assert (waiting.sent_at, waiting.attempts) == (None, 0)
    assert waiting.due_at == datetime(2026, 11, 25, 7, 0, tzinfo=clock.IST)
    with clock.freeze(waiting.due_at):
        assert await worker.drain() == 1


@pytest.mark.parametrize(
    ("quiet", "hour", "until"),
    [
        ((1320, 420), "23:30", "2026-11-25T07:00"),
        ((1320, 420), "06:59", "2026-11-24T07:00"),
        ((1320, 420), "07:00", None),
        ((1320, 420), "21:59", None),
        ((540, 600), "09:30", "2026-11-24T10:00"),
        ((540, 600), "10:00", None),
        ((0, 1439), "00:00", "2026-11-24T23:59"),
    ],
)
def test_quiet_hours_go_over_midnight_in_indias_time(quiet, hour, until):
    now = datetime.fromisoformat(f"2026-11-24T{hour}").replace(tzinfo=clock.IST)
    notified = NotificationPreferences(frozenset(), quiet).quiet_until(now)
    assert notified == (datetime.fromisoformat(until).replace(tzinfo=clock.IST) if until else None)


@pytest.mark.parametrize(
    ("since", "until"), [("22:00", ""), ("", "7"), ("24:30", "07:00"), ("22:00", "22:00"), ("x", "y")]
)
async def test_quiet_hours_that_are_none_are_shown_beside_the_field(asha, since, until):
    page = await asha.visit("/profile/notices")
    sent = await asha.submit(page, "/profile/notices", since=since, until=until)
    assert sent.status == 422
    assert "-error" in sent.text
    assert sent.form("/profile/notices").fields["since"] == since


async def test_one_click_ends_a_kind_of_mail_without_signing_in(app, town, own_database):
    token = unsubscribe_token(app.state.services.encryption, town.asha.id, "reports")
    async with Person(app) as visitor:
        page = await visitor.visit(f"/unsubscribe/{token}")
        assert "Monthly report" in page.text
        async with own_database.work() as db:
            assert (await PreferenceRepository(db).of(town.asha.id)).muted == frozenset()  # looking changes nothing
        answer = await visitor.post(f"/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        repeated = await visitor.post(f"/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"})
        assert repeated.status_code == 200
    async with own_database.work() as db:
        assert (await PreferenceRepository(db).of(town.asha.id)).muted == {("reports", "email")}
        notified = await db.scalar(text("SELECT count(*) FROM events WHERE name = 'person.notices_changed'"))
        assert notified == 1
        assert await find_violations(db) == []


@pytest.mark.parametrize("token", ["", "1.reports.x", "x.reports.AAAA", "1.codes.AAAA", "1.reports"])
async def test_a_made_up_address_ends_nothing(app, token):
    async with Person(app) as visitor:
        assert (await visitor.post(f"/unsubscribe/{token}")).status_code == 404


async def test_a_mail_of_a_kind_that_can_be_ended_says_how(own_database, town, worker, sink):
    await worker.drain()
    by_kind = {message["Subject"]: message for message in sink.emails}
    assert by_kind
    async with own_database.work() as db:
        person = await Users(db).get(town.asha.id)
    for message in sink.emails:
        kinds = [row.kind for row in await rows(own_database) if row.recipient_id == person.id]
        ends = any(KINDS[kind].topic for kind in kinds)
        if message["List-Unsubscribe"]:
            assert ends
            assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert "/unsubscribe/" in message["List-Unsubscribe"]


async def test_a_code_goes_out_before_a_thousand_reports(own_database, worker, sink):
    now = clock.now()
    async with own_database.work() as db:
        asha = await a_customer(db, "Asha Raman")
        for number, priority in [*((n, BULK) for n in range(40)), (98, SOON), (99, NOW)]:
            row = {"kind": "password_changed", "recipient_id": asha.id, "dedupe_key": f"m{number}", "data": {}}
            db.add(Outbox(**row, priority=priority, created_at=now, due_at=now))
    first = await worker._claim()
    assert [row.priority for row in first][:3] == [NOW, SOON, BULK]


def test_every_kind_of_mail_is_written_down():
    files = Path(__file__).parents[2] / "templates" / "emails"
    assert {name for name, kind in KINDS.items() if not kind.digest} == {
        path.stem for path in files.glob("*.txt") if not path.name.startswith("_")
    }
