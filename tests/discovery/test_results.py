"""The search results page."""

import re
from html import unescape

import pytest
from litestar import Litestar

from app.catalog.search import find_services
from app.discovery.service_list import ServiceCard, names_first
from tests.discovery.conftest import LEAKS, Town, VisitorBrowser
from tests.factories import a_professional, a_service
from tests.person import Page
from tests.statements import count_statements

AS_HTMX = {"hx-request": "true", "hx-request-type": "partial"}


def names(page: Page) -> list[str]:
    return [unescape(name) for name in re.findall(r'class="service__name">([^<]+)<', page.text)]


async def test_a_leak_at_a_covered_pincode_finds_plumbing(visitor: VisitorBrowser) -> None:
    page = await visitor.visit("/services?q=leak&pincode=600020")
    assert page.status == 200
    assert "Fixing leaks and pipes" in names(page)
    assert f"/services/{LEAKS}?pincode=600020" in page.links
    assert "near Adyar" in page.text


@pytest.mark.parametrize(
    "typed", ["tap leking", "plumber adyar", "குழாய்", "kuzhai", "नल", "600020 leak", "leak in Adyar"]
)
async def test_search_forgives_and_reads_places_among_words(visitor: VisitorBrowser, typed: str) -> None:
    page = await visitor.visit("/services", q=typed, pincode="600020")
    assert page.status == 200
    assert "Fixing leaks and pipes" in names(page)


@pytest.mark.parametrize("typed", ["600020", " 600 020 "])
async def test_a_card_leads_a_visitor_to_the_times_at_the_pincode(visitor: VisitorBrowser, typed: str) -> None:
    for _from_the_cache_too in range(2):
        assert {"q", "pincode"} <= set((await visitor.visit("/")).form("/services").fields)
        results = await visitor.visit("/services", q="tap leking", pincode=typed)
        assert f"/services/{LEAKS}?pincode=600020" in results.links
        page = await visitor.visit(f"/services/{LEAKS}?pincode=600020")
        chosen = page.form("/bookings/new").fields
        assert chosen["pincode"] == "600020"
        assert chosen["start"], "the earliest start is chosen already"


async def test_misspelt_words_are_read_out_again(visitor: VisitorBrowser) -> None:
    page = await visitor.visit("/services?q=tap+leking&pincode=600020")
    assert "Showing results for" in page.text
    assert "instead of “tap leking”." in page.text


@pytest.mark.parametrize("location", ["Adyar", "600020"])
async def test_a_place_alone_shows_all_that_can_be_booked_there(visitor: VisitorBrowser, location: str) -> None:
    page = await visitor.visit("/services", q=location)
    assert sorted(names(page)) == ["Blocked drain or floor trap", "Fixing leaks and pipes", "Tap or mixer replacement"]
    assert "3 services near Adyar" in page.text
    assert 'value="600020"' in page.text


async def test_only_what_someone_approved_does_there_is_shown(visitor: VisitorBrowser) -> None:
    assert "Ceiling fan installation" not in names(await visitor.visit("/services?pincode=600020"))
    assert "Ceiling fan installation" in names(await visitor.visit("/services?pincode=600090"))
    assert names(await visitor.visit("/services?q=fan&pincode=600020")) != []  # suggestions, labelled as other services
    page = await visitor.visit("/services?q=fan&pincode=600020")
    assert "No professionals offer that near Adyar yet" in page.text


async def test_an_uncovered_pincode_says_so_and_names_the_nearest_covered_ones(visitor: VisitorBrowser) -> None:
    page = await visitor.visit("/services?q=leak&pincode=600045")
    assert page.status == 200
    assert "We're not in Tambaram yet" in page.text
    near = [link for link in page.links if link.startswith("/services?")]
    assert near[0].endswith("pincode=600090")
    assert len(near) == 3
    assert names(page) == []
    assert "Fixing leaks and pipes" in names(await visitor.visit(near[0]))


async def test_a_pincode_without_coordinates_has_nearest_ones_too(visitor: VisitorBrowser) -> None:
    page = await visitor.visit("/services?pincode=110001")
    assert "We're not in New Delhi yet" in page.text
    assert "pincode=600020" in page.text


@pytest.mark.parametrize("typed", ["999999", "banana7", "00", "6000", "-1", "9" * 30])
async def test_an_unknown_pincode_is_shown_beside_its_field_and_kept(visitor: VisitorBrowser, typed: str) -> None:
    page = await visitor.visit("/services", q="leak", pincode=typed)
    assert page.status == 422
    assert 'id="pincode-error"' in page.text
    assert f'value="{typed}"' in page.text
    assert 'value="leak"' in page.text


async def test_what_no_one_offers_finds_nothing_and_says_what_else_there_is(visitor: VisitorBrowser) -> None:
    page = await visitor.visit("/services?q=helicopter&pincode=600020")
    assert page.status == 200
    assert "No results" in page.text
    assert "Popular services" in page.text
    assert "Today 11:00\xa0am" in page.text
    assert "No free time" not in page.text


async def test_the_door_finds_what_the_search_finds(visitor: VisitorBrowser, town: Town, app) -> None:
    async with app.state.services.database.work() as db:
        matches = {hit.service_id for hit in await find_services(db, "tap")}
    there = {value.name for value in town.services.values() if value.id in matches}
    found = set(names(await visitor.visit("/services?q=tap&pincode=600020")))
    assert found
    assert found <= there


