"""Publish and subscribe between processes over one Redis channel: topics only, never contents.

A process that receives nothing from Redis for a second treats it as down, so that no second request waits for it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from itertools import islice
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from app.core import logs
from app.core.poll_loop import PollLoop

REDIS_TIMEOUT_SECONDS = 1.0
POLL_SECONDS = 0.25
MAX_EMPTY_POLLS = 3  # polls without an answer to a ping before Redis counts as down
RETRY_SECONDS = 0.5
POLL_FALLBACK_SECONDS = 3
FALLBACK_POLL_SECONDS = 3.0
RESUME_TOPIC = "live-resume"  # tells pages that they may have missed something and should refresh
MAX_PENDING_TOPICS = 50
NOTIFIED_AT_ONCE = 200  # a few ms: for so long a request waits while an event goes to very many pages
DEMO_KEY = "demo"  # after the bus's prefix: "filling" or "ready" where there is a demo town, shown by /health/ready
REDIS_ERRORS = (RedisError, OSError, TimeoutError, asyncio.TimeoutError)
log = logs.get_logger("live")


class Subscription:
    """The topics of one open page. Repeated topics collapse; too many become one RESUME_TOPIC."""

    __slots__ = ("audiences", "notify", "_pending")

    def __init__(self, audiences: Iterable[str], notify: Callable[[], None]) -> None:
        """`notify` is called, with nothing to wait for, when there are topics to take."""
        self.audiences = frozenset(audiences)
        self.notify = notify
        self._pending: dict[str, None] = {}

    def add(self, topic: str) -> None:
        """Keep a topic for `take_topics`."""
        if len(self._pending) >= MAX_PENDING_TOPICS:
            self._pending = {RESUME_TOPIC: None}
        self._pending[topic] = None

    def take_topics(self) -> tuple[str, ...]:
        """Return the topics since the last call."""
        topics, self._pending = tuple(self._pending), {}
        return topics


class Bus:
    """This process's connection to Redis; `up` while Redis answers."""

    def __init__(self, url: str) -> None:
        self.prefix = f"doorstep:{urlsplit(url).path.strip('/') or '0'}:"
        self.redis = connect(url)
        self.up = False
        self.on_message: Callable[[str, str], None] = lambda audience, topic: None
        self.on_up: Callable[[], None] = lambda: None
        self._url = url
        self._by_audience: dict[str, set[Subscription]] = {}
        self._to_notify: dict[Subscription, None] = {}
        # No backoff: the cache relies on every process reconnecting soon after the first one.
        self._listening = PollLoop("redis_subscription", self._listen, interval=RETRY_SECONDS, immediate=True)
        self._fallback = PollLoop("live_fallback", self._poll_fallback, interval=FALLBACK_POLL_SECONDS)
        self._connected = asyncio.Event()

    async def start(self) -> None:
        """Listen in the background; wait up to REDIS_TIMEOUT_SECONDS for Redis, then go on without it."""
        self._listening.start()
        self._fallback.start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REDIS_TIMEOUT_SECONDS):
                await self._connected.wait()

    async def stop(self) -> None:
        """Close the connection."""
        self.up = False
        await self._listening.stop()
        await self._fallback.stop()
        with contextlib.suppress(*REDIS_ERRORS):
            await self.redis.aclose()

    async def publish(self, messages: Iterable[tuple[str, str]]) -> bool:
        """Send (audience, topic) pairs to every process; return False at once, without retry, while Redis is down."""
        if not self.up:
            return False
        try:
            await self.redis.publish(
                self.prefix + "messages", "\n".join(f"{audience} {topic}" for audience, topic in messages)
            )
        except REDIS_ERRORS as error:
            self.mark_down(error)
            return False
        return True

    def mark_down(self, error: BaseException) -> None:
        """Stop using Redis after a failed command until it answers again."""
        if self.up:
            log.warning("redis is down", error=type(error).__name__)
        self.up = False

    def subscribe(self, audiences: Iterable[str], notify: Callable[[], None]) -> Subscription:
        """Open a subscription that calls `notify` when it has topics; the caller must `unsubscribe` it."""
        subscription = Subscription(audiences, notify)
        for audience in subscription.audiences:
            self._by_audience.setdefault(audience, set()).add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        for audience in subscription.audiences:
            subscriptions = self._by_audience.get(audience, set())
            subscriptions.discard(subscription)
            if not subscriptions:
                self._by_audience.pop(audience, None)
        self._to_notify.pop(subscription, None)

    def _subscriptions(self) -> set[Subscription]:
        return set().union(*self._by_audience.values()) if self._by_audience else set()

    async def _listen(self) -> None:
        """Listen until the connection is lost."""
        try:
            await self._listen_until_lost()
        except REDIS_ERRORS as error:
            self.mark_down(error)
        finally:
            self.up = False

    async def _listen_until_lost(self) -> None:
        redis = connect(self._url)
        try:
            async with redis.pubsub() as channel:
                async with asyncio.timeout(REDIS_TIMEOUT_SECONDS):
                    await channel.subscribe(self.prefix + "messages")
                    while not await channel.get_message(timeout=REDIS_TIMEOUT_SECONDS):
                        pass
                self._mark_up()
                await self._read(channel)
        finally:
            await redis.aclose()

    async def _read(self, channel: PubSub) -> None:
        empty_polls = 0
        while self.up:
            message = await channel.get_message(timeout=POLL_SECONDS)
            empty_polls = 0 if message else empty_polls + 1
            if message and message["type"] == "message":
                self._dispatch(message["data"])
            elif empty_polls == 1:
                await channel.ping()
            elif empty_polls > MAX_EMPTY_POLLS:
                raise TimeoutError("redis does not answer")

    def _dispatch(self, data: str) -> None:
        for line in data.split("\n"):
            audience, _, topic = line.partition(" ")
            self.on_message(audience, topic)
            for subscription in self._by_audience.get(audience, ()):
                self._deliver(subscription, topic)

    def _deliver(self, subscription: Subscription, topic: str) -> None:
        subscription.add(topic)
        if not self._to_notify:
            asyncio.get_running_loop().call_soon(self._notify)
        self._to_notify[subscription] = None

    def _notify(self) -> None:
        """Notify some subscriptions, then the others when requests have had their turn."""
        try:
            for subscription in list(islice(self._to_notify, NOTIFIED_AT_ONCE)):
                del self._to_notify[subscription]
                subscription.notify()
        finally:
            if self._to_notify:
                asyncio.get_running_loop().call_soon(self._notify)

    def _mark_up(self) -> None:
        self.up = True
        self.on_up()
        if self._connected.is_set():
            log.info("redis is back")
        self._connected.set()
        self._deliver_to_all(RESUME_TOPIC)

    async def _poll_fallback(self) -> None:
        """While Redis is down, make every page refresh every few seconds."""
        if not self.up:
            self._deliver_to_all(RESUME_TOPIC)

    def _deliver_to_all(self, topic: str) -> None:
        for subscription in self._subscriptions():
            self._deliver(subscription, topic)


def connect(url: str) -> Redis:
    """Create a Redis client that waits at most REDIS_TIMEOUT_SECONDS for an answer."""
    redis: Redis = Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        max_connections=50,
    )
    return redis
