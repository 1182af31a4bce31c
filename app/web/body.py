"""How long a request's body may take: who sends it byte by byte is sent away, whatever would have read it."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from litestar.exceptions import HTTPException
from litestar.status_codes import HTTP_408_REQUEST_TIMEOUT
from litestar.types import Receive


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """The body must come with `min_bytes_per_second` after `grace_seconds`, and be there after `max_seconds`."""

    grace_seconds: float = 10.0
    min_bytes_per_second: float = 1_000.0
    max_seconds: float = 120.0

    def allowed_seconds(self, received: int) -> float:
        """How long a sender may have taken for so many bytes."""
        return min(self.max_seconds, self.grace_seconds + received / self.min_bytes_per_second)


BODY_LIMITS = BodyLimits()


class SlowBody(HTTPException):
    """The connection is closed: what still comes would be read as the next request."""

    status_code = HTTP_408_REQUEST_TIMEOUT

    def __init__(self) -> None:
        super().__init__(headers={"connection": "close"})


class BodyReader:
    """The `receive` of a request. Only the time in which we wait for the sender counts. Raises SlowBody."""

    def __init__(self, receive: Receive, limits: BodyLimits) -> None:
        self._receive = receive
        self._limits = limits
        self._bytes = 0
        self._waited = 0.0
        self._is_complete = False

    async def __call__(self) -> Any:
        if self._is_complete:  # what comes now is the end of the connection
            return await self._receive()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._limits.allowed_seconds(self._bytes) - self._waited):
                message: Any = await self._receive()
        except TimeoutError:
            raise SlowBody from None
        self._waited += time.monotonic() - began
        self._bytes += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        return message
