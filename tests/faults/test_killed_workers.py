"""A worker is killed while working: the others claim its work within a minute, and nothing is lost.

Only emails in transit at that moment may arrive twice, with the same Message-ID.
"""

import csv
import io
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from app.bookings.cancellation import cancel_booking
from app.core import clock
from app.core.schedule import ScheduleRun
from app.exports import lifecycle
from app.exports.export import Export
from app.reports.monthly_statement import month_before
from tests.factories import a_customer, a_professional, a_request, a_service, an_admin
from tests.faults.mail_sink import ACCEPTED, HANGS
from tests.faults.site import Site, until
from tests.waiting import until_waiting

pytestmark = pytest.mark.slow
READER_COUNT = 120  # the first hundred are one portion of the fan-out
EXPORT_ROWS = 50_000  # rows of an export that takes a while
RECOVERY_SECONDS = 55  # a lease ends after 20 seconds, the queue checks every 10 and waits for 5
CROWD = """
    INSERT INTO users (role, full_name, email, phone, password_hash, created_at)
    SELECT 'customer', 'Crowd ' || n, 'crowd' || n || '@example.org', '97' || lpad(n::text, 8, '0'), '-', now()
      FROM generate_series(1, :many) n
"""


@dataclass
class Aftermath:
    """What was under way when the worker was killed, and what became of it."""

    people: list[str]
    readers: list[str]
    in_flight: int
    export_id: int
    tick: datetime
    reports_before: int
    run: ScheduleRun
    took: float


@pytest.fixture(scope="module")
async def aftermath(whole_site: Site) -> Aftermath:
    """One worker processes emails, an export and the monthly fan-out, and is killed; two others start."""
    site = whole_site
    tick, readers = await a_months_readers(site)
    export = await a_long_export(site)
    site.mail.answers = [ACCEPTED] * 5 + [HANGS]
    people = await site.write(20)
    await site.due("send_monthly_reports", tick)
    site.start_worker()
    async with held_up(site, readers[-10], export):
        await until(lambda: is_true(any(item.answer == HANGS for item in site.mail.tries)))
        await until(lambda: is_true(any(site.storage.incoming.glob("*"))))
        await until_waiting(site.database, 2)
        before = await site.scalar("SELECT count(*) FROM monthly_reports")
        killed = time.monotonic()
        await site.end_workers(signal.SIGKILL)
    in_flight = sum(item.answer == HANGS for item in site.mail.tries)
    site.mail.answers = [ACCEPTED]
    await site.both_work()
    run = await site.has_run("send_monthly_reports", tick, RECOVERY_SECONDS)
    await until(lambda: is_ready(site, export), RECOVERY_SECONDS)
    await site.arrived([*people, *readers], RECOVERY_SECONDS)
    return Aftermath(people, readers, in_flight, export.id, tick, before, run, time.monotonic() - killed)


async def test_what_it_had_in_hand_is_done_within_a_minute(aftermath: Aftermath, site: Site):
    assert aftermath.took < 60


async def test_emails_come_once_but_for_those_that_were_on_their_way(aftermath: Aftermath, site: Site):
    all_people = [*aftermath.people, *aftermath.readers]
    got = site.mail.accepted(all_people)
    assert len(got) == len(all_people)
    assert sum(got.values()) - len(all_people) == aftermath.in_flight > 0


async def test_the_monthly_fan_out_goes_on_where_it_was_and_notifies_no_one_twice(aftermath: Aftermath, site: Site):
    assert aftermath.reports_before == 100
    assert aftermath.run.attempts >= 2  # where the machine is slow, one who lives may be taken for silent, too
    assert await site.scalar("SELECT count(*) FROM monthly_reports") == READER_COUNT
    assert await site.scalar("SELECT count(DISTINCT user_id) FROM monthly_reports") == READER_COUNT
    assert await site.scalar("SELECT count(*) FROM outbox WHERE kind = 'monthly_report'") == READER_COUNT
    assert await site.scalar("SELECT count(*) FROM inbox_items WHERE kind = 'monthly_report'") == READER_COUNT


async def test_the_export_is_built_again_and_complete(aftermath: Aftermath, site: Site):
    async with site.database.work() as db:
        export = await db.get_one(Export, aftermath.export_id)
    content = site.storage.path(str(export.stored_as)).read_text()
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert len(rows) == export.rows_total >= EXPORT_ROWS
    assert await site.scalar("SELECT count(*) FROM events WHERE name = 'export.ready'") == 1


async def test_what_the_dead_one_left_on_the_disk_is_swept(aftermath: Aftermath, site: Site):
    left = list(site.storage.incoming.glob("*"))
    assert left, "the worker was killed before it had begun to write"
    for path in (*left, *site.storage.incoming.glob("*/*")):
        os.utime(path, (time.time() - 700,) * 2)
    await site.has_run("sweep_files", await site.due("sweep_files"))
    assert list(site.storage.incoming.glob("*")) == []


async def test_who_is_signalled_to_stop_finishes_its_email_and_leaves_the_rest_to_others(site: Site):
    site.mail.pause = 0.7
    people = await site.write(12)
    await until(lambda: is_true(site.mail.open_connections > 0))
    await site.end_workers(signal.SIGTERM)
    await until(lambda: is_true(site.mail.open_connections == 0))
    left = len(people) - len(site.mail.accepted(people))
    assert left > 0
    assert all(row.claimed_until is None for row in await site.rows(people))
    site.mail.pause = 0
    await site.both_work()
    await site.once(people, within=8)


async def a_months_readers(site: Site) -> tuple[datetime, list[str]]:
    """The tick of the latest reports, and customers who booked in the month before and thought better of it."""
    first_day = clock.today().replace(day=1)
    if clock.at(first_day, 8 * 60) > clock.now():  # in the first night of a month
        first_day = month_before(first_day)
    month, tick = month_before(first_day), clock.at(first_day, 8 * 60)
    with clock.freeze(clock.at(month + timedelta(days=7), 9 * 60)):
        async with site.database.work() as db:
            service = await a_service(db)
            await a_professional(db, services=[service])
            readers = [await a_customer(db, f"Reader {n}") for n in range(READER_COUNT)]
            for reader in readers:
                booking = await a_request(db, reader, service, clock.at(month + timedelta(days=9), 10 * 60))
                await cancel_booking(db, booking, reader, "customer", "Plans changed.")
            await db.execute(text("UPDATE outbox SET sent_at = created_at, attempts = 1"))  # they were notified then
    return tick, [reader.email for reader in readers]


async def a_long_export(site: Site) -> Export:
    async with site.database.work(site.after) as db:
        await db.execute(text(CROWD), {"many": EXPORT_ROWS})
        return await lifecycle.request_export(db, await an_admin(db), "customers", {}, bom=False)


@asynccontextmanager
async def held_up(site: Site, reader: str, export: Export) -> AsyncIterator[None]:
    """Another transaction locks that reader and that export, so that their worker waits."""
    async with site.database.work() as db:
        await db.execute(text("SELECT 1 FROM users WHERE email = :email FOR UPDATE"), {"email": reader})
        await until(lambda: is_in(site, export, "running"))
        await db.execute(text("SELECT 1 FROM exports WHERE id = :id FOR UPDATE"), {"id": export.id})
        yield


async def is_ready(site: Site, export: Export) -> bool:
    return await is_in(site, export, "ready")


async def is_in(site: Site, export: Export, state: str) -> bool:
    return await site.scalar("SELECT state FROM exports WHERE id = :id", id=export.id) == state


async def is_true(found: bool) -> bool:
    return found
