"""Streams end on SIGTERM and SIGINT beside the handlers that were there, which come back when the streams stop."""

import asyncio
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from app.core.pubsub import Bus
from app.web.live import LiveStreams

Received = list[int]


@pytest.fixture
def received() -> Iterator[Received]:
    """The signals that a server's handler received."""
    received: Received = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: received.append(number))
    yield received
    signal.signal(signal.SIGTERM, before)


async def none_changed(*_arguments: object) -> list[Any]:
    return []


async def streams_that_started() -> LiveStreams:
    streams = LiveStreams(Bus("redis://127.0.0.1:1"), none_changed, none_changed)
    await streams.start()
    return streams


def test_a_signal_ends_the_streams_and_reaches_the_server(received: Received):
    async def run() -> None:
        streams = await streams_that_started()
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0)
        assert streams.closing
        await streams.stop()

    asyncio.run(run())
    assert received == [signal.SIGTERM]


def test_the_handlers_from_before_come_back_when_the_streams_stop(received: Received):
    before = signal.getsignal(signal.SIGTERM)

    async def run() -> None:
        streams = await streams_that_started()
        assert signal.getsignal(signal.SIGTERM) is not before
        await streams.stop()

    asyncio.run(run())
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_handler_that_was_chained_to_does_not_call_into_a_closed_loop(received: Received):
    """An application that stopped while a later one had chained its handler to the first one's."""
    with asyncio.Runner() as later:
        with asyncio.Runner() as first:
            stopped = first.run(streams_that_started())
            running = later.run(streams_that_started())
            first.run(stopped.stop())
        signal.raise_signal(signal.SIGTERM)
        later.run(asyncio.sleep(0))
        assert running.closing
        later.run(running.stop())
    assert received == [signal.SIGTERM]
