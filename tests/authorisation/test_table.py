"""Every address, method and person against the written table; a route that is not in it fails the test."""

from urllib.parse import urlencode

import pytest

from app.web.guards import list_routes
from tests.authorisation.requests import Answer, contents, events_after, last_event, rolled_back, send_request
from tests.authorisation.table import PEOPLE, PROGRAMS, TABLE, VIEWED_BY_PROGRAMS, VIEWED_TABLES

WITHOUT_TOKEN = {"/csp-report", "/unsubscribe/{token:str}"}  # browsers and mail programs send these by themselves


def short(answer: Answer) -> str:
    """The status or redirect as the table writes it."""
    return "login" if answer.status == 303 and answer.location.startswith("/login?next=") else str(answer.status)


async def test_every_route_is_in_the_table_and_the_table_names_no_other(people):
    there = {(method, path) for method, path, *_ in list_routes(people.app)}
    written = {(row.method, row.route) for row in (*TABLE, *PROGRAMS)}
    assert there - written == set(), "not in table.tsv"
    assert written - there == set(), "no such route"


async def test_only_gets_that_log_a_view_or_stream_have_a_transaction(people):
    """Every other GET reads outside one, and a change in it raises."""
    declared = {
        route.path
        for route in people.app.routes
        for handler in getattr(route, "route_handlers", ())
        if "GET" in handler.http_methods and handler.opt.get("in_transaction")
    }
    assert declared == VIEWED_TABLES.keys() | VIEWED_BY_PROGRAMS.keys() | {"/profile/data/file"}


@pytest.mark.parametrize("row", TABLE, ids=str)
async def test_each_person_is_answered_as_the_table_says(people, row):
    answers = {who: await people.request(row, who) for who in PEOPLE}
    assert {who: short(answer) for who, (answer, _) in answers.items()} == row.expected
    for who, (answer, written) in answers.items():
        refused = short(answer) in ("login", "403", "404")
        may = VIEWED_TABLES.get(row.route, set()) if row.method == "GET" else written
        assert written <= (set() if refused else may), f"{row}, {who} writes in {written}"


@pytest.mark.parametrize("row", [row for row in TABLE if row.method == "POST"], ids=str)
async def test_a_form_without_its_token_is_refused_and_changes_nothing(people, row):
    if row.route in WITHOUT_TOKEN:
        return
    for who in PEOPLE:
        answer, written = await people.request(row, who, token="")
        assert short(answer) == ("login" if row.expected[who] == "login" else "403"), who
        assert not written, who


async def test_a_token_of_someone_else_is_no_token(people):
    row = next(row for row in TABLE if str(row) == "POST /bookings/{ref:str}/cancellation assigned")
    answer, written = await people.request(row, "asha", token="omar")
    assert (answer.status, written) == (403, set())


async def test_other_methods_are_refused_at_every_address_and_change_nothing(people):
    methods: dict[str, set[str]] = {}
    for row in TABLE:
        methods.setdefault(row.route, set()).add(row.method)
    for row in {row.route: row for row in TABLE}.values():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods[row.route]:
            answer, written = await people.request(row, "asha", method=method)
            assert (answer.status, written) == (405, set()), f"{method} {row.route}"


@pytest.mark.parametrize("row", [row for row in TABLE if row.method == "GET"], ids=str)
async def test_a_head_request_answers_as_the_page_would_and_says_nothing(people, row):
    for who in PEOPLE:
        answer, written = await people.request(row, who, method="HEAD")
        assert (short(answer), answer.body) == (row.expected[who], ""), who
        refused = short(answer) in ("login", "403", "404")
        assert written <= (set() if refused else set(VIEWED_TABLES.get(row.route, ()))), who


@pytest.mark.parametrize("row", {row.route: row for row in TABLE}.values(), ids=str)
async def test_an_options_request_discloses_nothing_and_changes_nothing(people, row):
    """Litestar answers OPTIONS before authentication, with the methods only, the same for everyone."""
    answers = {who: await people.request(row, who, method="OPTIONS") for who in PEOPLE}
    assert {(answer.status, answer.body, frozenset(written)) for answer, written in answers.values()} == {
        (204, "", frozenset())
    }


@pytest.mark.parametrize("row", [row for row in TABLE if "events" in VIEWED_TABLES.get(row.route, ())], ids=str)
async def test_a_look_writes_that_someone_looked_and_nothing_else(people, row):
    """Only the record's event chain has grown, by an event of the viewing."""
    tables = VIEWED_TABLES[row.route] - {"events"}
    for who in [who for who, status in row.expected.items() if status == "200"]:
        async with rolled_back(people.app.state.services.database, people.connection):
            before, last = await contents(people.connection, tables), await last_event(people.connection)
            address = f"{people.address(row)}?{urlencode(row.fields(people.town.values))}"
            await send_request(people.app, "GET", address, cookies=people.cookies[who], sends={})
            events = await events_after(people.connection, last)
            assert events, who
            assert all(name.endswith("seen") for name in events), f"{who}: {events}"
            assert await contents(people.connection, tables) == before, who


async def test_what_the_table_calls_a_success_is_distinguished_from_doing_nothing(people):
    """A table of refusals alone would prove little: the owner's own requests do write."""
    actions = [row for row in TABLE if row.method == "POST" and row.route.startswith(("/bookings/", "/jobs/"))]
    for row in actions:
        for who, status in row.expected.items():
            if status == "303":
                assert (await people.request(row, who))[1], f"{row}, {who}"
