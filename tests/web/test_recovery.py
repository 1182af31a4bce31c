"""PostgreSQL becomes unavailable and returns: 503 with Retry-After, then normal responses at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from app.core.db import Database
from app.main import create_app
from app.settings import Settings
from app.web.errors import describe_error
from tests.web.conftest import Browser
from tests.web.handlers import TEST_HANDLERS


@pytest.fixture
async def shop(services, own_url):
    app = create_app(
        Settings.from_env({"DATABASE_URL": own_url, "REDIS_URL": services.redis_url, "DOORSTEP_ENV": "test"}),
        more=TEST_HANDLERS,
    )
    async with Browser(app) as browser:
        yield browser
    await app.state.services.database.close()


async def test_cut_connections_are_replaced(services, shop, own_url):
    responses = await asyncio.gather(*[shop.get("/t/text?message=x") for _ in range(8)])
    assert {response.status_code for response in responses} == {200}
    name = own_url.rpartition("/")[2]
    services.sql(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    )
    after_cut = [(await shop.get("/t/text?message=x")) for _ in range(10)]
    for response in after_cut:
        assert response.status_code in (200, 503)
        assert response.status_code == 200 or response.headers["retry-after"]
    assert [response.status_code for response in after_cut].count(503) <= 1
    assert after_cut[-1].status_code == 200


async def test_no_database_is_503_and_health_stays(services, shop):
    shop.app.state.services.database = Database("postgresql://nobody@127.0.0.1:1/none")
    response = await shop.get("/t/text?message=x")
    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert (await shop.get("/health")).status_code == 200
    assert (await shop.get("/health/ready")).status_code == 503


async def test_a_full_pool_is_503_within_three_seconds(services, shop, own_url):
    shop.app.state.services.database = Database(own_url, pool_size=1)
    holders = [shop.app.state.services.database.sessions() for _ in range(6)]
    for holder in holders:
        await holder.connection()
    async with asyncio.timeout(4):
        assert (await shop.get("/t/text?message=x")).status_code == 503
    for holder in holders:
        await holder.close()
    assert (await shop.get("/t/text?message=x")).status_code == 200


async def test_a_database_that_says_nothing_any_more_is_given_up(own_url):
    talking = asyncio.Event()
    talking.set()
    async with _wire(own_url, talking) as url:
        database = Database(url, statement_timeout=1)
        await database.ping()
        talking.clear()
        async with asyncio.timeout(8):
            with pytest.raises(TimeoutError) as unavailable:
                await database.ping()
        assert describe_error(unavailable.value).status == 503
        talking.set()
        await database.ping()
        await database.close()


@asynccontextmanager
async def _wire(url: str, talking: asyncio.Event) -> AsyncIterator[str]:
    """The same database behind a wire that carries bytes only while there is `talking`."""
    parts = urlsplit(url)
    carrying: list[asyncio.Task[None]] = []

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(parts.hostname, parts.port)
        carrying.extend([asyncio.create_task(carry(reader, back)), asyncio.create_task(carry(there, writer))])

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while messages := await source.read(65_536):
            await talking.wait()
            sink.write(messages)
        sink.close()

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield url.replace(f":{parts.port}/", f":{port}/").replace(str(parts.hostname), "127.0.0.1")
    finally:
        server.close()
        for item in carrying:
            item.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)
