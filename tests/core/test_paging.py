"""Paging: the pages together are the whole list in any sort order; foreign cursors are refused."""

import random
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.accounts.user import Role, User
from app.core import clock
from app.core.errors import Missing
from app.core.paging import Sort, clamp_limit, count_rows, decode_cursor, encode_cursor, fetch_page, page_of
from tests.factories import a_customer

NAMES = ["Asha", "Asha", "asha", "Ålam", "ஆஷா", "Zara", "Bala"]
CUSTOMERS = select(User.id, User.full_name, User.created_at).where(User.role == Role.CUSTOMER)
SORTS = {"name": Sort(User.full_name), "since": Sort(User.created_at, datetime), "number": Sort(User.epoch, int)}


def test_a_page_knows_where_the_next_begins():
    page = page_of([(3, "c"), (2, "b"), (1, "a")], 2, key=lambda row: (row[0], row[1]))
    assert list(page.items) == [(3, "c"), (2, "b")]
    assert decode_cursor(page.next, int, str) == (2, "b")
    assert page_of([(1, "a")], 2, key=lambda row: row).next is None


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "é",
        "AAAA",
        encode_cursor(1),
        encode_cursor("1", "b"),
        encode_cursor(2**70, "b"),
        encode_cursor(1, "\x00"),
        "W10",
        "W1tb" * 250,
        "W1tb" * 9_000,
    ],
)
def test_a_foreign_cursor_is_missing(text):
    with pytest.raises(Missing):
        decode_cursor(text, int, str)


def test_no_cursor_is_the_first_page():
    assert decode_cursor(None, int) is None
    assert decode_cursor("", int) is None


def test_a_page_size_is_limited():
    assert [clamp_limit(limit) for limit in (None, 5, 0, -3, 10_000)] == [20, 5, 20, 1, 100]


@pytest.fixture
async def customers(db):
    for number in range(23):
        user = await a_customer(db, f"{NAMES[number % 7]} {number % 5}")
        user.created_at = clock.now() + timedelta(days=number // 3)
        user.epoch = number // 4
    await db.flush()
    return db


async def walk(db, sort, descending, limit):
    after: str | None = None
    ids: list[int] = []
    while True:
        page = await fetch_page(db, CUSTOMERS, key=User.id, sort=sort, descending=descending, after=after, limit=limit)
        assert (page.first, page.last) == (len(ids) + 1, len(ids) + len(page.items))
        assert page.total == 23
        ids += [row.id for row in page.items]
        if page.next is None:
            return ids
        after = page.next


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", SORTS)
async def test_the_pages_are_the_list(customers, name, descending):
    column = SORTS[name].column
    order = (column.desc(), User.id.desc()) if descending else (column, User.id)
    whole = [row.id for row in await customers.execute(CUSTOMERS.order_by(*order))]
    assert len(whole) == 23
    for limit in (1, 4, 22, 23, 24):
        assert await walk(customers, SORTS[name], descending, limit) == whole


async def test_a_row_that_goes_or_comes_between_two_pages_moves_no_other(customers):
    page = await fetch_page(customers, CUSTOMERS, key=User.id, sort=SORTS["since"], limit=10)
    whole = [row.id for row in await customers.execute(CUSTOMERS.order_by(User.created_at, User.id))]
    removed = await customers.get(User, whole[random.Random(1).randrange(10)])
    removed.role = Role.ADMIN
    await customers.flush()
    following = await fetch_page(customers, CUSTOMERS, key=User.id, sort=SORTS["since"], after=page.next, limit=10)
    assert [row.id for row in following.items] == whole[10:20]


@pytest.mark.parametrize(
    "after",
    [
        "banana",
        "e30",
        encode_cursor("x"),
        encode_cursor("no day", 1, 1),
        encode_cursor(1, 1, 1),
        encode_cursor("2026-11-24", "1", 1),
        "x" * 2000,
    ],
)
async def test_a_foreign_cursor_of_a_sorted_list_is_missing(customers, after):
    with pytest.raises(Missing):
        await fetch_page(customers, CUSTOMERS, key=User.id, sort=SORTS["since"], after=after)


async def test_an_empty_list_has_no_first(db):
    page = await fetch_page(db, CUSTOMERS.where(User.id < 0), key=User.id, sort=SORTS["name"])
    assert (list(page.items), page.first, page.total, page.next) == ([], 0, 0, None)


async def test_what_is_many_is_not_counted_to_the_end(customers):
    assert await count_rows(customers, CUSTOMERS, max_count=23) == 23
    assert await count_rows(customers, CUSTOMERS, max_count=22) is None
