"""One web process: uvicorn with limits on the size and duration of request headers, and of bodies no handler reads."""

import asyncio
import gc
import socket
from typing import Any

import uvicorn
from litestar import Litestar
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.web.body import BODY_LIMITS

MAX_HEADER_BYTES = 32_768  # request target and headers together
HEADER_TIMEOUT_SECONDS = 10.0  # seconds from the first byte, or from connecting, to the last header


class CannotListen(Exception):
    """The port is in use or may not be used."""


class Protocol(HttpToolsProtocol):
    """Ends a connection that sends too many headers (431), or headers too slowly, or a body after its response.

    How long a body may take that is read is app.web.body's concern.
    """

    body_limits = BODY_LIMITS
    _timeout: asyncio.TimerHandle | None = None
    _size = 0
    _body_size = 0
    _is_in_body = False
    _responded_at = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timeout()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._size = 0
        if self._timeout is None:
            self._start_timeout()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._stop_timeout()
        if not self.transport.is_closing():
            self._is_in_body, self._body_size = True, 0
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_body = False
        self._stop_timeout()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_in_body and not self.transport.is_closing():
            self._responded_at = self.loop.time()
            self._limit_rest_of_body()

    def _limit_rest_of_body(self) -> None:
        """Close when the rest comes too slowly: closing at once would lose the response on its way."""
        left = self._responded_at + self.body_limits.allowed_seconds(self._body_size) - self.loop.time()
        if left <= 0:
            self.transport.close()
        else:
            self._timeout = self.loop.call_later(left, self._limit_rest_of_body)

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > MAX_HEADER_BYTES and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\r\n")
            self.transport.close()

    def _start_timeout(self) -> None:
        self._timeout = self.loop.call_later(HEADER_TIMEOUT_SECONDS, self.transport.close)

    def _stop_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None


def serve(app: Litestar, host: str, port: int) -> None:
    """Runs until a signal. Raises CannotListen."""
    listener = _listen(host, port)
    freeze_what_stays()
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
    uvicorn.Server(config).run(sockets=[listener])


def freeze_what_stays() -> None:
    """Leave modules, routes and models out of garbage collections: a full one paused every request for 0.1 s."""
    gc.collect()
    gc.freeze()


def _listen(host: str, port: int) -> socket.socket:
    try:
        [(family, kind, protocol, _name, address), *_rest] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        raise CannotListen(f"Doorstep can't listen on {host}:{port}: {_reason(error)}.") from error
    listener.setblocking(False)
    return listener


def _reason(error: Any) -> str:
    return str(getattr(error, "strerror", None) or error).lower()
