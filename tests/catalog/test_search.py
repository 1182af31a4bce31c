"""Search over the whole catalogue finds what `queries.tsv` expects."""

import csv
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.pincode_data import load_pincodes
from app.catalog import search
from app.catalog.reference_data import load_catalogue, read_catalogue
from app.catalog.service import Service
from app.catalog.transliteration import normalized_words
from app.core import clock
from app.core.db import Database
from tests.services import Services

CATALOGUE = {category["slug"]: [service["slug"] for service in category["services"]] for category in read_catalogue()}

PLANS = """
    SELECT coalesce(sum(custom_plans), 0), coalesce(sum(generic_plans), 0) FROM pg_prepared_statements
     WHERE statement = :statement
"""


@dataclass(frozen=True, slots=True)
class Query:
    """`must` has to be found, `may` is acceptable; a category's slug means all its services."""

    query: str
    kind: str
    pincode: str
    must: frozenset[str]
    may: frozenset[str]


def queries() -> Iterator[Query]:
    with (Path(__file__).parent / "queries.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            yield Query(row["query"], row["kind"], row["pincode"], services_of(row["must"]), services_of(row["may"]))


def services_of(slugs: str) -> frozenset[str]:
    named = frozenset(item for slug in slugs.split() for item in CATALOGUE.get(slug, [slug]))
    assert named <= {slug for all_of in CATALOGUE.values() for slug in all_of}
    return named


QUERIES = list(queries())


@pytest.fixture(scope="module")
async def town(services: Services) -> AsyncIterator[AsyncSession]:
    """The demo town's catalogue in a database of its own, read by all tests here."""
    name = services.clone()
    database = Database(services.app_url(name), pool_size=1)
    async with database.work() as db:
        await load_pincodes(await db.connection())
        await load_catalogue(db)
    async with database.sessions() as db:
        yield db
    await database.close()
    services.drop(name)


async def found(db: AsyncSession, query: str) -> tuple[frozenset[str], str, search.Place | None]:
    """Slugs of the services found, the remaining query, and the location."""
    remaining_query, location = await search.split_place(db, query)
    hits = await search.find_services(db, remaining_query)
    rows = await db.execute(
        text("SELECT slug FROM services WHERE id = ANY(:ids)"), {"ids": [hit.service_id for hit in hits]}
    )
    return frozenset(rows.scalars()), remaining_query, location


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.query)
async def test_a_query_finds_what_it_means_and_nothing_else(town: AsyncSession, query: Query) -> None:
    slugs, remaining_query, location = await found(town, query.query)
    assert (location.pincode if location else "") == query.pincode
    assert query.must <= slugs
    assert slugs <= query.must | query.may
    if query.kind == "place" and not query.must:
        assert remaining_query == ""


async def test_recall_and_precision_over_the_whole_table(
    town: AsyncSession, capsys: pytest.CaptureFixture[str]
) -> None:
    recall, precision = defaultdict(list), defaultdict(list)
    for query in QUERIES:
        slugs, _, _ = await found(town, query.query)
        for kind in (query.kind, "all"):
            if query.must:
                recall[kind].append(len(slugs & query.must) / len(query.must))
            if slugs:
                precision[kind].append(len(slugs & (query.must | query.may)) / len(slugs))
    with capsys.disabled():
        for kind in recall:
            print(f"\nsearch, {kind}: {mean(recall[kind]):.3f} recall, {mean(precision[kind]):.3f} precision", end="")
        print(f"\nsearch: {len(QUERIES)} queries")
    assert mean(recall["all"]) == 1
    assert mean(precision["all"]) == 1


def mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


@pytest.mark.parametrize(
    ("kind", "least"), [("typo", 10), ("script", 6), ("translit", 6), ("nothing", 4), ("plain", 10), ("place", 5)]
)
def test_the_table_asks_enough_of_each_kind(kind: str, least: int) -> None:
    assert len(QUERIES) >= 40
    assert sum(query.kind == kind for query in QUERIES) >= least


async def test_what_is_named_exactly_comes_first(town: AsyncSession) -> None:
    names = {row.id: row.name for row in await town.execute(text("SELECT id, name FROM services"))}
    for service_id, name in names.items():
        hits = await search.find_services(town, name)
        assert hits[0].service_id == service_id, f"{name} → {names[hits[0].service_id]}"


