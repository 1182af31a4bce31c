"""What is counted of the ledger every hour, and the entries since, are always the exact sums."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.billing import ledger_day
from app.billing.ledger_day import count_new_entries
from app.billing.payout_repository import Payouts
from app.billing.trial_balance_repository import trial_balance
from app.check.run import find_violations
from app.core import clock
from tests.billing.money import earned
from tests.billing.test_payouts import Town

SUMS = "SELECT account, sum(amount)::bigint FROM ledger_entries GROUP BY account"


@pytest.fixture
async def town(db, app_encryption):
    return await Town(db, app_encryption).set()


async def balances(town):
    return {line.account: line.balance for line in (await trial_balance(town.db)).accounts}


async def exact_balances(town):
    return {row.account: row.sum for row in await town.db.execute(text(SUMS))}


async def due(town):
    payouts = Payouts(town.db)
    lines = await payouts.due(None, clock.now())
    assert lines == await payouts.due(None, clock.now(), [line.professional_id for line in lines])
    return [(line.earnings, line.tips, line.on_hold) for line in lines]


async def miscounted(town):
    violations = await find_violations(town.db)
    return [violation.subject for violation in violations if violation.rule == "counted-ledger-matches-entries"]


async def test_sums_are_exact_before_after_and_between_counting(town):
    await town.earned(100_00, days_ago=9)
    await town.earned(30_00, account="tips")
    await town.earned(5_00, account="payout_held", days_ago=0)
    for _ in range(2):
        assert await due(town) == [(100_00, 30_00, 5_00)]
        assert await balances(town) == await exact_balances(town)
        assert await count_new_entries(town.db, clock.now())
        await town.earned(7_00, days_ago=20)  # the counted day of long ago grows
        assert await due(town) == [(107_00, 30_00, 5_00)]
        assert await balances(town) == await exact_balances(town)
        assert await miscounted(town) == []
        await earned(town.db, town.booking.id, town.ravi, -7_00, clock.now())
    while await count_new_entries(town.db, clock.now()):
        pass
    assert await due(town) == [(100_00, 30_00, 5_00)]
    assert await miscounted(town) == []


async def test_entries_of_the_last_hour_are_not_counted_yet(town):
    await count_new_entries(town.db)
    await town.earned(100_00, days_ago=0)
    assert await count_new_entries(town.db) == 0
    with clock.freeze(clock.now() + timedelta(minutes=61)):
        assert await count_new_entries(town.db) == 2
        assert await count_new_entries(town.db) == 0


async def test_a_statement_counts_a_limited_number(town, monkeypatch):
    for _ in range(5):
        await town.earned(1_00)
    query = "SELECT max(counted_to) - (SELECT min(id) FROM ledger_entries) + 1 FROM ledger_days"
    first = await town.db.scalar(text("SELECT min(id) FROM ledger_entries"))
    monkeypatch.setattr(ledger_day, "COUNT_NEW", ledger_day.COUNT_NEW.replace("500000", str(first + 3)))
    await count_new_entries(town.db)
    assert await town.db.scalar(text(query)) == 4
    while await count_new_entries(town.db):
        pass
    assert await town.db.scalar(text(query)) == 10
    assert await balances(town) == await exact_balances(town)


async def test_the_balance_of_a_day_is_of_counted_and_other_entries(town):
    await town.earned(100_00, days_ago=9)
    await count_new_entries(town.db)
    await town.earned(50_00, days_ago=8)
    for days_ago, expected in ((10, 0), (9, 100_00), (8, 150_00)):
        balance = await trial_balance(town.db, clock.today() - timedelta(days=days_ago))
        assert balance.debit == balance.credit == expected


async def test_a_run_pays_what_the_ledger_says(town):
    await town.earned(100_00, days_ago=9)
    await count_new_entries(town.db)
    await town.earned(30_00, days_ago=2)
    (payout,) = await town.payouts(run := await town.run())
    assert (payout.amount, run.people, run.amount) == (130_00, 1, 130_00)
    assert await due(town) == []
    assert await count_new_entries(town.db, clock.now())
    assert await due(town) == []


async def test_two_who_count_at_once_count_everything_once(scene, asha):
    await scene.done(asha)

    async def count() -> None:
        async with scene.database.work() as db:
            await count_new_entries(db, clock.now())

    await asyncio.gather(*(count() for _ in range(8)))
    async with scene.database.work() as db:
        assert await find_violations(db) == []
        assert await db.scalar(text("SELECT count(*) FROM ledger_days")) > 0
