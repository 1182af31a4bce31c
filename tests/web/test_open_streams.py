"""The streams of one process, on the application itself: slow clients, pings, and how a stream ends."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from app.accounts.auth import Me
from app.core import clock
from app.core.pubsub import Bus
from app.web import live
from app.web.live import LiveStreams, OpenStream
from tests.core.conftest import until

ASHA = Me(1, "customer", "Asha", "asha@example.com", True, None, None, False, 11, clock.now(), "owner")


class Client:
    """The connection of one open page, which may stop reading."""

    def __init__(self, stream: OpenStream) -> None:
        self.received = b""
        self.is_complete = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        self.response = asyncio.create_task(stream.respond(self._receive, self._send))

    async def _send(self, message) -> None:
        await self.reads.wait()
        assert not self.is_complete.is_set()
        self.received += message["body"]
        if not message["more_body"]:
            self.is_complete.set()

    async def _receive(self):
        await self.is_complete.wait()
        return {"type": "http.disconnect"}

    @property
    def topics(self) -> list[str]:
        return [line[7:].decode() for line in self.received.splitlines() if line.startswith(b"event: ")]


class Streams(LiveStreams):
    """The streams of a process without Redis; sessions in `ended` have ended."""

    def __init__(self) -> None:
        self.bus, self.ended = Bus("redis://127.0.0.1:1/0"), set[int]()
        super().__init__(self.bus, self._audiences, self._changed)

    async def _audiences(self, user) -> list[str]:
        return [f"user:{user.id}"]

    async def _changed(self, session_ids: list[int], are_blocked: list[bool]) -> Iterable[int]:
        return self.ended.intersection(session_ids)

    def publish(self, *topics: str) -> None:
        self.bus._dispatch("\n".join(f"user:1 {topic}" for topic in topics))


@pytest.fixture
async def streams() -> AsyncIterator[Streams]:
    streams = Streams()
    yield streams
    streams.close()
    await streams.bus.stop()


async def opened(streams: Streams) -> tuple[OpenStream, Client]:
    stream = await streams.open(ASHA)
    client = Client(stream)
    await until(lambda: b"welcome" in client.received, 1)
    return stream, client


async def test_topics_of_one_message_are_one_write_without_a_task(streams):
    _, client = await opened(streams)
    tasks = asyncio.all_tasks()
    streams.publish("jobs", "booking-1", "jobs")
    await asyncio.sleep(0)
    assert client.topics == ["jobs", "booking-1"]
    assert asyncio.all_tasks() == tasks


async def test_what_comes_before_the_first_bytes_is_not_lost(streams):
    stream = await streams.open(ASHA)
    streams.publish("jobs")
    await asyncio.sleep(0)
    client = Client(stream)
    await until(lambda: client.topics == ["jobs"], 1)


async def test_topics_wait_and_collapse_while_a_client_does_not_read(streams):
    _, slow = await opened(streams)
    _, other = await opened(streams)
    slow.reads.clear()
    for topic in ("jobs", "booking-1", "jobs", "booking-1", "booking-2"):
        streams.publish(topic)
        await asyncio.sleep(0)
    assert other.topics == ["jobs", "booking-1", "jobs", "booking-1", "booking-2"]
    assert slow.topics == []
    slow.reads.set()
    await until(lambda: slow.topics == ["jobs", "booking-1", "jobs", "booking-2"], 1)


async def test_a_slow_client_gets_the_end_after_what_it_missed(streams):
    stream, client = await opened(streams)
    client.reads.clear()
    streams.publish("jobs")
    await asyncio.sleep(0)
    streams.publish("booking-1")
    await asyncio.sleep(0)
    stream.end(b"event: live-end\ndata:\n\n")
    stream.end()
    client.reads.set()
    await asyncio.wait_for(client.response, 1)
    assert client.topics == ["jobs", "booking-1", "live-end"]


async def test_only_a_quiet_stream_is_pinged(streams, monkeypatch):
    quiet, quiet_client = await opened(streams)
    _, busy_client = await opened(streams)
    quiet._written_at -= live.PING_SECONDS
    await streams._ping()
    await streams._ping()
    assert quiet_client.received.count(b": still here") == 1
    assert b": still here" not in busy_client.received


async def test_an_old_stream_ends_and_its_page_may_come_back(streams):
    stream, client = await opened(streams)
    stream.expires_at -= live.MAX_STREAM_SECONDS
    await streams._ping()
    await asyncio.wait_for(client.response, 1)
    assert client.topics == []


async def test_the_streams_of_an_ended_session_end_and_no_others(streams):
    _, client = await opened(streams)
    await streams._check_sessions()
    assert not client.is_complete.is_set()
    streams.ended = {11}
    await streams._check_sessions()
    await asyncio.wait_for(client.response, 1)
    assert client.topics == ["live-end"]


async def test_a_stream_that_opens_while_the_process_stops_ends_at_once(streams):
    streams.close()
    client = Client(await streams.open(ASHA))
    await asyncio.wait_for(client.response, 1)
    assert client.topics == []


async def test_a_removed_stream_leaves_nothing_behind(streams):
    stream, _client = await opened(streams)
    assert streams.count == 1
    streams.remove(stream)
    assert streams.count == 0
    assert streams.bus._by_audience == {}
