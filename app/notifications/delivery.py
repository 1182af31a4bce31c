"""From the outbox to people, once each: claimed, delivered, tried again after longer and longer waits, parked at last.

Delivered means that the server took it. If this process dies between that and our own note of it, the letter goes out
again with the same Message-ID; nothing else can repeat it. What a dead postman had in his bag others take up as soon
as his claim, which he renews while he lives, has run out.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.email_links import SEALED
from app.core import clock, logs
from app.core.db import Database
from app.core.outbox import Outbox
from app.notifications.channels.email import Carrier, Line, TryLater, Undeliverable
from app.notifications.kinds import kind_of
from app.notifications.messages import Letter, OutOfDate
from app.notifications.preference_repository import Wishes
from app.notifications.repository import Mails
from app.settings import Settings

AT_ONCE = 10
CLAIM = timedelta(seconds=20)  # a code may not wait longer for a postman who died
RENEWED = 5  # seconds between two signs of life
LAST_LETTER = 5  # seconds for the letter that is under way when a postman is told to stop
MOST_TRIES = 10
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=20), timedelta(hours=24)
OUT_OF_DATE, MUTED = "out of date", "muted"  # parked on purpose
log = logs.get("mail")


class Writer(Protocol):
    """Makes of a row what its carrier takes."""

    async def write(self, db: AsyncSession, mail: Outbox) -> Letter:
        """Raises OutOfDate."""


class Postman:
    """One round at a time; any number of postmen may be out together."""

    def __init__(self, database: Database, letters: Writer, carrier: Carrier, settings: Settings) -> None:
        self._database = database
        self._letters = letters
        self._carrier = carrier
        self._sender = settings.mail_from
        self._host = urlsplit(settings.base_url).hostname or "localhost"
        self._erase = SEALED if settings.production else None

    async def drain(self) -> int:
        """Everything that is due; says how many were sent."""
        sent = 0
        while mails := await self._claim():
            sent += await self._round(list(mails))
        return sent

    async def _claim(self) -> list[Outbox]:
        async with self._database.work() as db:
            return list(await Mails(db).claim(self._carrier.name, AT_ONCE, clock.now(), clock.now() + CLAIM))

    async def _round(self, mails: list[Outbox]) -> int:
        sent = 0
        try:
            async with self._held(mails), self._carrier.line() as line:
                while mails:
                    sent += await self._to_the_end(line, mails)
        except asyncio.CancelledError:
            await self._give_back(mails)
            raise
        except Exception as problem:  # the line is down: whatever is left waits
            away = {"channel": self._carrier.name, "problem": type(problem).__name__, "left": len(mails)}
            log.warning("whoever carries our messages did not answer as they should", **away)
            for mail in mails:
                await self._again(mail, problem)
        return sent

    @asynccontextmanager
    async def _held(self, mails: Sequence[Outbox]) -> AsyncIterator[None]:
        """Whatever is in the bag stays ours, however slow the server is."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(RENEWED)
                try:
                    async with self._database.work() as db:
                        await Mails(db).hold([mail.id for mail in mails], clock.now() + CLAIM)
                except Exception as problem:  # the next one may get through; else another postman takes over
                    log.warning("a claim was not renewed", problem=type(problem).__name__, left=len(mails))

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _to_the_end(self, line: Line, mails: list[Outbox]) -> int:
        """Whoever is told to stop finishes the letter that is under way, so that nobody gets it twice."""
        delivering = asyncio.ensure_future(self._deliver(line, mails[0]))
        try:
            sent = await asyncio.shield(delivering)
        except asyncio.CancelledError:
            await asyncio.wait([delivering], timeout=LAST_LETTER)
            delivering.cancel()
            mails.pop(0)  # settled; or nobody knows, and its claim runs out
            raise
        mails.pop(0)
        return sent

    async def _give_back(self, mails: Sequence[Outbox]) -> None:
        async with self._database.work() as db:
            await Mails(db).give_back([mail.id for mail in mails], clock.now())

    async def _deliver(self, line: Line, mail: Outbox) -> int:
        """1 when it was sent. Raises what a broken line raises."""
        try:
            async with self._database.work() as db:
                if not await Mails(db).is_mine(mail, clock.now() + CLAIM) or await self._not_now(db, mail):
                    return 0
                letter = await self._letters.write(db, mail)
        except OutOfDate:
            await self._drop(mail)
            return 0
        except Exception as problem:  # a letter that cannot be written must not hold up the others
            log.exception("a letter could not be written", kind=mail.kind, mail=mail.id)
            await self._again(mail, problem)
            return 0
        try:
            await line.send(letter, mail, self._sender, self._host)
        except Undeliverable as refused:
            log.warning("a letter was refused", kind=mail.kind, mail=mail.id)
            await self._park(mail, str(refused))
            return 0
        except TryLater as busy:
            await self._again(mail, busy)
            return 0
        async with self._database.work() as db:
            await Mails(db).sent(mail.id, clock.now(), erase=self._erase)
        return 1

    async def _not_now(self, db: AsyncSession, mail: Outbox) -> bool:
        """What its reader muted is not sent; what can wait waits until their quiet hours are over."""
        kind = kind_of(mail.kind)
        if mail.recipient_id is None or not (kind.topic or kind.waits):
            return False
        wish = await Wishes(db).of(mail.recipient_id)
        if not wish.allows(kind, mail.channel):
            await Mails(db).park(mail.id, clock.now(), MUTED)
            return True
        quiet = wish.quiet_until(clock.now()) if kind.waits else None
        if quiet is not None:
            await Mails(db).wait(mail.id, quiet)
        return quiet is not None

    async def _drop(self, mail: Outbox) -> None:
        """Nobody's letter leaves no trace of the address that was typed; somebody's stays, unsent."""
        if mail.recipient_id is not None:
            await self._park(mail, OUT_OF_DATE)
            return
        async with self._database.work() as db:
            await Mails(db).forget(mail.id)

    async def _again(self, mail: Outbox, problem: Exception) -> None:
        why = str(problem) if isinstance(problem, TryLater) else type(problem).__name__
        if mail.attempts >= MOST_TRIES:
            await self._park(mail, why)
            return
        async with self._database.work() as db:
            wait = problem.wait if isinstance(problem, TryLater) and problem.wait else wait_after(mail.attempts)
            await Mails(db).again(mail.id, clock.now() + wait, why)

    async def _park(self, mail: Outbox, why: str) -> None:
        async with self._database.work() as db:
            await Mails(db).park(mail.id, clock.now(), why)


def wait_after(tries: int) -> timedelta:
    """20 s, 1 min, 3 min, … up to a day."""
    return min(FIRST_WAIT * int(3 ** (tries - 1)), LONGEST_WAIT)
