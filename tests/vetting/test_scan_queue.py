"""Files are scanned in turns: fair between senders, quick ones before slow ones, and no one waits for long."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from app.core.errors import Overloaded
from app.vetting import scan_queue
from app.vetting.scan_queue import ScanQueue, Ticket
from tests.waiting import until


class Files:
    """Files in a queue; `work` holds those that have a slot, in the order in which they got it."""

    def __init__(self, queue: ScanQueue) -> None:
        self.queue = queue
        self.work: list[str] = []
        self.refused: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def send(self, *names: str) -> None:
        """Send files whose sender is the first letter of their name."""
        for name in names:
            self._ends[name] = asyncio.Event()
            self._tasks.append(asyncio.create_task(self._scan(name)))
            await asyncio.sleep(0)

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await until(lambda: name not in self.work)
        await asyncio.sleep(0)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _scan(self, name: str) -> None:
        try:
            async with self.queue.entry(name[0]):
                self.work.append(name)
                await self._ends[name].wait()
                self.work.remove(name)
        except Overloaded:
            self.refused.append(name)


@pytest.fixture
async def files():
    files = Files(ScanQueue())
    yield files
    await files.close()


async def test_of_each_sender_one_file_is_in_work(files):
    await files.send("a1", "a2", "a3", "b1", "c1")
    assert files.work == ["a1", "b1"]
    await files.end("a1")
    assert files.work == ["b1", "a2"], "a2 came before c1"
    await files.end("b1")
    assert files.work == ["a2", "c1"]


async def test_who_waits_too_long_is_sent_away_and_leaves_no_trace():
    files = Files(ScanQueue(slots=1, wait_seconds=0.05))
    await files.send("a1", "a2", "b1")
    await until(lambda: len(files.refused) == 2)
    assert files.work == ["a1"]
    await files.end("a1")
    await files.send("b2")
    assert files.work == ["b2"]
    await files.close()


async def test_a_sender_has_only_so_many_files_and_others_still_come_in(files):
    names = [f"a{number}" for number in range(scan_queue.MAX_FILES_PER_SENDER)]
    await files.send(*names, "a-more", "b1")
    assert files.refused == ["a-more"]
    assert files.work == ["a0", "b1"]


async def test_a_slow_file_pauses_for_one_that_had_no_turn_yet():
    queue = ScanQueue(slots=1)
    async with AsyncExitStack() as stack:
        slow = await stack.enter_async_context(queue.entry("a"))
        assert not queue.must_pause(slow), "no other file waits"
        files = Files(queue)
        await files.send("b1")
        assert queue.must_pause(slow)
        resumed = asyncio.create_task(queue.pause(slow))
        await until(lambda: files.work == ["b1"])
        assert not slow.has_slot
        await files.end("b1")
        await resumed
        assert slow.has_slot
        await files.close()


async def test_a_file_whose_sender_is_gone_leaves_its_place():
    queue = ScanQueue(slots=1)
    files = Files(queue)
    await files.send("a1", "b1")
    await files.close()
    async with queue.entry("c") as ticket:
        assert ticket.has_slot


async def test_only_so_many_files_are_paused(monkeypatch):
    monkeypatch.setattr(scan_queue, "MAX_PAUSED", 1)
    queue = ScanQueue(slots=2)
    async with AsyncExitStack() as stack:
        tickets: list[Ticket] = [await stack.enter_async_context(queue.entry(sender)) for sender in "ab"]
        files = Files(queue)
        await files.send("c1", "d1")
        assert all(queue.must_pause(ticket) for ticket in tickets)
        paused = asyncio.create_task(queue.pause(tickets[0]))
        await until(lambda: files.work == ["c1"])
        with pytest.raises(Overloaded):
            await queue.pause(tickets[1])
        paused.cancel()
        await asyncio.gather(paused, return_exceptions=True)
        await files.close()