async def test_without_a_pincode_cards_show_no_time(visitor: VisitorBrowser) -> None:
    page = await visitor.visit("/services")
    assert "Enter your pincode to see who is free near you" in page.text
    assert "Enter your pincode to see times" in page.text
    assert "No free time" not in page.text
    assert f"/services/{LEAKS}" in page.links


async def test_lists_sort_by_price_and_by_the_earliest_time(visitor: VisitorBrowser) -> None:
    by_price = names(await visitor.visit("/services?pincode=600020&sort=price"))
    assert by_price == ["Fixing leaks and pipes", "Tap or mixer replacement", "Blocked drain or floor trap"]
    assert len(names(await visitor.visit("/services?pincode=600020&sort=earliest"))) == 3
    assert len(names(await visitor.visit("/services?pincode=600020&sort=banana"))) == 3


async def test_filters_narrow_and_can_be_taken_off(visitor: VisitorBrowser) -> None:
    assert names(await visitor.visit("/services?pincode=600090&category=electrical")) == ["Ceiling fan installation"]
    assert names(await visitor.visit("/services?pincode=600020&max_price=150")) == ["Fixing leaks and pipes"]
    page = await visitor.visit("/services?pincode=600020&max_price=1")
    assert "No results with these filters" in page.text
    assert "/services?pincode=600020" in page.links


async def test_cards_say_the_earliest_time_after_the_notice(visitor: VisitorBrowser) -> None:
    page = await visitor.visit("/services?q=leak&pincode=600020")
    assert "Today 11:00\xa0am" in page.text


async def test_htmx_gets_the_list_alone_and_history_the_page(visitor: VisitorBrowser) -> None:
    address = "/services?q=leak&pincode=600020"
    piece = await visitor.visit(address, AS_HTMX)
    assert "<html" not in piece.text
    assert 'id="results"' in piece.text
    assert 'hx-swap-oob="outerMorph"' in piece.text
    assert "HX-Request" in piece.response.headers["vary"]
    assert "HX-Request-Type" in piece.response.headers["vary"]
    whole = await visitor.visit(address, {"hx-request": "true", "hx-request-type": "full"})
    assert "<html" in whole.text
    repeated = await visitor.visit(address)
    assert "<html" in repeated.text


async def test_a_list_asks_the_database_few_things(app, visitor: VisitorBrowser) -> None:
    with count_statements(app.state.services.database) as statements:
        await visitor.visit("/services?q=drain&pincode=600020")
    assert len(statements) <= 9, statements


async def test_the_same_list_again_asks_nothing(app, visitor: VisitorBrowser) -> None:
    await visitor.visit("/services?q=mixer&pincode=600020")
    with count_statements(app.state.services.database) as statements:
        await visitor.visit("/services?q=mixer&pincode=600020")
    assert statements == []


@pytest.mark.parametrize("place", ["", "&pincode=600020"])
async def test_a_service_that_no_one_offers_yet_is_coming(visitor: VisitorBrowser, place: str) -> None:
    page = await visitor.visit(f"/services?q=mosquito treatment{place}")
    assert "Mosquito treatment is coming" in page.text
    assert "No professional offers it yet." in page.text
    assert "No results" not in page.text


async def test_without_a_word_services_stand_under_their_categories(visitor: VisitorBrowser) -> None:
    page = await visitor.visit("/services?pincode=600090")
    heads = re.findall(r"<h3[^>]*>.*?</svg>([^<]+)</h3>", page.text, re.DOTALL)
    assert sorted(heads) == ["Electrical", "Plumbing"]
    assert "#plumbing" in page.text
    searched = await visitor.visit("/services?q=leak&pincode=600090")
    assert re.findall(r"<h3[^>]*>.*?</svg>([^<]+)</h3>", searched.text, re.DOTALL) == []
    assert "#plumbing" in searched.text


async def test_the_chosen_category_is_the_first_chip(visitor: VisitorBrowser) -> None:
    page = await visitor.visit("/services?pincode=600090&category=electrical")
    chips = re.findall(r'<a class="chip"[^>]*?(aria-current="true")?>', page.text.split("</details>")[-1])
    assert chips[0] == 'aria-current="true"'


async def test_show_more_adds_below_what_is_there(visitor: VisitorBrowser, app: Litestar) -> None:
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        services = [await a_service(db, f"Piano tuning {n}") for n in range(25)]
        await a_professional(db, "Pia Nair", services=services, pincodes=["600028"], home="600028")
    first = await visitor.visit("/services?pincode=600028")
    following = next(link for link in first.links if "after=" in link)
    assert 'hx-target="#more"' in first.text
    piece = await visitor.visit(following, AS_HTMX)
    assert 'id="results"' not in piece.text
    assert 'id="more"' not in piece.text
    assert piece.text.count("autofocus") == 1
    shown = names(first) + names(piece)
    assert sorted(shown) == sorted(service.name for service in services)
    whole = await visitor.visit(following)
    assert 'id="results"' in whole.text
    assert "autofocus" not in whole.text
    assert names(whole) == names(piece)


def test_a_single_word_puts_the_services_with_that_name_first() -> None:
    def card(number: int, name: str, category: str) -> ServiceCard:
        return ServiceCard(number, f"s{number}", name, 100, 60, 60, 7, category, category, 0, 0)

    drain, sofa = card(1, "Blocked drain or floor trap", "Plumbing"), card(2, "Sofa shampoo", "Home cleaning")
    bath = card(3, "Classic bathroom cleaning", "Kitchen & bath")
    assert names_first([drain, sofa, bath], "cleaning") == [bath, sofa, drain]
    assert names_first([drain, sofa, bath], "drain cleaning") == [drain, sofa, bath]
