"""The engine, the unit of work (commit, then publish), advisory locks and the names of violated constraints."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import IntEnum
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.util.concurrency import greenlet_spawn

from app.core import sql
from app.core.events import OutgoingMessage, pop_outgoing_messages, write_events_on_flush

# Opens a transaction of its own, committed and published when its block ends.
TransactionFactory = Callable[[], AbstractAsyncContextManager[AsyncSession]]
Publish = Callable[[list[OutgoingMessage]], Awaitable[None]]
BeforeCommit = Callable[[AsyncSession], Awaitable[None]]
_before_commit: list[BeforeCommit] = []


class AdvisoryLock(IntEnum):
    """Every advisory lock of the application; the second key narrows it to one person where needed."""

    PROFESSIONAL_TIME = 7001  # per professional; only app.scheduling.reservation takes it
    CUSTOMER_HOLDS = 7002  # per customer, taken before any PROFESSIONAL_TIME
    HELD_PAYOUTS = 7003
    ADMINS = 7004
    CATALOG = 7005  # taken before any row of the catalog
    WEBHOOKS = 7006
    SEED = 7007
    OFFERED_HOURS = 7008  # shared by the triggers that add; who removes takes it without waiting
    OFFER_WAVES = 7009  # one worker sends them, so that a person's emails are counted one after the other
    SIGN_IN_CODES = 7010  # per address that codes are sent to
    SETTINGS = 7016  # changes of the site's settings, which no row need stand for yet
    CASE_MESSAGES = 7011  # per person who writes in cases
    PAYOUTS = 7017  # one payout run is made after the other


class ReadingSession(Session):
    """A session outside any transaction, which could not undo what it had written half."""

    def flush(self, objects: object = None) -> None:
        if self.new or self.dirty or self.deleted:
            raise RuntimeError("a reading session has changes; a GET that writes declares in_transaction=True")


class Database:
    """One pool per process. `url` is a postgresql:// address, `statement_timeout` in seconds; the driver is asyncpg."""

    def __init__(
        self, url: str, *, pool_size: int = 10, application_name: str = "doorstep", statement_timeout: int = 10
    ) -> None:
        self.engine = create_async_engine(
            driver_url(url),
            pool_size=pool_size,
            max_overflow=5,
            pool_timeout=2,
            pool_recycle=1800,
            pool_pre_ping=False,
            hide_parameters=True,
            connect_args={
                "timeout": 5,
                # PostgreSQL cancels long statements itself; this is for a server that does not respond at all.
                "command_timeout": statement_timeout + 2,
                "server_settings": {
                    "application_name": application_name,
                    "statement_timeout": f"{statement_timeout}s",
                    "lock_timeout": "5000",
                    # Commands whose statements may take long also compute for long between them.
                    "idle_in_transaction_session_timeout": f"{max(30, statement_timeout)}s",
                    "timezone": "UTC",
                },
            },
        )
        self.readers = async_sessionmaker(
            self.engine.execution_options(isolation_level="AUTOCOMMIT"), sync_session_class=ReadingSession
        )
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def work(self, publish: Publish | None = None) -> AsyncIterator[AsyncSession]:
        """When the block ends, run what `before_commit` registered, commit, then publish the session's messages.

        Roll back on an exception.
        """
        async with self.sessions() as session:
            async with session.begin():
                yield session
                for write_last in _before_commit:
                    await write_last(session)
            if publish is not None:
                await publish(pop_outgoing_messages(session))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Open a session that runs single statements outside any transaction. RuntimeError for a changed entity."""
        async with self.readers() as session:
            yield session
            await session.flush()

    async def fetch_row(self, query: str, *args: object) -> "asyncpg.Record | None":
        """The first row of a single statement outside any transaction, without a session: a third of its CPU time."""
        pooled = await self.engine.raw_connection()
        while pooled.driver_connection.is_closed():  # type: ignore[union-attr]  # PostgreSQL ended it meanwhile
            await greenlet_spawn(pooled.invalidate)
            pooled = await self.engine.raw_connection()
        driver: Any = pooled.driver_connection
        try:
            with sql.as_database_errors(query):
                return await driver.fetchrow(query, *args)  # type: ignore[no-any-return]  # SQLAlchemy names no driver
        finally:
            await greenlet_spawn(pooled.close)

    async def ping(self) -> None:
        """Check that PostgreSQL answers; raises the driver's error when it does not."""
        async with self.reading() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def before_commit(write_last: BeforeCommit) -> None:
    """Call `write_last` at the end of every unit of work, for what locks what all others need too."""
    if write_last not in _before_commit:
        _before_commit.append(write_last)


async def acquire_lock(db: AsyncSession, lock: AdvisoryLock, key: int = 0) -> None:
    """Wait for an advisory lock and hold it until the end of the transaction."""
    await sql.execute(db, "SELECT pg_advisory_xact_lock($1, $2)", int(lock), key)


async def try_lock(db: AsyncSession, lock: AdvisoryLock, key: int = 0) -> bool:
    """Take an advisory lock until the end of the transaction; False when another transaction has it."""
    is_taken: bool = await sql.fetch_value(db, "SELECT pg_try_advisory_xact_lock($1, $2)", int(lock), key)
    return is_taken


def lock_statement(lock: AdvisoryLock, key: int, *, wait: bool) -> str:
    """The statement that takes an advisory lock, without arguments; no row when another has it and `wait` is false."""
    if wait:
        return f"SELECT pg_advisory_xact_lock({int(lock)}, {int(key)})"
    return f"SELECT 1 WHERE pg_try_advisory_xact_lock({int(lock)}, {int(key)})"


async def wait_for_lock(db: AsyncSession, lock: AdvisoryLock, key: int) -> None:
    """Wait until the transaction that has the lock ends, and take nothing: all who wait go on at the same moment."""
    async with sql.savepoint(db, f"SELECT pg_advisory_xact_lock_shared({int(lock)}, {int(key)})") as point:
        await point.roll_back()


def violated_constraint(error: DBAPIError) -> str | None:
    """Return the name of the constraint that the statement violated, as the driver reports it."""
    cause = error.orig.__cause__ or error.orig if error.orig else None
    return getattr(cause, "constraint_name", None)


def driver_url(url: str) -> str:
    """Return the same address for SQLAlchemy's asyncpg dialect."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+asyncpg://" + url[len(scheme) :]
    return url


write_events_on_flush()
