"""The engine and the one unit of work: commit, then announce."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.core.events import Announcement, collect_events, take_announcements

Announce = Callable[[list[Announcement]], Awaitable[None]]


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
                # PostgreSQL ends what takes too long; when it says nothing at all, we give up a little later.
                "command_timeout": statement_timeout + 2,
                "server_settings": {
                    "application_name": application_name,
                    "statement_timeout": f"{statement_timeout}s",
                    "lock_timeout": "5000",
                    "idle_in_transaction_session_timeout": "30000",
                    "timezone": "UTC",
                },
            },
        )
        self.readers = async_sessionmaker(self.engine.execution_options(isolation_level="AUTOCOMMIT"))
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def work(self, announce: Announce | None = None) -> AsyncIterator[AsyncSession]:
        """Leaving the block commits and then announces; an exception rolls back."""
        async with self.sessions() as session:
            async with session.begin():
                yield session
            if announce is not None:
                await announce(take_announcements(session))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Single statements outside any transaction: the quickest way to look something up."""
        async with self.readers() as session:
            yield session

    async def ping(self) -> None:
        """Raises what the driver raises when PostgreSQL does not answer."""
        async with self.reading() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def driver_url(url: str) -> str:
    """The same address, spoken through asyncpg."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+asyncpg://" + url[len(scheme) :]
    return url


collect_events()
