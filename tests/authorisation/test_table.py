"""Every address × method × person, against the written table; a route that is not in it fails the build."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncConnection

from app.kit import clock
from app.web.guards import declared
from tests.application import serving, settings
from tests.authorisation.asking import Told, ask, undone, writes
from tests.authorisation.town import NINE, Town, build

TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')
PARAMETER = re.compile(r"\{[^}]*\}")
WITHOUT_TOKEN = {"/csp-report"}  # browsers send it by themselves


@dataclass(frozen=True, slots=True)
class Row:
    method: str
    route: str
    at: str
    sends: str
    expected: dict[str, str]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.method, self.route, self.at)))


def read_table() -> list[Row]:
    text = Path(__file__).with_name("table.tsv").read_text(encoding="utf-8")
    head, *lines = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    people = head[4:]
    return [Row(*line[:4], dict(zip(people, line[4:], strict=True))) for line in lines]


TABLE = read_table()
PEOPLE = list(TABLE[0].expected)


class Asking:
    """The people of the town at the doors, each with session and token; whatever they do is undone."""

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
        """What is answered, and the tables that were written in. `token` is whose, "" is none."""
        method, address = method or row.method, self.address(row)
        sends = row.sends.format(**self.town.words)
        fields = dict(parse_qsl(sends, keep_blank_values=True))
        if method == "GET":
            address, fields = address + ("?" + sends if sends else ""), {}
        elif token != "":
            fields["_csrf_token"] = self.tokens[token or who]
        async with undone(self.app.state.database, self.connection):
            before = await writes(self.connection)
            told = await ask(self.app, method, address, cookies=self.cookies[who], sends=fields)
            after = await writes(self.connection)
        return told, {table for table in after if after[table] != before.get(table, 0)}


@pytest.fixture(scope="module")
async def asking(services) -> AsyncIterator[Asking]:
    database = services.clone()
    async with serving(settings(services.app_url(database), services.redis_url)) as app:
        with clock.stopped(NINE):
            town = await build(app)
            async with app.state.database.engine.connect() as connection:
                people = Asking(app, town, connection)
                await people.learn_tokens()
                yield people


def short(told: Told) -> str:
    """As the table says it."""
    return "login" if told.status == 303 and told.location.startswith("/login?next=") else str(told.status)


async def test_every_route_is_in_the_table_and_the_table_names_no_other(asking):
    there = {(method, path) for method, path, _ in declared(asking.app)}
    written = {(row.method, row.route) for row in TABLE}
    assert there - written == set(), "not in table.tsv"
    assert written - there == set(), "no such route"


@pytest.mark.parametrize("row", TABLE, ids=str)
async def test_each_person_is_answered_as_the_table_says(asking, row):
    told = {who: await asking.ask(row, who) for who in PEOPLE}
    assert {who: short(answer) for who, (answer, _) in told.items()} == row.expected
    for who, (answer, written) in told.items():
        refused = short(answer) in ("login", "403", "404")
        assert not written or not (row.method == "GET" or refused), f"{row}, {who} writes in {written}"


@pytest.mark.parametrize("row", [row for row in TABLE if row.method == "POST"], ids=str)
async def test_a_form_without_its_token_is_refused_and_changes_nothing(asking, row):
    if row.route in WITHOUT_TOKEN:
        return
    for who in PEOPLE:
        told, written = await asking.ask(row, who, token="")
        assert short(told) == ("login" if row.expected[who] == "login" else "403"), who
        assert not written, who


async def test_a_token_of_somebody_else_is_no_token(asking):
    row = next(row for row in TABLE if str(row) == "POST /bookings/{ref:str}/cancellation assigned")
    told, written = await asking.ask(row, "asha", token="omar")
    assert (told.status, written) == (403, set())


async def test_other_methods_are_refused_at_every_address_and_change_nothing(asking):
    methods: dict[str, set[str]] = {}
    for row in TABLE:
        methods.setdefault(row.route, set()).add(row.method)
    for row in {row.route: row for row in TABLE}.values():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods[row.route]:
            told, written = await asking.ask(row, "asha", method=method)
            assert (told.status, written) == (405, set()), f"{method} {row.route}"
        told, written = await asking.ask(row, "omar", method="OPTIONS")
        assert told.status < 500, row.route
        assert not written, row.route


async def test_what_the_table_calls_a_success_can_be_told_from_doing_nothing(asking):
    """A table of refusals alone would prove little: the owner's own deeds do write."""
    deeds = [row for row in TABLE if row.method == "POST" and row.route.startswith(("/bookings/", "/jobs/"))]
    for row in deeds:
        for who, status in row.expected.items():
            if status == "303":
                assert (await asking.ask(row, who))[1], f"{row}, {who}"
