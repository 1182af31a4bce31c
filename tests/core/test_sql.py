"""Statements on the driver's connection are part of the session's transaction and of its savepoints."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.db import Database, violated_constraint
from app.core.sql import execute, fetch_value, rows, savepoint
from app.scheduling.travel import Location
from tests.factories import a_service

ADD = "INSERT INTO search_terms (term, language, category_id) SELECT $1, 'en', min(id) FROM categories"
COUNT = "SELECT count(*) FROM search_terms WHERE term = ANY($1)"
CATEGORY = (
    "INSERT INTO categories (slug, name, short_name, drawing, position) VALUES ('pipes', 'Pipes', 'Pipes', 'x', 1)"
)


@pytest.fixture
async def database_with_category(own_database: Database) -> Database:
    async with own_database.work() as db:
        await db.execute(text(CATEGORY))
    return own_database


async def terms(database: Database) -> int:
    async with database.work() as db:
        return await fetch_value(db, COUNT, ["tap", "pipe"])


async def test_the_first_statement_of_a_transaction_is_rolled_back_with_it(database_with_category):
    async def add_and_fail() -> None:
        async with database_with_category.work() as db:
            assert await execute(db, ADD, "tap") == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await add_and_fail()
    assert await terms(database_with_category) == 0


async def test_the_first_statement_of_a_savepoint_is_rolled_back_with_it(database_with_category):
    async with database_with_category.work() as db:
        await execute(db, ADD, "tap")
        async with db.begin_nested() as nested:
            await execute(db, ADD, "pipe")
            await nested.rollback()
        await execute(db, ADD, "pipe")
    assert await terms(database_with_category) == 2


async def in_savepoint(db, *statements: str) -> None:
    async with savepoint(db):
        for statement in statements:
            await execute(db, statement)


async def test_a_savepoint_of_statements_undoes_what_raises_and_what_is_rolled_back(database_with_category):
    async with database_with_category.work() as db:
        with pytest.raises(IntegrityError, match="NotNull"):
            await in_savepoint(db, ADD.replace("$1", "'tap'"), "UPDATE categories SET position = NULL")
        async with savepoint(db) as point:
            await execute(db, ADD, "tap")
            await point.roll_back()
        async with savepoint(db):
            await execute(db, ADD, "pipe")
    assert await terms(database_with_category) == 1


async def test_a_savepoint_that_is_not_released_keeps_its_statements_and_those_after_it(database_with_category):
    async with database_with_category.work() as db:
        async with savepoint(db, release=False):
            await execute(db, ADD, "tap")
        with pytest.raises(IntegrityError, match="NotNull"):
            await in_savepoint(db, ADD.replace("$1", "'drain'"), "UPDATE categories SET position = NULL")
        async with db.begin_nested():
            await execute(db, ADD, "pipe")
    assert await terms(database_with_category) == 2


async def test_errors_are_those_of_sqlalchemy_and_name_the_constraint(own_database):
    async with own_database.work() as db:
        with pytest.raises(IntegrityError) as refused:
            await in_savepoint(db, "UPDATE pincodes SET pincode = '600090' WHERE pincode = '600020'")
        assert violated_constraint(refused.value) == "pincodes_pkey"
        with pytest.raises(DBAPIError) as broken:
            await in_savepoint(db, "SELECT 1 / 0")
        assert getattr(broken.value.orig, "sqlstate", None) == "22012"


async def test_changes_of_entities_are_seen(db):
    service = await a_service(db)
    service.name = "Mending taps"
    assert await fetch_value(db, "SELECT name FROM services WHERE id = $1", service.id) == "Mending taps"
    with db.no_autoflush:
        service.name = "Mending pipes"
        assert await fetch_value(db, "SELECT name FROM services WHERE id = $1", service.id) == "Mending taps"


async def test_rows_have_the_type_that_is_named(db):
    query = "SELECT pincode, latitude, longitude FROM pincodes WHERE pincode = ANY($1) ORDER BY pincode"
    found = await rows(db, Location, query, ["600090", "600020"])
    assert [location.pincode for location in found] == ["600020", "600090"]
    assert all(isinstance(location.latitude, float) for location in found)


async def test_without_a_transaction_each_statement_is_one(own_database):
    async with own_database.reading() as db:
        assert await fetch_value(db, "SELECT 1") == 1
        first = await fetch_value(db, "SELECT now()")
        assert await fetch_value(db, "SELECT now()") > first
