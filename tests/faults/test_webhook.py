"""Whatever the desk's room answers: each message arrives there once, mail does not wait, and nobody is led astray."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.outbox import Outbox
from app.notifications.channels.google_chat import NAME, ROOM
from app.notifications.repository import Mails
from tests.factories import an_admin
from tests.faults.site import Site, until
from tests.webhook_sink import HOST, PUBLIC, URL, Webhook, said, webhook

pytestmark = pytest.mark.slow
_numbers = count(1)


@dataclass
class Desk:
    """`addresses` is the file in which stands where the room's name leads."""

    site: Site
    room: Webhook
    addresses: Path

    async def say(self, number: int) -> list[str]:
        """So many messages for the room; the references in them."""
        references = [f"REF{next(_numbers):05d}" for _ in range(number)]
        async with self.site.database.work() as db:
            now = clock.now()
            for one in references:
                row = {"kind": "booking.disputed", "address": ROOM, "dedupe_key": one, "data": {"booking": one}}
                db.add(Outbox(**row, channel=NAME, lane=0, created_at=now, due_at=now))
        return references

    def heard(self) -> Counter[str]:
        """How often each reference was told."""
        bodies = [json.loads(one.split(b"\r\n\r\n", 1)[1])["text"] for one in self.room.heard]
        return Counter(body.rpartition("/")[2] for body in bodies)

    async def all_taken(self, references: list[str], within: float = 15) -> None:
        async def taken() -> bool:
            waits = "SELECT count(*) FROM outbox WHERE dedupe_key = ANY(:these) AND sent_at IS NULL"
            return await self.site.one(waits, these=references) == 0

        await until(taken, within)

    async def state(self, column: str) -> object:
        return await self.site.one(f"SELECT {column} FROM channel_states WHERE channel = 'chat'")

    async def fails(self, why: str) -> None:
        async def noted() -> bool:
            return await self.state("last_error") == why

        await until(noted)


@pytest.fixture(scope="module")
async def whole_desk(whole_site: Site, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    folder = tmp_path_factory.mktemp("room")
    addresses = folder / "addresses"
    addresses.write_text(PUBLIC)
    async with webhook(folder) as room:
        whole_site.worker = (sys.executable, "-m", "tests.faults.a_worker", str(room.port), str(addresses))
        whole_site.environment |= {"GOOGLE_CHAT_WEBHOOK_URL": URL, "SSL_CERT_FILE": str(folder / f"{HOST}.pem")}
        yield Desk(whole_site, room, addresses)


@pytest.fixture
async def desk(whole_desk: Desk, site: Site) -> Desk:
    """Open, and nothing waits."""
    whole_desk.room.answers = [said(200)]
    whole_desk.addresses.write_text(PUBLIC)
    async with site.database.work() as db:
        await Mails(db).forget_channel(NAME)
        await db.execute(text("DELETE FROM channel_states"))
    whole_desk.room.heard.clear()
    return whole_desk


async def test_two_workers_tell_the_room_each_thing_once(desk: Desk):
    told = await desk.say(15)
    await desk.all_taken(told)
    assert desk.heard() == Counter(told)


async def test_429_nobody_knocks_before_the_time_they_said(desk: Desk):
    desk.room.answers = [said(429, "Retry-After: 600"), said(200)]
    told = await desk.say(1)
    await desk.fails("refused with 429")
    told += await desk.say(4)
    await desk.site.once(await desk.site.write(5))  # meanwhile both workers have looked
    await asyncio.sleep(1.5)  # a pulse and a half: this is about nothing happening
    assert len(desk.room.heard) == 1
    assert await desk.state("failures") == 0
    await desk.site.time_passes(minutes=11)
    await desk.all_taken(told)
    assert desk.heard() == Counter(told) + Counter(told[:1])


async def test_500_is_tried_again_later(desk: Desk):
    desk.room.answers = [said(500), said(200)]
    told = await desk.say(1)
    await desk.fails("refused with 500")
    assert await desk.state("failures") == 1
    await desk.site.time_passes(minutes=1)
    await desk.all_taken(told)
    assert desk.heard() == Counter(told * 2)
    assert await desk.state("failures") == 0


async def test_hanging_delays_no_mail(desk: Desk):
    desk.room.answers = [None, said(200)]
    told = await desk.say(1)

    async def hangs() -> bool:
        return len(desk.room.heard) == 1

    await until(hangs)
    people = await desk.site.write(3)
    await desk.site.once(people)
    await desk.fails("TimeoutError")
    given_up = await desk.state("counted_since")
    assert max(row.sent_at for row in await desk.site.rows(people)) < given_up
    await desk.site.time_passes(minutes=1)
    await desk.all_taken(told)
    assert desk.heard() == Counter(told * 2)


async def test_a_redirect_into_our_own_network_is_not_followed(desk: Desk):
    visitors = []
    trap = await asyncio.start_server(lambda reader, writer: visitors.append(writer), "127.0.0.1", 0)
    port = trap.sockets[0].getsockname()[1]
    desk.room.answers = [said(302, f"Location: https://127.0.0.1:{port}/"), said(200)]
    told = await desk.say(1)
    await desk.fails("refused with 302")
    await desk.site.time_passes(minutes=1)
    await desk.all_taken(told)
    trap.close()
    assert visitors == []
    assert desk.heard() == Counter(told * 2)


async def test_a_name_that_leads_into_our_own_network_is_not_dialled(desk: Desk):
    desk.addresses.write_text(f"{PUBLIC} 169.254.169.254")
    told = await desk.say(1)
    await desk.fails("not a public address")
    assert desk.room.heard == []
    desk.addresses.write_text(PUBLIC)
    await desk.site.time_passes(minutes=1)
    await desk.all_taken(told)
    assert desk.heard() == Counter(told)


async def test_ten_failures_switch_it_off_and_each_admin_hears_of_it_once(desk: Desk):
    async with desk.site.database.work() as db:
        admins = [(await an_admin(db, name)).email for name in ("Meena Iyer", "Lekha Narayanan")]
    desk.room.answers = [said(500)]
    told: list[str] = []

    async def is_off() -> bool:
        told.extend(await desk.say(1))  # there is always something new to try
        await asyncio.sleep(0.2)
        return await desk.state("disabled_at") is not None

    await until(is_off, 30)
    knocked = len(desk.room.heard)
    assert 10 <= knocked <= 11  # two may knock at the same moment
    await desk.site.once(admins)
    await desk.site.once(await desk.site.write(5))
    assert len(desk.room.heard) == knocked
    desk.room.answers = [said(200)]
    desk.room.heard.clear()
    await desk.site.time_passes(hours=25)
    await desk.all_taken(told)
    assert desk.heard() == Counter(told)
