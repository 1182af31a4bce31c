"""The demo town shows every state and every kind of ending at any hour; its history survives being killed."""

import asyncio
import io
from datetime import date, timedelta
from pathlib import Path

import pytest
from PIL import Image
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.extra import ExtraState
from app.bookings.moves import ENDS, State
from app.check.run import find_violations
from app.core import clock
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.pubsub import DEMO_KEY, Bus
from app.core.secrets import Passwords
from app.core.storage import Storage
from app.dev.demo_history import write_present
from app.dev.demo_people import PROFESSIONAL_EMAIL
from app.dev.demo_town import load_town
from app.dev.seed import seed_history, seed_people, seed_present
from app.payments.charge import ChargeState
from tests.processes import DOORSTEP, environment, run_command
from tests.services import Services
from tests.waiting import until_waiting

SECRET = "the demo town of the tests, of 32 bytes"  # pragma: allowlist secret
# Minutes after midnight in Asia/Kolkata: 00:05, 03:00, 08:59, 12:30, 19:55, 23:58.
MINUTES = (5, 180, 539, 750, 1195, 1438)
NIGHT = (5, 1438)
TODAY = clock.today()
MONTHS_END = TODAY.replace(day=1) - timedelta(days=1)
FULL_SET = {
    "SELECT state FROM bookings": set(State),
    "SELECT cancelled_as FROM bookings WHERE state = 'cancelled'": set(ENDS),
    "SELECT state FROM extras": set(ExtraState),
    "SELECT b.cancelled_as FROM disputes d JOIN bookings b ON b.id = d.booking_id": {"no_show"},
    "SELECT completed_automatically FROM bookings WHERE state IN ('completed', 'closed')": {True, False},
    "SELECT fee > 0 FROM bookings WHERE cancelled_as = 'customer'": {True, False},
    "SELECT payment FROM bookings WHERE payment IS NOT NULL": {"card", "upi", "after"},
    "SELECT state FROM charges": {
        ChargeState.AUTHORISED,
        ChargeState.CAPTURED,
        ChargeState.RELEASED,
        ChargeState.DUE,
        ChargeState.PAID,
    },
    # Who is on the way, who is at the door, and who has only accepted.
    "SELECT (departed_at IS NOT NULL)::int + (arrived_at IS NOT NULL)::int FROM bookings WHERE state = 'assigned'": {
        0,
        1,
        2,
    },
    # An objection that waits is not old: the queue of a new town is not red.
    "SELECT queue_at > clock_at FROM cases, now_of_town WHERE state = 'open'": {True},
    # Offered to one professional first, and to all.
    "SELECT exclusive_until IS NOT NULL FROM bookings WHERE state = 'requested'": {True, False},
}


# But for tips and credit, which are added to a history that is written already.
OLDER_BEFORE_NEWER = """
    SELECT max(r.id) FILTER (WHERE b.starts_at < now() - interval '9 days')
           < min(r.id) FILTER (WHERE b.starts_at > now() - interval '6 days')
      FROM bookings b
      JOIN (SELECT 1 AS kind, id, id AS booking_id FROM bookings
            UNION ALL SELECT 2, id, booking_id FROM ledger_transactions WHERE kind NOT IN ('tip', 'credit')
            UNION ALL SELECT 3, id, booking_id FROM reviews) r ON r.booking_id = b.id
     GROUP BY r.kind
"""


# What the pages about money show, and at least how often.
MONEY = {
    "SELECT count(*) FROM coupons": 2,
    "SELECT count(*) FROM credit_balances WHERE balance > 0": 3,
    "SELECT count(*) FROM referrals WHERE outcome = 'granted'": 1,
    "SELECT count(*) FROM bank_accounts": 40,
    "SELECT count(*) FROM tips WHERE state = 'paid'": 20,
    "SELECT count(*) FROM payouts WHERE state = 'paid'": 20,
    "SELECT count(DISTINCT state) FROM payouts": 3,
    "SELECT count(*) FROM invoices": 500,
    # On the days when the jobs were done.
    "SELECT count(DISTINCT at::date) FROM ledger_transactions WHERE kind = 'capture'": 60,
    # The demo professional's earnings, statements and account.
    "SELECT count(*) FROM payouts p JOIN users u ON u.id = p.professional_id"
    " WHERE u.email = 'professional@example.com'": 1,
}


