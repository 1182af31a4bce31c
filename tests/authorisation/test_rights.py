"""What an admin without the right for money, or for other admins, is refused: each page and operation that asks."""

import pytest
from sqlalchemy import text

from app.web.guards import ADMIN_RIGHTS
from tests.authorisation.people import People
from tests.authorisation.table import PROGRAMS, TABLE, Row

MONEY_OUTCOMES = (
    *("outcome=refund", "outcome=fee_returned", "outcome=payout_withheld"),
    *('"refund"', '"fee_returned"', '"payout_withheld"'),
)


def right_of(people: People, row: Row) -> str:
    """The right that the address asks for; decisions with money ask for more than others."""
    rights = {
        (method, route.path): handler.opt.get("right", "support")
        for route in people.app.routes
        for handler in getattr(route, "route_handlers", ())
        for method in handler.http_methods
    }
    decides_money = "/cases/" in row.route and any(outcome in row.sends for outcome in MONEY_OUTCOMES)
    return "money" if decides_money else str(rights[row.method, row.route])


@pytest.fixture
async def give_right(people):
    """Give Meena, the admin of the table, a right until the end of the test."""
    database, meena = people.app.state.services.database, people.town.people["meena"].id

    async def give(right: str) -> None:
        async with database.work() as db:
            await db.execute(
                text("UPDATE users SET admin_right = :right WHERE id = :id"), {"right": right, "id": meena}
            )

    yield give
    await give("owner")


@pytest.mark.parametrize("right", ["support", "money"])
async def test_who_has_a_smaller_right_is_refused_and_changes_nothing(people, give_right, right):
    await give_right(right)
    refused_count = 0
    for table, send in ((TABLE, people.request), (PROGRAMS, people.request_api)):
        for row in table:
            if ADMIN_RIGHTS.index(right_of(people, row)) <= ADMIN_RIGHTS.index(right) or row.expected["meena"] == "422":
                continue
            answer, written = await send(row, "meena")
            assert (answer.status, written) == (403, set()), row
            refused_count += 1
    assert refused_count >= (12 if right == "support" else 4)


@pytest.mark.parametrize("right", ["support", "money"])
async def test_what_the_right_includes_is_answered_as_to_an_owner(people, give_right, right):
    await give_right(right)
    for row in TABLE:
        is_included = ADMIN_RIGHTS.index(right_of(people, row)) <= ADMIN_RIGHTS.index(right)
        if row.method == "GET" and row.route.startswith("/admin") and is_included:
            answer, _written = await people.request(row, "meena")
            assert str(answer.status) == row.expected["meena"], row
