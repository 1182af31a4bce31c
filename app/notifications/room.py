"""What waits for the desk's room goes there; after too many failures it is switched off, and the admins are told."""

import functools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Users
from app.kit import clock
from app.kit.db import Database
from app.kit.outbox import Outbox
from app.kit.outside import Answer, NoAnswer, Outside, Unsafe
from app.notifications.channel_repository import Channels
from app.notifications.channels.email import Line, Undeliverable
from app.notifications.channels.google_chat import NAME
from app.notifications.delivery import Postman
from app.notifications.letters import Letter
from app.notifications.repository import Mails
from app.notifications.telling import tell_all
from app.notifications.told import Told


class Failed(Exception):
    """They did not take it: this and what else waits is tried again later."""


class Room:
    """The webhook, and the count of what went wrong with it. Its address is a secret and is never written down."""

    name = NAME

    def __init__(self, database: Database, url: str, outside: Outside | None = None) -> None:
        self._database = database
        self._url = url
        self._outside = outside or _outside()

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        yield self

    async def send(self, letter: Letter, _mail: Outbox, _sender: str, _host: str) -> None:
        body = json.dumps({"text": letter.text}).encode()
        try:
            answer = await self._outside.post(self._url, body, "application/json; charset=UTF-8")
        except (Unsafe, NoAnswer) as problem:
            await self._note(str(problem))
            raise Failed from problem
        if 200 <= answer.status < 300:
            async with self._database.work() as db:
                await Channels(db).worked(NAME)
            return
        await self._refused(answer)

    async def _refused(self, answer: Answer) -> None:
        why = f"refused with {answer.status}"
        if answer.status in (429, 503) and answer.wait is not None:
            async with self._database.work() as db:
                await Channels(db).asked_to_wait(NAME, clock.now() + max(answer.wait, timedelta(seconds=1)), why)
            raise Failed(why)
        await self._note(why)
        raise Undeliverable(why) if answer.status in (400, 413) else Failed(why)

    async def _note(self, why: str) -> None:
        """A failure more; the admins hear of it when it was the last one that is borne."""
        async with self._database.work() as db:
            now = clock.now()
            if await Channels(db).failed(NAME, now, why):
                await self._tell_admins(db)

    async def _tell_admins(self, db: AsyncSession) -> None:
        now = clock.now()
        key = f"channel_off:{NAME}:{now.isoformat()}"
        await tell_all(db, [Told("channel_off", one, {}, f"{key}:{one}", now) for one in await Users(db).admins()])


class RoomPostman(Postman):
    """Carries nothing while the channel is off or was asked to wait."""

    async def _claim(self) -> list[Outbox]:
        async with self._database.work() as db:
            if not await Channels(db).is_open(NAME, clock.now()):
                return []
        return await super()._claim()


async def forget_all(database: Database) -> None:
    """Where there is no room, nothing waits for one."""
    async with database.work() as db:
        await Mails(db).forget_channel(NAME)


@functools.cache
def _outside() -> Outside:
    """Reading the machine's certificates takes a while: once."""
    return Outside()
