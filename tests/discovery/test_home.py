"""The home page."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from html import unescape

import pytest
from litestar import Litestar

from app.accounts.session import Sessions
from app.bookings.visits_repository import LastVisit
from app.core import clock
from app.core.secrets import digest, new_token
from app.discovery.service_list import ServiceCard
from app.discovery.suggestions import suggest_services
from app.jobs.acceptance import accept
from tests.bookings.scenes import later
from tests.discovery.conftest import LEAKS, Town, VisitorBrowser
from tests.factories import a_customer, a_hold, a_request, a_start, past_visits
from tests.statements import count_statements


@pytest.fixture
async def booked(app: Litestar, town: Town) -> Town:
    """The town with a new customer, whose bookings are those of one test."""
    async with app.state.services.database.work() as db:
        return replace(town, asha=await a_customer(db, "Asha Raman"))


@pytest.fixture
async def own_visitor(app: Litestar, booked: Town) -> AsyncIterator[VisitorBrowser]:
    """That customer, signed in."""
    token, database = new_token(), app.state.services.database
    async with database.work() as db:
        await Sessions(database).open(db, booked.asha, digest(token), clock.now(), "")
    async with VisitorBrowser(app) as browser:
        browser.cookies.set("ds", token)
        yield browser


async def test_home_has_the_search_twelve_doors_and_three_services(visitor: VisitorBrowser) -> None:
    page = await visitor.visit("/")
    assert page.status == 200
    assert page.form("/services", having="q").fields.keys() >= {"q", "pincode"}
    category_tiles = [link for link in page.links if "category=" in link]
    assert len(category_tiles) == 12
    assert (await visitor.visit(category_tiles[0])).status == 200
    assert f"/services/{LEAKS}?pincode=600020" in page.links


async def test_the_pincode_box_has_room_for_a_place_and_refuses_none(visitor: VisitorBrowser) -> None:
    box = re.search(r'<input[^>]*name="pincode"[^>]*>', (await visitor.visit("/")).text)
    assert box
    assert "pattern=" not in box[0]
    limit = re.search(r'maxlength="(\d+)"', box[0])
    assert limit is None or int(limit[1]) >= len("Thiruvanmiyur 600 041")


async def test_booked_most_is_shown_only_when_it_is_true(visitor: VisitorBrowser, town: Town, app: Litestar) -> None:
    assert "Ready to book in Adyar" in (await visitor.visit("/")).text
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        for n, slug in enumerate((LEAKS, "tap-or-mixer-replacement", "blocked-drain-or-floor-trap")):
            for day in range(n + 1):
                await a_request(db, await a_customer(db), town[slug], a_start(1 + day, 9 + 3 * n))
    page = await visitor.visit("/")
    assert "Most booked in Adyar" in page.text
    displayed = [unescape(name) for name in re.findall(r'class="service__name">([^<]+)<', page.text)]
    assert displayed == ["Blocked drain or floor trap", "Tap or mixer replacement", "Fixing leaks and pipes"]


async def test_visitors_get_no_cookie_and_pages_say_what_they_vary_by(visitor: VisitorBrowser, town: Town) -> None:
    paths = [
        "/",
        "/services?q=leak&pincode=600020",
        f"/services/{LEAKS}?pincode=600020",
        f"/services/{LEAKS}/slots?pincode=600020",
        f"/services/{LEAKS}/reviews",
        f"/professionals/{town.ravi.id}",
        *READING,
    ]
    for path in paths:
        answer = (await visitor.visit(path)).response
        assert answer.status_code == 200, path
        assert "set-cookie" not in answer.headers, path
        assert {"HX-Request", "HX-Request-Type", "Cookie"} <= set(re.split(", ?", answer.headers["vary"])), path


READING = ["/about", "/help", "/privacy", "/terms"]


async def test_the_pages_to_read_stand(visitor: VisitorBrowser) -> None:
    for path in READING:
        page = await visitor.visit(path)
        assert page.status == 200, path
        assert page.text.count("<h1") == 1, path
    assert "data.gov.in (GODL-India), corrected" in (await visitor.visit("/about")).text


async def test_home_asks_the_database_few_things(app: Litestar, visitor: VisitorBrowser) -> None:
    app.state.services.after_commit.cache.clear()
    with count_statements(app.state.services.database) as statements:
        await visitor.visit("/")
    assert len(statements) <= 6, statements
    with count_statements(app.state.services.database) as statements:
        await visitor.visit("/")
    assert statements == []


async def test_a_page_costs_few_bytes(visitor: VisitorBrowser) -> None:
    for path in ("/", "/services?pincode=600020", f"/services/{LEAKS}?pincode=600020"):
        answer = (await visitor.visit(path, {"accept-encoding": "br"})).response
        assert int(answer.headers["content-length"]) <= 15_000, path


async def test_a_customer_who_has_booked_sees_their_own_visit_and_no_sample(
    own_visitor: VisitorBrowser, booked: Town, app: Litestar
) -> None:
    services = app.state.services
    async with services.database.work() as db:
        booking = await a_request(db, booked.asha, booked[LEAKS], a_start(1, 15))
        reference = booking.reference
    async with services.database.work() as db:
        await accept(db, booked.ravi, reference, services.encryption)
    page = await own_visitor.visit("/")
    assert f"/bookings/{reference}" in page.links
    assert "Hello Asha" in page.text
    assert "Tomorrow, 3–4\xa0pm" in page.text
    code = re.search(r'id="start-code" value="(\d{6})"', page.text)
    assert code
    assert code[1] != "482917"
    assert "482917" not in page.text
    assert 'id="sample-code"' not in page.text
    piece = await own_visitor.visit("/", {"hx-request": "true", "hx-request-type": "partial"})
    assert piece.text.lstrip().startswith('<div class="columns columns--half" id="own"')
    assert "not in Adyar yet" not in page.text
    assert code[1] in piece.text


async def test_an_unpaid_hold_shows_the_minutes_left(own_visitor: VisitorBrowser, booked: Town, app: Litestar) -> None:
    async with app.state.services.database.work() as db:
        booking = await a_hold(db, booked.asha, booked[LEAKS], a_start(3, 14))
    with later(minutes=2):
        page = await own_visitor.visit("/")
    assert "5 min left to" in page.text
    assert f"/bookings/{booking.reference}/payment" in page.links
    assert 'id="sample-code"' not in page.text
    with later(minutes=8):
        lapsed = await own_visitor.visit("/")
    assert "min left to" not in lapsed.text
    assert 'id="sample-code"' not in lapsed.text


async def test_a_past_visit_can_be_booked_again_and_is_suggested_when_it_is_due(
    own_visitor: VisitorBrowser, booked: Town, app: Litestar
) -> None:
    async with app.state.services.database.work() as db:
        tap, drain = booked["tap-or-mixer-replacement"], booked["blocked-drain-or-floor-trap"]
        await past_visits(db, booked.asha, tap, booked.ravi, 2)
        await a_request(db, booked.asha, drain, a_start(4, 14))
    page = await own_visitor.visit("/")
    again = [link for link in page.links if link.startswith("/bookings/new?again=")]
    assert len(again) == 1
    assert "Ravi K., 16 Nov" in page.text
    assert "Tap or mixer replacement" in (await own_visitor.visit(again[0])).text


async def test_the_home_of_a_customer_asks_the_database_few_things(
    own_visitor: VisitorBrowser, booked: Town, app: Litestar
) -> None:
    async with app.state.services.database.work() as db:
        await past_visits(db, booked.asha, booked[LEAKS], booked.ravi, 30)
    await own_visitor.visit("/")
    with count_statements(app.state.services.database) as statements:
        page = await own_visitor.visit("/")
    assert len(statements) <= 4, statements  # the session, the area, what is open, what was done
    assert page.text.count("again=") == 1


def test_a_suggestion_says_how_long_ago_the_last_visit_was() -> None:
    ac = _a_card("foam-jet-ac-service-split", "AC service")
    last = datetime(2025, 12, 20, 10, tzinfo=clock.IST)
    due = LastVisit(ac.slug, "7K3MQ9WD", last, "Ravi Kumar", is_open=False)
    assert [
        (suggestion.card.name, suggestion.reason, suggestion.again) for suggestion in suggest_services([due], [ac])
    ] == [("AC service", "Your last was 11 months ago", "7K3MQ9WD")]
    assert suggest_services([replace(due, is_open=True)], [ac]) == []
    assert suggest_services([replace(due, starts_at=datetime(2026, 7, 1, tzinfo=clock.IST))], [ac]) == []
    assert suggest_services([due], []) == []


def test_the_season_suggests_what_was_never_booked() -> None:
    cards = [_a_card("mosquito-treatment", "Mosquito treatment"), _a_card("window-ac-service", "Window AC service")]
    rainy = [(suggestion.card.name, suggestion.reason) for suggestion in suggest_services([], cards)]
    assert rainy == [("Mosquito treatment", "In the rainy months")]
    with clock.freeze(datetime(2027, 3, 1, 9, tzinfo=clock.IST)):
        assert [suggestion.reason for suggestion in suggest_services([], cards)] == ["Before the hot months"]


def _a_card(slug: str, name: str) -> ServiceCard:
    return ServiceCard(1, slug, name, 649_00, 60, 60, 14, "ac-cooling", "AC & cooling", 0, 0)
