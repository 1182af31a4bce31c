"""Redis is killed, frozen or emptied: everything still happens once, only later, and people can book."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.schedule import ScheduleRun
from app.exports import lifecycle
from app.exports.export import Export
from tests.factories import a_customer, a_hold, a_professional, a_service, a_start, an_admin
from tests.faults.site import Site, until

pytestmark = pytest.mark.slow


async def test_two_schedulers_run_each_tick_once(site: Site):
    """Forty ticks, and what they do: times that were not paid are free again, each once."""
    holds = await lapsed_holds(site, 3)
    ticks = [await site.due("expire_holds", clock.now() - timedelta(seconds=n)) for n in range(40)]
    for tick in ticks:
        await site.has_run("expire_holds", tick)
    for subject in holds:
        assert await site.scalar(
            "SELECT count(*) FROM events WHERE subject = :s AND name = 'booking.cancelled'", s=subject
        )
    async with site.database.work() as db:
        runs = list(await db.scalars(select(ScheduleRun).where(ScheduleRun.tick.in_(ticks))))
    assert {run.attempts for run in runs} == {1}
    assert sum(int(run.result) for run in runs) == len(holds)


async def test_killed_mail_and_timetable_go_on_and_it_comes_back(site: Site):
    in_transit = await emails_in_transit(site)
    site.line.kill()
    people = [*in_transit, *await site.write(10), await site.sign_up()]
    run = await site.has_run("prune_keys", await site.due("prune_keys"))
    await site.once(people)
    assert run.attempts == 1
    await until(lambda: reports_health(site, redis="down", worker="up"))
    site.line.start()
    await until(lambda: reports_health(site, redis="up", worker="up"))
    await site.once(await site.write(3))


async def test_frozen_no_one_waits_for_it_and_it_thaws(site: Site):
    in_transit = await emails_in_transit(site)
    site.line.freeze()
    try:
        began = time.monotonic()
        people = [*in_transit, *await site.write(10), await site.sign_up()]
        assert time.monotonic() - began < 8
        run = await site.has_run("prune_keys", await site.due("prune_keys"))
        await site.once(people)
        await until(lambda: reports_health(site, redis="down", worker="up"))
    finally:
        site.line.thaw()
    await until(lambda: reports_health(site, redis="up", worker="up"))
    assert (await site.run_of(run.name, run.tick)).attempts == 1
    await site.once(await site.write(3))


async def test_emptied_what_waited_in_it_happens_all_the_same(site: Site):
    await site.end_workers()
    async with site.database.work(site.after) as db:
        export = await lifecycle.request_export(db, await an_admin(db), "customers", {}, bom=False)
    people = await site.write(5)
    tick = await site.due("prune_keys")
    assert (await site.after.tasks.queued_counts())["exports"] == 1
    await site.after.bus.redis.flushall()
    assert (await site.after.tasks.queued_counts())["exports"] == 0
    await site.time_passes(minutes=1)
    await site.both_work()
    await until(lambda: is_ready(site, export))
    assert (await site.has_run("prune_keys", tick)).attempts == 1
    await site.once(people)
    assert await site.scalar("SELECT count(*) FROM events WHERE name = 'export.ready'") == 1


async def test_emptied_while_all_is_at_work(site: Site):
    site.mail.pause = 0.1
    people = await site.write(20)
    ticks = [await site.due("prune_keys", clock.now() - timedelta(seconds=n)) for n in range(20)]
    await site.after.bus.redis.flushall()
    for tick in ticks:
        await site.has_run("prune_keys", tick, within=45)
    await site.once(people)
    assert {(await site.run_of("prune_keys", tick)).attempts for tick in ticks} == {1}


async def emails_in_transit(site: Site) -> list[str]:
    """Some are on their way to a slow server, by the queue's hand and by the pulse's."""
    site.mail.pause = 0.4
    people = await site.write(12)

    async def in_transit() -> bool:
        return site.mail.open_connections > 0

    await until(in_transit)
    return people


async def lapsed_holds(site: Site, number: int) -> list[str]:
    with clock.freeze(clock.now() - timedelta(minutes=20)):
        async with site.database.work() as db:
            service = await a_service(db)
            await a_professional(db, services=[service])
            return [
                (await a_hold(db, await a_customer(db), service, a_start(days=2, hour=9 + 2 * n))).subject
                for n in range(number)
            ]


async def is_ready(site: Site, export: Export) -> bool:
    return await site.scalar("SELECT state FROM exports WHERE id = :id", id=export.id) == "ready"


async def reports_health(site: Site, **what: str) -> bool:
    result = await site.ready()
    return all(result[name] == state for name, state in what.items())
