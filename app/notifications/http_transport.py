"""Somebody else's server that takes what waits for its channel; after too many failures it is switched off."""

import functools
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Users
from app.core import clock
from app.core.db import Database
from app.core.http_client import Answer, NoAnswer, Outside, Unsafe
from app.core.outbox import Outbox
from app.notifications.channel_repository import Channels
from app.notifications.channels.email import Line, Undeliverable
from app.notifications.delivery import Postman
from app.notifications.messages import Letter
from app.notifications.notification import Told
from app.notifications.notify import tell_all


class Failed(Exception):
    """They did not take it: this and what else waits is tried again later."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is posted: a body, its type, and further lines of the head."""

    body: bytes
    content_type: str
    head: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Try:
    """How it went: `status` is None without an answer; `took` in milliseconds."""

    status: int | None
    told: str
    took: int


class Outlet(ABC):
    """Its channel's name, its address, and the count of what went wrong. The address is never written down."""

    kind = ""  # of the notice that tells the admins that it is off

    def __init__(self, database: Database, name: str, url: str, outside: Outside | None = None) -> None:
        self.name = name
        self._database = database
        self._url = url
        self._outside = outside or _outside()

    @abstractmethod
    def parcel(self, letter: Letter, row: Outbox) -> Parcel:
        """What is posted there for this letter."""

    async def note(self, db: AsyncSession, row: Outbox, one: Try) -> None:  # noqa: B027  a log is not everybody's
        """Whoever keeps a log writes it here, in the transaction that counts."""

    async def switched_off(self, db: AsyncSession) -> None:  # noqa: B027  nor is more to write
        """What else is written when it was one failure too many."""

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        yield self

    async def send(self, letter: Letter, mail: Outbox, _sender: str, _host: str) -> None:
        parcel, began = self.parcel(letter, mail), time.monotonic()
        try:
            answer = await self._outside.post(self._url, parcel.body, parcel.content_type, more=parcel.head)
        except (Unsafe, NoAnswer) as problem:
            await self._failed(mail, Try(None, str(problem), _since(began)))
            raise Failed from problem
        if 200 <= answer.status < 300:
            async with self._database.work() as db:
                await Channels(db).worked(self.name)
                await self.note(db, mail, Try(answer.status, f"taken with {answer.status}", _since(began)))
            return
        await self._refused(mail, answer, _since(began))

    async def _refused(self, row: Outbox, answer: Answer, took: int) -> None:
        one = Try(answer.status, f"refused with {answer.status}", took)
        if answer.status in (429, 503) and answer.wait is not None:
            async with self._database.work() as db:
                until = clock.now() + max(answer.wait, timedelta(seconds=1))
                await Channels(db).asked_to_wait(self.name, until, one.told)
                await self.note(db, row, one)
            raise Failed(one.told)
        await self._failed(row, one)
        raise Undeliverable(one.told) if answer.status in (400, 413) else Failed(one.told)

    async def _failed(self, row: Outbox, one: Try) -> None:
        """A failure more; the admins hear of it when it was the last one that is borne."""
        async with self._database.work() as db:
            await self.note(db, row, one)
            if await Channels(db).failed(self.name, clock.now(), one.told):
                await self.switched_off(db)
                await self._tell_admins(db)

    async def _tell_admins(self, db: AsyncSession) -> None:
        now = clock.now()
        key = f"{self.kind}:{self.name}:{now.isoformat()}"
        await tell_all(db, [Told(self.kind, one, {}, f"{key}:{one}", now) for one in await Users(db).admins()])


class OutletPostman(Postman):
    """Carries nothing while the channel is off or was asked to wait."""

    async def _claim(self) -> list[Outbox]:
        async with self._database.work() as db:
            if not await Channels(db).is_open(self._carrier.name, clock.now()):
                return []
        return await super()._claim()


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


@functools.cache
def _outside() -> Outside:
    """Reading the machine's certificates takes a while: once."""
    return Outside()
