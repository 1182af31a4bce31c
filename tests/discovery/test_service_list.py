"""The list of services of a place: sorted, filtered, and paged by cursor."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.core.errors import Missing
from app.discovery.service_list import SORTS, ServiceCard, ServiceFilters, by_popularity, by_rank, page_of_cards
from tests.discovery.conftest import TUESDAY

numbers = some.integers(0, 6)


def a_card(
    number: int, price: int = 100_00, stars: int = 0, reviews: int = 0, category: str = "plumbing"
) -> ServiceCard:
    return ServiceCard(number, f"s{number}", f"S{number}", price, 60, 120, 7, category, category, stars, reviews)


cards = some.lists(some.tuples(numbers, numbers, numbers, numbers), max_size=40).map(
    lambda rows: [
        a_card(n, 100 + price * 100, min(stars, 5) * reviews, reviews)
        for n, (price, stars, reviews, _) in enumerate(rows)
    ]
)


@given(
    category=cards,
    sort=some.sampled_from(SORTS),
    size=some.integers(1, 7),
    free=some.dictionaries(numbers, numbers),
)
def test_pages_put_together_are_the_whole_list_in_order(
    category: list[ServiceCard], sort: str, size: int, free: dict[int, int]
) -> None:
    first = {number: TUESDAY + timedelta(hours=hours) for number, hours in free.items()}
    visited: list[ServiceCard] = []
    cursor: str | None = None
    while True:
        page = page_of_cards(category, sort, cursor, first, size)
        visited += page.items
        cursor = page.next
        if cursor is None:
            break
    assert visited == list(page_of_cards(category, sort, None, first, len(category) or 1).items)
    assert sorted(card.id for card in visited) == [card.id for card in category]


def test_each_sort_puts_first_what_it_promises() -> None:
    cheap, good, soon = a_card(1, 50_00), a_card(2, 200_00, stars=48, reviews=10), a_card(3, 300_00, stars=3, reviews=1)
    category = [good, cheap, soon]
    free = {3: TUESDAY, 2: TUESDAY + timedelta(days=1)}
    firsts = {sort: page_of_cards(category, sort, None, free).items[0] for sort in SORTS}
    assert firsts == {"best": good, "price": cheap, "rating": good, "earliest": soon}
    assert page_of_cards(category, "earliest", None, free).items[-1] == cheap  # no professional is free for it


def test_filters_keep_what_fits_all_of_them() -> None:
    card = a_card(1, 150_00, stars=45, reviews=10)
    assert ServiceFilters("plumbing", 150_00, 4.5).matches(card)
    for other in (ServiceFilters("electrical"), ServiceFilters(max_price=149_99), ServiceFilters(min_rating=4.6)):
        assert not other.matches(card)
    assert not ServiceFilters(min_rating=1).matches(a_card(2))


def test_matches_keep_the_order_of_the_search_and_lists_that_of_what_people_wrote() -> None:
    category = [a_card(1, reviews=1), a_card(2, reviews=9), a_card(3)]
    assert [card.id for card in by_rank(category, [3, 99, 1])] == [3, 1]
    assert [card.id for card in by_popularity(category)] == [2, 1, 3]


def test_a_cursor_that_was_not_ours_is_missing() -> None:
    with pytest.raises(Missing):
        page_of_cards([a_card(1)], "best", "banana", {})
