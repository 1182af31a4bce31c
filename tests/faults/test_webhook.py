"""The admins' chat fails in several ways: messages arrive once, mail is not delayed, redirects are refused."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.outbox import Outbox
from app.notifications.channels.google_chat.transport import ADDRESS, NAME
from app.notifications.repository import OutboxRepository
from tests.factories import an_admin
from tests.faults.site import Site, until
from tests.webhook_sink import HOST, PUBLIC, URL, WebhookServer, http_response, webhook_server

pytestmark = pytest.mark.slow
_numbers = count(1)


@dataclass
class ChatSite:
    """`addresses` is the file with the addresses of the chat's host name."""

    site: Site
    room: WebhookServer
    addresses: Path

    async def write_messages(self, number: int) -> list[str]:
        """So many messages for the room; the references in them."""
        references = [f"REF{next(_numbers):05d}" for _ in range(number)]
        async with self.site.database.work() as db:
            now = clock.now()
            for reference in references:
                row = {
                    "kind": "booking.disputed",
                    "address": ADDRESS,
                    "dedupe_key": reference,
                    "data": {"booking": reference},
                }
                db.add(Outbox(**row, channel=NAME, priority=0, created_at=now, due_at=now))
        return references

    def received_counts(self) -> Counter[str]:
        """How often each reference was references."""
        bodies = [json.loads(request.split(b"\r\n\r\n", 1)[1])["text"] for request in self.room.requests]
        return Counter(body.rpartition("/")[2] for body in bodies)

    async def until_sent(self, references: list[str], within: float = 15) -> None:
        async def taken() -> bool:
            waits = "SELECT count(*) FROM outbox WHERE dedupe_key = ANY(:these) AND sent_at IS NULL"
            return await self.site.scalar(waits, these=references) == 0

        await until(taken, within)

    async def state(self, column: str) -> Any:
        return await self.site.scalar(f"SELECT {column} FROM channel_states WHERE channel = 'chat'")

    async def fails(self, why: str) -> None:
        async def noted() -> bool:
            return await self.state("last_error") == why

        await until(noted)


@pytest.fixture(scope="module")
async def whole_chat(whole_site: Site, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ChatSite]:
    folder = tmp_path_factory.mktemp("room")
    addresses = folder / "addresses"
    addresses.write_text(PUBLIC)
    async with webhook_server(folder) as room:
        whole_site.worker = (sys.executable, "-m", "tests.faults.a_worker", str(room.port), str(addresses))
        whole_site.environment |= {"GOOGLE_CHAT_WEBHOOK_URL": URL, "SSL_CERT_FILE": str(folder / f"{HOST}.pem")}
        yield ChatSite(whole_site, room, addresses)


@pytest.fixture
async def chat(whole_chat: ChatSite, site: Site) -> ChatSite:
    """Open, and nothing waits."""
    whole_chat.room.answers = [http_response(200)]
    whole_chat.addresses.write_text(PUBLIC)
    async with site.database.work() as db:
        await OutboxRepository(db).delete_pending(NAME)
        await db.execute(text("DELETE FROM channel_states"))
    whole_chat.room.requests.clear()
    return whole_chat


async def test_two_workers_deliver_each_chat_message_once(chat: ChatSite):
    references = await chat.write_messages(15)
    await chat.until_sent(references)
    assert chat.received_counts() == Counter(references)


async def test_429_retry_after_is_respected(chat: ChatSite):
    chat.room.answers = [http_response(429, "Retry-After: 600"), http_response(200)]
    references = await chat.write_messages(1)
    await chat.fails("refused with 429")
    references += await chat.write_messages(4)
    await chat.site.once(await chat.site.write(5))  # meanwhile both workers have looked
    await asyncio.sleep(1.5)  # a pulse and a half: this is about nothing happening
    assert len(chat.room.requests) == 1
    assert await chat.state("failures") == 0
    await chat.site.time_passes(minutes=11)
    await chat.until_sent(references)
    assert chat.received_counts() == Counter(references) + Counter(references[:1])


async def test_500_is_tried_again_later(chat: ChatSite):
    chat.room.answers = [http_response(500), http_response(200)]
    references = await chat.write_messages(1)
    await chat.fails("refused with 500")
    assert await chat.state("failures") == 1
    await chat.site.time_passes(minutes=1)
    await chat.until_sent(references)
    assert chat.received_counts() == Counter(references * 2)
    assert await chat.state("failures") == 0


async def test_hanging_delays_no_mail(chat: ChatSite):
    chat.room.answers = [None, http_response(200)]
    references = await chat.write_messages(1)

    async def hangs() -> bool:
        return len(chat.room.requests) == 1

    await until(hangs)
    people = await chat.site.write(3)
    await chat.site.once(people)
    await chat.fails("TimeoutError")
    handed_back = await chat.state("counted_since")
    assert max(row.sent_at for row in await chat.site.rows(people)) < handed_back
    await chat.site.time_passes(minutes=1)
    await chat.until_sent(references)
    assert chat.received_counts() == Counter(references * 2)


async def test_a_redirect_into_our_own_network_is_not_followed(chat: ChatSite):
    visitors = []
    trap = await asyncio.start_server(lambda reader, writer: visitors.append(writer), "127.0.0.1", 0)
    port = trap.sockets[0].getsockname()[1]
    chat.room.answers = [http_response(302, f"Location: https://127.0.0.1:{port}/"), http_response(200)]
    references = await chat.write_messages(1)
    await chat.fails("refused with 302")
    await chat.site.time_passes(minutes=1)
    await chat.until_sent(references)
    trap.close()
    assert visitors == []
    assert chat.received_counts() == Counter(references * 2)


async def test_a_name_that_leads_into_our_own_network_is_not_dialled(chat: ChatSite):
    chat.addresses.write_text(f"{PUBLIC} 169.254.169.254")
    references = await chat.write_messages(1)
    await chat.fails("not a public address")
    assert chat.room.requests == []
    chat.addresses.write_text(PUBLIC)
    await chat.site.time_passes(minutes=1)
    await chat.until_sent(references)
    assert chat.received_counts() == Counter(references)


async def test_ten_failures_switch_it_off_and_each_admin_hears_of_it_once(chat: ChatSite):
    async with chat.site.database.work() as db:
        admins = [(await an_admin(db, name)).email for name in ("Meena Iyer", "Lekha Narayanan")]
    chat.room.answers = [http_response(500)]
    references: list[str] = []

    async def is_off() -> bool:
        references.extend(await chat.write_messages(1))  # there is always something new to try
        await asyncio.sleep(0.2)
        return await chat.state("disabled_at") is not None

    await until(is_off, 30)
    knocked = len(chat.room.requests)
    assert 10 <= knocked <= 11  # two may knock at the same moment
    await chat.site.once(admins)
    await chat.site.once(await chat.site.write(5))
    assert len(chat.room.requests) == knocked
    chat.room.answers = [http_response(200)]
    chat.room.requests.clear()
    await chat.site.time_passes(hours=25)
    await chat.until_sent(references)
    assert chat.received_counts() == Counter(references)
