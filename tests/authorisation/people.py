"""People who send requests, each with a session and a token; each request is rolled back."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.authorisation.requests import Answer, Fields, rolled_back, send_request, writes
from tests.authorisation.table import Row
from tests.authorisation.town import Town

TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')
PARAMETER = re.compile(r"\{[^}]*\}")


class People:
    def __init__(self, app: Litestar, town: Town, connection: AsyncConnection) -> None:
        self.app, self.town, self.connection = app, town, connection
        self.tokens: dict[str, str] = {}
        self.cookies = {who: {"ds": token} for who, token in town.tokens.items()} | {"visitor": {"pre": "a-visitor"}}

    async def load_tokens(self) -> None:
        """Read each person's CSRF token from a form."""
        for who in self.cookies:
            page = {"visitor": "/login", "kiran": "/blocked"}.get(who, "/profile")
            page_with_form = await send_request(self.app, "GET", page, cookies=self.cookies[who], sends={})
            self.tokens[who] = TOKEN.search(page_with_form.body)[1]

    def address(self, row: Row) -> str:
        values = iter(self.town.values[name] for name in row.at.split())
        return PARAMETER.sub(lambda _: next(values), row.route)

    async def request(
        self, row: Row, who: str, *, token: str | None = None, method: str = ""
    ) -> tuple[Answer, set[str]]:
        """Send the request of the row. `token` is whose CSRF token to send, "" none."""
        method, fields = method or row.method, row.fields(self.town.values)
        if method in ("GET", "HEAD"):
            query = "?" + urlencode(fields) if fields else ""
            return await self.send(who, method, self.address(row) + query, {})
        if token != "":
            fields["_csrf_token"] = self.tokens[token or who]
        return await self.send(who, method, self.address(row), fields)

    async def request_api(self, row: Row, who: str, *, cookie: bool = False) -> tuple[Answer, set[str]]:
        """Send the row's API request; with `cookie`, by the session cookie instead of a token."""
        body = row.sends
        for name, value in self.town.values.items():
            body = body.replace(f"<{name}>", value)
        options = {"cookies": self.cookies[who]} if cookie else {"bearer": self.town.programs.get(who, "")}
        query = f"?{body}" if row.method == "GET" and body else ""
        sends = parse_qsl(body) if "@picture" in body else b"" if query else body.encode()
        return await self._counted(row.method, self.address(row) + query, **{"cookies": {}, "sends": sends, **options})

    async def send(self, who: str, method: str, address: str, fields: Fields) -> tuple[Answer, set[str]]:
        """Return the answer, and the tables that were written."""
        return await self._counted(method, address, cookies=self.cookies[who], sends=fields)

    async def _counted(self, method: str, address: str, **options: Any) -> tuple[Answer, set[str]]:
        async with rolled_back(self.app.state.services.database, self.connection):
            before = await writes(self.connection)
            answer = await send_request(self.app, method, address, **options)
            after = await writes(self.connection)
        return answer, {table for table in after if after[table] != before.get(table, 0)}