@pytest.mark.timeout(420)
@pytest.mark.parametrize(("day", "minutes"), [(TODAY, MINUTES), (MONTHS_END, NIGHT)], ids=["today", "month's end"])
async def test_every_state_and_every_kind_of_ending_is_there_at_any_hour(
    db: AsyncSession, tmp_path: Path, day: date, minutes: tuple[int, ...]
) -> None:
    encryption, storage = Encryption(SECRET), Storage(tmp_path)
    await db.execute(text("SET LOCAL statement_timeout = '10min'"))  # as the command has
    with clock.freeze(clock.at(day)):
        await seed_people(db, Passwords(encryption, cheap=True), storage)
    await db.execute(text("CREATE TEMPORARY TABLE now_of_town (clock_at timestamptz)"))
    for minute in minutes:
        savepoint = await db.begin_nested()
        with clock.freeze(clock.at(day, minute) + timedelta(seconds=17)):
            town = await load_town(db)
            assert town is not None
            await write_present(db, town, encryption)
            await db.execute(text("INSERT INTO now_of_town VALUES (:now)"), {"now": clock.now()})
        await db.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        for query, expected in FULL_SET.items():
            assert set(await db.scalars(text(query))) == expected, (minute, query)
        if minute in (minutes[0], minutes[-1]):  # to look at everything takes longer than to make it
            assert await find_violations(db, storage) == [], minute
        await savepoint.rollback()


async def test_half_of_the_professionals_have_a_drawn_and_checked_photo(db: AsyncSession, tmp_path: Path) -> None:
    encryption, storage = Encryption(SECRET), Storage(tmp_path)
    await seed_people(db, Passwords(encryption, cheap=True), storage)
    shown = (
        await db.execute(
            text(
                "SELECT u.email, d.stored_as FROM documents d JOIN users u ON u.id = d.professional_id"
                " WHERE d.kind = 'photo' AND d.state = 'approved' ORDER BY d.id"
            )
        )
    ).all()
    assert shown[0].email == PROFESSIONAL_EMAIL
    assert 20 <= len(shown) <= 30
    photos = [storage.path(row.stored_as).read_bytes() for row in shown]
    assert len({*photos}) > len(photos) // 2, "they differ"
    with Image.open(io.BytesIO(photos[0])) as photo:
        assert (photo.format, photo.size) == ("JPEG", (256, 256))
    assert max(map(len, photos)) < 12_000


@pytest.mark.slow
async def test_a_history_that_was_killed_half_way_is_written_once(
    services: Services, own_url: str, own_database: Database, tmp_path: Path
) -> None:
    encryption, storage = Encryption(SECRET), Storage(tmp_path)
    env = environment(own_url, services.redis_url, UPLOADS_DIR=str(tmp_path), SECRET_KEY=SECRET)
    async with own_database.work() as db:
        assert await seed_present(db, encryption, Passwords(encryption, cheap=True), storage)
    present = await count_bookings(own_database)
    async with own_database.work() as blocking:
        await blocking.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))  # on a busy machine it waits
        await blocking.execute(text("LOCK TABLE reviews IN EXCLUSIVE MODE"))
        killed = await asyncio.create_subprocess_exec(DOORSTEP, "seed", "--part", "history", env=env)
        await until_waiting(own_database, 1)  # the bookings are written, their reviews are not
        killed.kill()
        await killed.wait()
    assert await count_bookings(own_database) == present
    assert await shown_state(services) == "filling"

    await run_command(env, "seed")
    assert await shown_state(services) == "ready"
    whole = await count_bookings(own_database)
    assert whole > present + 1_000
    async with own_database.work() as db:
        for query, least in MONEY.items():
            assert await db.scalar(text(query)) >= least, query
        assert await seed_history(db, encryption) is None
        # Lists that are sorted by id stay in the order of time.
        assert set(await db.scalars(text(OLDER_BEFORE_NEWER))) == {True}
    assert await count_bookings(own_database) == whole


async def count_bookings(database: Database) -> int:
    async with database.sessions() as db:
        return await db.scalar(text("SELECT count(*) FROM bookings")) or 0


async def shown_state(services: Services) -> str | None:
    """What /health/ready shows of the demo town."""
    async with Redis.from_url(services.redis_url, decode_responses=True) as redis:
        return await redis.get(Bus(services.redis_url).prefix + DEMO_KEY)
