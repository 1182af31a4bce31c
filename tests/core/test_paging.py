"""Cursors go round; anybody else's are not there."""

import pytest

from app.core.errors import Missing
from app.core.paging import after, cursor, limit_of, page_of


def test_a_page_knows_where_the_next_begins():
    page = page_of([(3, "c"), (2, "b"), (1, "a")], 2, key=lambda row: (row[0], row[1]))
    assert list(page.items) == [(3, "c"), (2, "b")]
    assert after(page.next, int, str) == (2, "b")
    assert page_of([(1, "a")], 2, key=lambda row: row).next is None


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "é",
        "AAAA",
        cursor(1),
        cursor("1", "b"),
        cursor(2**70, "b"),
        cursor(1, "\x00"),
        "W10",
        "W1tb" * 250,
        "W1tb" * 9_000,
    ],
)
def test_a_cursor_that_is_not_ours_is_missing(text):
    with pytest.raises(Missing):
        after(text, int, str)


def test_no_cursor_is_the_first_page():
    assert after(None, int) is None
    assert after("", int) is None


def test_nobody_gets_everything_at_once():
    assert [limit_of(asked) for asked in (None, 5, 0, -3, 10_000)] == [20, 5, 20, 1, 100]
