"""One web process: uvicorn with limits on headers and on the patience for them."""

import asyncio
import socket
from typing import Any

import uvicorn
from litestar import Litestar
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_MOST = 32_768  # bytes of address and headers together
HEADERS_WITHIN = 10.0  # seconds from the first byte, or from connecting, to the last header


class CannotListen(Exception):
    """The port is taken or not ours to take."""


class Protocol(HttpToolsProtocol):
    """Ends a connection that sends too many headers (431) or sends them too slowly."""

    _hurry: asyncio.TimerHandle | None = None
    _size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_hurrying()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_hurrying()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._size = 0
        if self._hurry is None:
            self._start_hurrying()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._stop_hurrying()
        if not self.transport.is_closing():
            super().on_headers_complete()

    def _count(self, more: int) -> None:
        self._size += more
        if self._size > HEADERS_MOST and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\r\n")
            self.transport.close()

    def _start_hurrying(self) -> None:
        self._hurry = self.loop.call_later(HEADERS_WITHIN, self.transport.close)

    def _stop_hurrying(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None


def serve(app: Litestar, host: str, port: int) -> None:
    """Runs until a signal. Raises CannotListen."""
    listening = _listen(host, port)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=5,
        backlog=2048,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        [(family, kind, protocol, _name, address), *_rest] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except (OSError, OverflowError) as problem:
        raise CannotListen(f"Cannot listen on {host}:{port}: {_why(problem)}.") from problem
    made.setblocking(False)
    return made


def _why(problem: Any) -> str:
    return str(getattr(problem, "strerror", None) or problem).lower()
