"""Pages by key: together they are the whole list, in any order, whatever is equal and whatever comes meanwhile."""

import random
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.accounts.user import Role, User
from app.core import clock
from app.core.errors import Missing
from app.core.keyset import Sort, counted, slice_of
from app.core.paging import cursor
from tests.factories import a_customer

NAMES = ["Asha", "Asha", "asha", "Ålam", "ஆஷா", "Zara", "Bala"]
EVERYBODY = select(User.id, User.full_name, User.created_at).where(User.role == Role.CUSTOMER)
SORTS = {"name": Sort(User.full_name), "since": Sort(User.created_at, datetime), "number": Sort(User.epoch, int)}


@pytest.fixture
async def people(db):
    for number in range(23):
        user = await a_customer(db, f"{NAMES[number % 7]} {number % 5}")
        user.created_at = clock.now() + timedelta(days=number // 3)
        user.epoch = number // 4
    await db.flush()
    return db


async def walk(db, sort, descending, limit):
    after, found = None, []
    while True:
        page = await slice_of(db, EVERYBODY, key=User.id, sort=sort, descending=descending, after=after, limit=limit)
        assert (page.first, page.last) == (len(found) + 1, len(found) + len(page.rows))
        assert page.total == 23
        found += [row.id for row in page.rows]
        if page.next is None:
            return found
        after = page.next


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", SORTS)
async def test_the_pages_are_the_list(people, name, descending):
    by = SORTS[name].by
    order = (by.desc(), User.id.desc()) if descending else (by, User.id)
    whole = [row.id for row in await people.execute(EVERYBODY.order_by(*order))]
    assert len(whole) == 23
    for limit in (1, 4, 22, 23, 24):
        assert await walk(people, SORTS[name], descending, limit) == whole


async def test_a_row_that_goes_or_comes_between_two_pages_moves_no_other(people):
    page = await slice_of(people, EVERYBODY, key=User.id, sort=SORTS["since"], limit=10)
    whole = [row.id for row in await people.execute(EVERYBODY.order_by(User.created_at, User.id))]
    gone = await people.get(User, whole[random.Random(1).randrange(10)])
    gone.role = Role.ADMIN
    await people.flush()
    following = await slice_of(people, EVERYBODY, key=User.id, sort=SORTS["since"], after=page.next, limit=10)
    assert [row.id for row in following.rows] == whole[10:20]


@pytest.mark.parametrize(
    "after",
    ["banana", "e30", cursor("x"), cursor("no day", 1, 1), cursor(1, 1, 1), cursor("2026-11-24", "1", 1), "x" * 2000],
)
async def test_a_cursor_that_was_not_ours_is_missing(people, after):
    with pytest.raises(Missing):
        await slice_of(people, EVERYBODY, key=User.id, sort=SORTS["since"], after=after)


async def test_an_empty_list_has_no_first(db):
    page = await slice_of(db, EVERYBODY.where(User.id < 0), key=User.id, sort=SORTS["name"])
    assert (list(page.rows), page.first, page.total, page.next) == ([], 0, 0, None)


async def test_what_is_many_is_not_counted_to_the_end(people):
    assert await counted(people, EVERYBODY, most=23) == 23
    assert await counted(people, EVERYBODY, most=22) is None
