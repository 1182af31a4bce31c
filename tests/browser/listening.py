"""Serve an application of this process to a browser, so that the test's frozen clock is the application's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from litestar import Litestar
from uvicorn.server import ServerState

from app.web.server import Protocol


@asynccontextmanager
async def listening(app: Litestar) -> AsyncIterator[str]:
    """Yield the address of a started application."""
    config = uvicorn.Config(app, http=Protocol, ws="none", lifespan="off", log_config=None, proxy_headers=False)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for connection in list(state.connections):
        connection.transport.abort()
