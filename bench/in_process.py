"""A client that calls the application in this process and adds next to nothing to its CPU time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from litestar import Litestar

from bench.load import HOST


@dataclass(slots=True)
class Answer:
    status_code: int = 0
    body: bytearray = field(default_factory=bytearray)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class InProcessClient:
    app: Litestar

    async def get(self, path: str, headers: Mapping[str, str]) -> Answer:
        return await self._send("GET", path, headers, b"")

    async def post(self, path: str, headers: Mapping[str, str], order: object) -> Answer:
        """Send `order` as JSON."""
        typed = {**headers, "content-type": "application/json"}
        return await self._send("POST", path, typed, json.dumps(order).encode())

    async def _send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        answer, messages = Answer(), iter([{"type": "http.request", "body": body, "more_body": False}])
        path, _, query = target.partition("?")

        async def receive() -> Any:
            return next(messages, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status_code = message["status"]
            else:
                answer.body += message.get("body", b"")

        named = {"host": HOST, "content-length": str(len(body)), **headers}
        scope: Any = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": "https",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 443),
            "state": {},
        }
        await self.app(scope, receive, send)
        return answer
