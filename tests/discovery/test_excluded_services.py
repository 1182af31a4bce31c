"""Services whose only professional is kept from the customer are not listed for them (W41)."""

from collections.abc import AsyncIterator

import pytest
from litestar import Litestar
from sqlalchemy import text

from app.accounts.session import Sessions
from app.core import clock
from app.core.secrets import digest, new_token
from app.scheduling.exclusion import ExcludedBy
from app.scheduling.exclusion_repository import Exclusions
from tests.discovery.conftest import Town, VisitorBrowser
from tests.discovery.test_results import names
from tests.factories import ADYAR, BESANT_NAGAR, a_customer, past_visits
from tests.statements import count_statements

TAPS, DRAINS = "Tap or mixer replacement", "Blocked drain or floor trap"


@pytest.fixture
async def mani(app: Litestar, town: Town) -> AsyncIterator[VisitorBrowser]:
    """A customer of Adyar who excluded Ravi, the only one for taps there; drains are done by others too."""
    async with app.state.services.database.work() as db:
        person = await a_customer(db, "Mani Raj", pincode=ADYAR)
        await past_visits(db, person, town["tap-or-mixer-replacement"], town.ravi, 200)
        await Exclusions(db).add(person.id, town.ravi.id, ExcludedBy.CUSTOMER)
    token, database = new_token(), app.state.services.database
    async with database.work() as db:
        await Sessions(database).open(db, person, digest(token), clock.now(), "")
    async with VisitorBrowser(app) as browser:
        browser.cookies.set("ds", token)
        yield browser


@pytest.mark.parametrize("sort", ["best", "price", "rating", "earliest"])
async def test_a_service_of_an_excluded_professional_is_not_listed(mani, asha, visitor, sort: str) -> None:
    path = f"/services?pincode={ADYAR}&sort={sort}"
    assert {TAPS, DRAINS} <= set(names(await visitor.visit(path)))
    assert {TAPS, DRAINS} <= set(names(await asha.visit(path)))
    page = await mani.visit(path)
    assert DRAINS in names(page)
    assert TAPS not in names(page)
    listed = len(names(await visitor.visit(path)))
    assert f"{listed} services" in (await visitor.visit(path)).text
    assert len(names(page)) < listed
    assert f"{listed} services" not in page.text


async def test_searching_for_it_shows_other_services(mani: VisitorBrowser) -> None:
    page = await mani.visit(f"/services?q=mixer&pincode={ADYAR}")
    assert TAPS not in names(page)
    assert page.status == 200


async def test_where_others_do_it_the_service_stays(mani: VisitorBrowser) -> None:
    assert "Fixing leaks and pipes" in names(await mani.visit(f"/services?q=leak&pincode={BESANT_NAGAR}"))


async def test_home_does_not_offer_it_again(mani: VisitorBrowser, town: Town, app: Litestar) -> None:
    again = "/bookings/new?again="
    assert again not in " ".join((await mani.visit("/")).links)
    async with app.state.services.database.work() as db:
        await db.execute(text("DELETE FROM exclusions WHERE professional_id = :id"), {"id": town.ravi.id})
    assert again in " ".join((await mani.visit("/")).links)


async def test_exclusions_cost_a_list_no_statement(mani, asha, app: Litestar) -> None:
    counts = []
    for browser in (asha, mani):
        await browser.visit(f"/services?q=drain&pincode={ADYAR}")
        with count_statements(app.state.services.database) as statements:
            await browser.visit(f"/services?q=drain&pincode={ADYAR}")
        counts.append(statements)
    assert [len(statements) for statements in counts] == [len(counts[0])] * 2, counts
    assert len(counts[0]) <= 5, counts