async def test_a_misspelt_word_is_read_aloud_and_a_right_one_is_not(town: AsyncSession) -> None:
    assert await search.corrected_query(town, "tap leking") == "tap leaking"
    assert await search.corrected_query(town, "plumer") == "plumber"
    assert await search.corrected_query(town, "tap leaking") is None
    assert await search.corrected_query(town, "குழாய்") is None
    assert await search.corrected_query(town, "kuzhaai") is None
    assert await search.corrected_query(town, "qwertyuiop") is None


async def test_a_swapped_pair_finds_the_same_services_as_the_correct_spelling(town: AsyncSession) -> None:
    swapped = await search.find_services(town, "plubmer")
    correct = await search.find_services(town, "plumber")
    assert correct
    assert {hit.service_id for hit in swapped} == {hit.service_id for hit in correct}


async def test_one_plan_of_postgresql_serves_all_searches(town: AsyncSession) -> None:
    for words in ("cleaning", "tap leak", "wahsing machin", "ac gas refill", "zzzzqq", "sofa shampoo cleaning"):
        await search.find_services(town, words)
    custom, generic = (await town.execute(text(PLANS), {"statement": search.FIND_SERVICES})).one()
    for words in ("plumber", "geyser leak", "wahsing machin"):
        await search.find_services(town, words)
    assert generic > 0
    assert (await town.execute(text(PLANS), {"statement": search.FIND_SERVICES})).one() == (custom, generic + 3)


@pytest.mark.parametrize(
    ("typed", "pincode"),
    [
        ("600036", "600036"),
        (" 600 020 ", "600020"),
        ("Adyar", "600020"),
        ("adayar", "600020"),
        ("T. Nagar", "600017"),
        ("besant nagar", "600090"),
        ("அடையாறு", "600020"),
        ("अन्ना नगर", "600040"),
        ("Koramangala", "560034"),
        ("Koramangla", "560034"),
        ("Salem", "636001"),
        ("600-036", "600036"),
        ("६०० ०३६", "600036"),
        ("999999", None),
        ("600", None),
        ("zzzzzz", None),
        ("", None),
        ("\x00", None),
    ],
)
async def test_the_pincode_box_understands_places_too(town: AsyncSession, typed: str, pincode: str | None) -> None:
    location = await search.find_pincode(town, typed)
    assert (location.pincode if location else None) == pincode


async def test_a_word_of_ours_is_work_even_where_a_place_has_its_name(town: AsyncSession) -> None:
    assert await search.split_place(town, "salon") == ("salon", None)
    salon = await search.find_pincode(town, "salon")
    assert salon is not None
    assert (salon.pincode, salon.name) == ("229127", "Salon")


@pytest.mark.parametrize(
    "typed", ["", "   ", "\x00", "%", "_", "'", "the in near", "a" * 100_000, "ப" * 5_000, "🚿" * 50, "\ud800x"]
)
async def test_odd_text_finds_nothing_and_breaks_nothing(town: AsyncSession, typed: str) -> None:
    assert await search.find_services(town, typed) == []
    assert await search.split_place(town, typed) == (" ".join(normalized_words(typed)[:12]), None)


async def test_a_service_made_just_now_is_found_by_its_name_and_a_retired_one_is_not(db: AsyncSession) -> None:
    await load_catalogue(db)
    category_id = (await db.execute(text("SELECT id FROM categories WHERE slug = 'home-help'"))).scalar_one()
    service = Service(
        slug="goldfish-pond-care", name="Goldfish pond care", category_id=category_id, description="Clear water.",
        included=[], excluded=[], price=499_00, minutes=60, mode="instant", created_at=clock.now(),
    )  # fmt: skip
    db.add(service)
    await db.flush()
    assert [hit.service_id for hit in await search.find_services(db, "goldfsh")] == [service.id]
    service.retired_at = clock.now() + timedelta(seconds=1)
    await db.flush()
    assert await search.find_services(db, "goldfsh") == []


async def test_loading_twice_changes_nothing_and_keeps_what_an_admin_changed(db: AsyncSession) -> None:
    await load_catalogue(db)
    await db.execute(text("UPDATE services SET price = 17700 WHERE slug = 'fixing-leaks-and-pipes'"))
    count = text(
        "SELECT (SELECT count(*) FROM categories), (SELECT count(*) FROM services), count(*) FROM search_terms"
    )
    before = (await db.execute(count)).one()
    await load_catalogue(db)
    assert (await db.execute(count)).one() == before
    assert before[:2] == (12, 60)
    price = await db.scalar(text("SELECT price FROM services WHERE slug = 'fixing-leaks-and-pipes'"))
    assert price == 17700
