"""The people of the town at the doors, each with session and token; whatever they do is undone."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.authorisation.asking import Fields, Told, ask, undone, writes
from tests.authorisation.table import Row
from tests.authorisation.town import Town

TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')
PARAMETER = re.compile(r"\{[^}]*\}")


class People:
    def __init__(self, app: Litestar, town: Town, connection: AsyncConnection) -> None:
        self.app, self.town, self.connection = app, town, connection
        self.tokens: dict[str, str] = {}
        self.cookies = {who: {"ds": token} for who, token in town.tokens.items()} | {"visitor": {"pre": "a-visitor"}}

    async def learn_tokens(self) -> None:
        """From a form that is drawn for each person."""
        for who in self.cookies:
            page = {"visitor": "/login", "kiran": "/blocked"}.get(who, "/profile")
            drawn = await ask(self.app, "GET", page, cookies=self.cookies[who], sends={})
            self.tokens[who] = TOKEN.search(drawn.body)[1]

    def address(self, row: Row) -> str:
        words = iter(self.town.words[name] for name in row.at.split())
        return PARAMETER.sub(lambda _: next(words), row.route)

    async def ask(self, row: Row, who: str, *, token: str | None = None, method: str = "") -> tuple[Told, set[str]]:
        """As the row says. `token` is whose, "" is none."""
        method, fields = method or row.method, row.fields(self.town.words)
        if method in ("GET", "HEAD"):
            query = "?" + urlencode(fields) if fields else ""
            return await self.send(who, method, self.address(row) + query, {})
        if token != "":
            fields["_csrf_token"] = self.tokens[token or who]
        return await self.send(who, method, self.address(row), fields)

    async def program(self, row: Row, who: str, *, cookie: bool = False) -> tuple[Told, set[str]]:
        """A program of theirs, as the row says; `cookie`: with what their browser holds, and no token."""
        said = row.sends
        for name, word in self.town.words.items():
            said = said.replace(f"<{name}>", word)
        given = {"cookies": self.cookies[who]} if cookie else {"bearer": self.town.programs.get(who, "")}
        query = f"?{said}" if row.method == "GET" and said else ""
        sends = parse_qsl(said) if "@picture" in said else b"" if query else said.encode()
        return await self._counted(row.method, self.address(row) + query, **{"cookies": {}, "sends": sends, **given})

    async def send(self, who: str, method: str, address: str, fields: Fields) -> tuple[Told, set[str]]:
        """What is answered, and the tables that were written in."""
        return await self._counted(method, address, cookies=self.cookies[who], sends=fields)

    async def _counted(self, method: str, address: str, **given: Any) -> tuple[Told, set[str]]:
        async with undone(self.app.state.database, self.connection):
            before = await writes(self.connection)
            told = await ask(self.app, method, address, **given)
            after = await writes(self.connection)
        return told, {table for table in after if after[table] != before.get(table, 0)}
