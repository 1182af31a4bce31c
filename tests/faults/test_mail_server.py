"""The mail server fails in several ways: no email is lost or duplicated, and other work continues."""

import time

import pytest

from tests.faults.mail_sink import ACCEPTED, HANGS_UP
from tests.faults.site import Site, until

pytestmark = pytest.mark.slow


async def test_two_workers_send_each_email_once(site: Site):
    await site.once([*await site.write(40), await site.sign_up()])


async def test_down_people_still_sign_up_and_hear_of_it_when_it_is_back(site: Site):
    site.mail.stop()
    began = time.monotonic()
    people = [*await site.write(5), await site.sign_up()]
    assert time.monotonic() - began < 8
    await until(lambda: waits(site, people, "SMTPConnectError"))
    site.mail.start()
    assert site.mail.accepted(people) == {}
    await site.time_passes(minutes=1)
    await site.once(people)


async def test_slow_each_email_once_and_the_timetable_goes_on(site: Site):
    site.mail.pause = 0.5
    people = [*await site.write(12), await site.sign_up()]
    run = await site.has_run("prune_keys", await site.due("prune_keys"), within=5)
    assert run.attempts == 1
    assert len(site.mail.accepted(people)) < len(people), "the letters were quicker than the clock: nothing was shown"
    assert (await site.ready())["worker"] == "up"
    await site.once(people)
    assert 2 <= site.mail.most_connections <= 4


async def test_451_is_tried_again_later_with_the_same_id(site: Site):
    site.mail.answers = ["451 not now"] * 6 + [ACCEPTED]
    people = await site.write(6)
    await until(lambda: waits(site, people, "deferred with 451"))
    assert site.mail.accepted(people) == {}
    await site.time_passes(minutes=1)
    await site.once(people)
    assert {len(site.mail.ids(person)) for person in people} == {2}


async def test_550_is_for_good_and_holds_up_no_one(site: Site):
    people = await site.write(5)
    removed = await site.write(1)
    site.mail.unknown_recipients = set(removed)
    people += await site.write(5)
    await site.once(people)

    async def parked() -> bool:
        [row] = await site.rows(removed)
        return row.parked_at is not None and row.last_error == "refused with 550"

    await until(parked)
    attempts = len(site.mail.ids(removed[0]))
    await site.time_passes(days=2)
    await site.once(await site.write(1))
    assert len(site.mail.ids(removed[0])) == attempts == 1


async def test_who_hangs_up_in_the_middle_of_an_email_gets_it_again(site: Site):
    site.mail.answers = [HANGS_UP] * 3 + [ACCEPTED]
    people = await site.write(8)

    async def all_have_it() -> bool:
        await site.time_passes(minutes=1)
        return len(site.mail.accepted(people)) == len(people)

    await until(all_have_it)
    await site.once(people)
    assert sum(len(site.mail.ids(person)) for person in people) == len(people) + 3


async def waits(site: Site, people: list[str], why: str) -> bool:
    rows = await site.rows(people)
    return all(row.attempts == 1 and row.claimed_until is None and row.last_error == why for row in rows)
