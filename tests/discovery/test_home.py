"""The home page."""

import re
from html import unescape

from litestar import Litestar

from tests.discovery.conftest import LEAKS, Town, VisitorBrowser
from tests.factories import a_request, a_start
from tests.statements import count_statements


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
                await a_request(db, town.asha, town[slug], a_start(1 + day, 9 + 3 * n))
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
    assert len(statements) <= 7, statements
    with count_statements(app.state.services.database) as statements:
        await visitor.visit("/")
    assert statements == []


async def test_a_page_costs_few_bytes(visitor: VisitorBrowser) -> None:
    for path in ("/", "/services?pincode=600020", f"/services/{LEAKS}?pincode=600020"):
        answer = (await visitor.visit(path, {"accept-encoding": "br"})).response
        assert int(answer.headers["content-length"]) <= 15_000, path
