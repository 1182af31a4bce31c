"""Changes of services and categories: atomic, recorded as events, with edit conflicts detected."""

import asyncio
import re
from pathlib import Path

import pytest
from sqlalchemy import select, text

from app import events
from app.audit.history import History
from app.catalog import category_changes, search, service_changes
from app.catalog.admin_repository import CatalogueAdminQueries
from app.catalog.reference_data import load_catalogue
from app.catalog.repository import CatalogueRepository
from app.catalog.schemas import read_category, read_service, slug_of
from app.catalog.service import Category, SearchTerm, Service
from app.catalog.service_changes import EditConflict
from app.check.run import find_violations
from app.core.errors import Invalid, Missing, Refused
from app.core.event_types import registry
from tests.catalog.drafts import a_category_form, a_draft, a_form, redrafted
from tests.factories import a_customer, a_hold, a_professional, a_request, a_service, an_admin


@pytest.fixture
async def meena(db):
    return await an_admin(db)


@pytest.fixture
async def new_category(db, meena):
    return await category_changes.create(db, meena, a_category_form())


async def found(db, expected_text):
    return [hit.service_id for hit in await search.find_services(db, expected_text)]


async def test_a_new_service_is_kept_to_the_paisa_and_found_by_every_word(db, meena, new_category):
    made = await service_changes.create(db, meena, a_draft(new_category.id))
    assert (made.slug, made.price, made.minutes) == ("goldfish-pond-care", 499_50, 60)
    assert made.included == ["Testing the water", "Cleaning the filter"]
    for expected_text in ("goldfish", "goldfsh", "koi carp", "மீன் குளம்", "मछली", "meen kulam", "machli"):
        assert made.id in await found(db, expected_text), expected_text


async def test_a_form_sent_twice_makes_one_service(db, meena, new_category):
    first = await service_changes.create(db, meena, a_draft(new_category.id), "the-key")
    second = await service_changes.create(db, meena, a_draft(new_category.id), "the-key")
    assert first.id == second.id
    with pytest.raises(Invalid) as refused:
        await service_changes.create(db, meena, a_draft(new_category.id, price="1"), "the-key")
    assert "idempotency_key" in refused.value.errors


async def test_two_services_do_not_share_a_name_however_it_is_written(db, meena, new_category):
    await service_changes.create(db, meena, a_draft(new_category.id))
    with pytest.raises(Invalid) as refused:
        await service_changes.create(db, meena, a_draft(new_category.id, name="GOLDFISH  pond Care"))
    assert set(refused.value.errors) == {"name"}


async def test_names_that_look_alike_get_addresses_of_their_own(db, meena, new_category):
    names = ("Pond care", "Pond-care!", "Pond: care")
    assert [(await service_changes.create(db, meena, a_draft(new_category.id, name=name))).slug for name in names] == [
        "pond-care",
        "pond-care-2",
        "pond-care-3",
    ]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Geyser installation", "geyser-installation"),
        ("A/C gas top-up, 1.5 ton", "ac-gas-top-up-1-5-ton"),
        ("குழாய் வேலை", "kuzhay-velai"),
        ("नल की मरम्मत", "nal-ki-marammat"),
        ("Crème brûlée café", "creme-brulee-cafe"),
        ("🚿🚿a", "a"),
        ("日本", "service"),
    ],
)
def test_a_name_in_any_script_becomes_an_address(name, slug):
    assert slug_of(name) == slug


async def test_only_what_changed_is_remembered_with_what_it_was(db, meena, new_category):
    made = await service_changes.create(db, meena, a_draft(new_category.id))
    await service_changes.edit(
        db, meena, made.id, await redrafted(db, made, price="599", terms_en="goldfish"), made.event_count
    )
    row = (
        await db.execute(
            text("SELECT facts FROM events WHERE name = 'service.changed' AND subject = :s"), {"s": made.subject}
        )
    ).scalar_one()
    assert row["before"] == {"price": 499_50, "terms_en": ["goldfish", "koi carp", "pond"]}
    assert row["after"] == {"price": 599_00, "terms_en": ["goldfish"]}
    assert await found(db, "koi") == []
    assert made.id in await found(db, "மீன் குளம்")


async def test_questions_keep_their_order_and_an_emptied_pair_goes(db, meena, new_category):
    texts = {"parts": "Small parts are brought along.", "preparation": "Clear the table\nClose the valve"}
    questions = {"question_1": "How long?", "answer_1": "An hour.", "question_3": "Is it loud?", "answer_3": "No."}
    made = await service_changes.create(db, meena, a_draft(new_category.id, **texts, **questions))
    draft = await CatalogueRepository(db).service_draft(made)
    assert draft.preparation == ["Clear the table", "Close the valve"]
    assert draft.questions == [("How long?", "An hour."), ("Is it loud?", "No.")]
    emptied = await redrafted(db, made, question_1="", answer_1=" ", parts="")
    await service_changes.edit(db, meena, made.id, emptied, made.event_count)
    draft = await CatalogueRepository(db).service_draft(made)
    assert (draft.parts, draft.questions) == ("", [("Is it loud?", "No.")])
    facts = await db.scalar(text("SELECT facts FROM events WHERE name = 'service.changed' ORDER BY id DESC LIMIT 1"))
    assert facts["before"]["questions"] == [["How long?", "An hour."], ["Is it loud?", "No."]]
    await service_changes.remove(db, meena, made.id)
    assert await db.scalar(text("SELECT count(*) FROM service_questions WHERE service_id = :id"), {"id": made.id}) == 0


async def test_two_admins_change_different_questions_of_a_service(db, meena, new_category):
    made = await service_changes.create(db, meena, a_draft(new_category.id, question_1="How long?", answer_1="Long."))
    version, other = made.event_count, await redrafted(db, made, question_1="How long?", answer_1="An hour.")
    await service_changes.edit(db, meena, made.id, other, version)
    draft = await redrafted(db, made, answer_1="Two hours.")
    with pytest.raises(EditConflict) as refused:
        await service_changes.edit(db, meena, made.id, draft, version)
    assert [conflict.field for conflict in refused.value.conflicts] == ["questions"]


async def test_every_service_of_the_catalogue_says_what_is_good_to_know(db):
    await load_catalogue(db)
    for service in (await db.scalars(select(Service))).all():
        draft = await CatalogueRepository(db).service_draft(service)
        assert all((draft.parts, draft.preparation, draft.guarantee)), service.slug
        assert 3 < len(draft.questions) <= 8
        assert "finish code" in draft.guarantee


async def test_saving_without_a_change_is_no_event(db, meena, new_category):
    made = await service_changes.create(db, meena, a_draft(new_category.id))
    await service_changes.edit(db, meena, made.id, await redrafted(db, made), made.event_count)
    assert made.event_count == 1


async def test_what_the_catalogue_came_with_is_read_back_as_it_was_written(db, meena):
    """Opening a form and saving it changes nothing, in any language."""
    await load_catalogue(db)
    rows = select(SearchTerm.term, SearchTerm.language, SearchTerm.service_id)
    before = set((await db.execute(rows)).all())
    for service in (await db.scalars(select(Service))).all():
        await service_changes.edit(db, meena, service.id, await redrafted(db, service), service.event_count)
        assert service.event_count == 1, service.slug
    assert set((await db.execute(rows)).all()) == before


async def test_words_that_an_admin_took_away_do_not_come_back_when_the_catalogue_is_loaded_again(db, meena):
    await load_catalogue(db)
    leaks = (await db.scalars(select(Service).where(Service.slug == "fixing-leaks-and-pipes"))).one()
    await service_changes.edit(db, meena, leaks.id, await redrafted(db, leaks, terms_hi=""), leaks.event_count)
    await load_catalogue(db)
    assert (await CatalogueRepository(db).service_draft(leaks)).terms_hi == []


async def test_the_history_of_prices_is_every_price_it_ever_had(db, meena, new_category):
    made = await service_changes.create(db, meena, a_draft(new_category.id))
    for typed in ({"price": "599"}, {"minutes": "90"}, {"description": "Something else."}, {"price": "99.99"}):
        await service_changes.edit(db, meena, made.id, await redrafted(db, made, **typed), made.event_count)
    steps = [
        (item.price, item.minutes, item.before, item.who)
        for item in await CatalogueAdminQueries(db).price_history(made)
    ]
    assert steps == [
        (99_99, 90, (599_00, 90), "Meena Iyer"),
        (599_00, 90, (599_00, 60), "Meena Iyer"),
        (599_00, 60, (499_50, 60), "Meena Iyer"),
        (499_50, 60, None, "Meena Iyer"),
    ]


async def test_its_history_is_explained_without_row_numbers(db, meena, new_category):
    other = await category_changes.create(db, meena, a_category_form(name="Fish", short_name="Fish"))
    made = await service_changes.create(db, meena, a_draft(new_category.id))
    await service_changes.edit(
        db, meena, made.id, await redrafted(db, made, category_id=str(other.id)), made.event_count
    )
    await service_changes.retire(db, meena, made.id)
    history = [
        (fact.sentence, [(line.before, line.now) for line in fact.lines])
        for fact in (await History(db).of(made.subject)).items
    ]
    assert "retired the service" in history[0][0]
    assert "Gardening" in history[1][0]
    assert "Fish" in history[1][0]


async def test_the_second_of_two_admins_sees_what_changed_and_keeps_what_he_typed(db, meena, new_category):
    kiran = await an_admin(db, "Kiran Rao")
    made = await service_changes.create(db, meena, a_draft(new_category.id))
    version = made.event_count
    typed = await redrafted(db, made, price="599", description="Clear water.")
    await service_changes.edit(db, meena, made.id, await redrafted(db, made, price="549", minutes="90"), version)
    with pytest.raises(EditConflict) as error:
        await service_changes.edit(db, kiran, made.id, typed, version)
    assert [
        (conflict.field, conflict.before, conflict.after, conflict.changed_by) for conflict in error.value.conflicts
    ] == [
        ("price", 499_50, 549_00, "Meena Iyer"),
        ("minutes", 60, 90, "Meena Iyer"),
    ]
    assert (made.price, made.minutes, made.description) == (549_00, 90, "Clear water, and fish that stay alive.")
    repeated = await redrafted(db, made, price="599", description="Clear water.")
    await service_changes.edit(db, kiran, made.id, repeated, error.value.version)
    assert (made.price, made.minutes, made.description) == (599_00, 90, "Clear water.")


async def test_who_typed_the_same_as_the_other_is_not_held_up(db, meena, new_category):
    made = await service_changes.create(db, meena, a_draft(new_category.id))
    version = made.event_count
    typed = await redrafted(db, made, price="599", description="Clear water.")
    await service_changes.edit(db, meena, made.id, await redrafted(db, made, price="599"), version)
    await service_changes.edit(db, meena, made.id, typed, version)
    assert (made.price, made.description) == (599_00, "Clear water.")


async def test_what_was_changed_there_and_back_again_holds_no_one_up(db, meena, new_category):
    made = await service_changes.create(db, meena, a_draft(new_category.id))
    version = made.event_count
    for price in ("700", "499.50"):
        await service_changes.edit(db, meena, made.id, await redrafted(db, made, price=price), made.event_count)
    await service_changes.edit(db, meena, made.id, await redrafted(db, made, minutes="90"), version)
    assert (made.price, made.minutes) == (499_50, 90)


async def test_ten_admins_saving_at_the_same_moment_lose_nothing(own_database):
    async with own_database.work() as db:
        people = [await an_admin(db, f"Admin {n}") for n in range(10)]
        service = await a_service(db)

    async def save(number):
        async with own_database.work() as db:
            stored = await CatalogueRepository(db).service(service.id)
            draft = await redrafted(db, stored, price=str(200 + number))
            return await service_changes.edit(db, people[number], service.id, draft, 0)

    outcomes = await asyncio.gather(*(save(number) for number in range(10)), return_exceptions=True)
    assert sum(isinstance(item, EditConflict) for item in outcomes) == 9
    assert sum(isinstance(item, Service) for item in outcomes) == 1
    async with own_database.work() as db:
        assert await find_violations(db) == []


async def test_two_admins_making_the_same_service_at_once_make_one(own_database):
    async with own_database.work() as db:
        meena = await an_admin(db)
        category = await category_changes.create(db, meena, a_category_form())

    async def make():
        async with own_database.work() as db:
            return await service_changes.create(db, meena, a_draft(category.id))

    outcomes = await asyncio.gather(make(), make(), make(), return_exceptions=True)
    assert sorted(type(item).__name__ for item in outcomes) == ["Invalid", "Invalid", "Service"]


async def test_retiring_twice_is_retiring_once(db, meena):
    service = await a_service(db)
    for _ in range(2):
        await service_changes.retire(db, meena, service.id)
    assert service.event_count == 1
    assert await found(db, service.name) == []
    await service_changes.restore(db, meena, service.id)
    await service_changes.restore(db, meena, service.id)
    assert service.event_count == 2
    assert service.id in await found(db, service.name)


async def test_what_was_never_booked_can_be_deleted_and_its_history_stays(db, meena, new_category):
    made = await service_changes.create(db, meena, a_draft(new_category.id))
    await a_professional(db, services=[made])
    await service_changes.remove(db, meena, made.id)
    assert await db.scalar(text("SELECT count(*) FROM services WHERE id = :id"), {"id": made.id}) == 0
    assert await found(db, "goldfish") == []
    names = (
        await db.scalars(text("SELECT name FROM events WHERE subject = :s ORDER BY seq"), {"s": made.subject})
    ).all()
    assert names == ["service.created", "service.deleted"]
    assert await find_violations(db) == []
    with pytest.raises(Missing):
        await service_changes.retire(db, meena, made.id)


@pytest.mark.parametrize("book", [a_hold, a_request])
async def test_what_was_booked_even_for_seven_minutes_cannot_be_deleted(db, meena, book):
    service = await a_service(db)
    await a_professional(db, services=[service])
    await book(db, await a_customer(db), service)
    with pytest.raises(Refused, match="has bookings"):
        await service_changes.remove(db, meena, service.id)


async def test_a_service_deleted_while_someone_books_it_is_booked_or_deleted_and_never_both(own_database):
    for number in range(6):
        async with own_database.work() as db:
            meena, asha, service = await an_admin(db), await a_customer(db), await a_service(db)
            await a_professional(db, services=[service])

        async def book(asha=asha, service=service):
            async with own_database.work() as db:
                return await a_hold(db, asha, service)

        async def remove(meena=meena, service=service):
            async with own_database.work() as db:
                await service_changes.remove(db, meena, service.id)

        actions = [book(), remove()] if number % 2 else [remove(), book()]
        outcomes = await asyncio.gather(*actions, return_exceptions=True)
        failed = [item for item in outcomes if isinstance(item, Exception)]
        assert len(failed) == 1, outcomes
        assert isinstance(failed[0], Refused | Invalid), failed


async def test_a_new_door_stands_where_it_was_put_and_the_others_move_on(db, meena):
    await load_catalogue(db)
    made = await category_changes.create(db, meena, a_category_form(position="3"))
    category_tiles = await CatalogueRepository(db).categories()
    assert [category_tile.position for category_tile in category_tiles] == list(range(1, 14))
    assert category_tiles[2] is made
    await category_changes.edit(db, meena, made.id, a_category_form(position="99"), made.event_count)
    assert (await CatalogueRepository(db).categories())[-1] is made
    assert await find_violations(db) == []


async def test_a_category_is_retired_only_once_nothing_in_it_is_offered(db, meena, new_category):
    made = await service_changes.create(db, meena, a_draft(new_category.id))
    with pytest.raises(Refused, match="still has services on offer"):
        await category_changes.retire(db, meena, new_category.id)
    await service_changes.retire(db, meena, made.id)
    await category_changes.retire(db, meena, new_category.id)
    with pytest.raises(Refused, match="Gardening"):
        await service_changes.restore(db, meena, made.id)
    with pytest.raises(Invalid) as refused:
        await service_changes.create(db, meena, a_draft(new_category.id, name="Another"))
    assert set(refused.value.errors) == {"category_id"}
    with pytest.raises(Refused, match="This category has services"):
        await category_changes.remove(db, meena, new_category.id)


async def test_a_category_retired_while_a_service_is_made_in_it_is_never_empty_of_doors(own_database):
    async with own_database.work() as db:
        meena = await an_admin(db)
        category = await category_changes.create(db, meena, a_category_form())

    async def make():
        async with own_database.work() as db:
            await service_changes.create(db, meena, a_draft(category.id))

    async def retire():
        async with own_database.work() as db:
            await category_changes.retire(db, meena, category.id)

    outcomes = await asyncio.gather(make(), retire(), return_exceptions=True)
    assert sum(isinstance(item, Refused | Invalid) for item in outcomes) == 1, outcomes


async def test_an_empty_category_is_deleted_and_its_history_stays(db, meena, new_category):
    await category_changes.remove(db, meena, new_category.id)
    assert await db.get(Category, new_category.id) is None
    assert await find_violations(db) == []


@pytest.mark.parametrize(
    ("field", "typed", "expected_text"),
    [
        ("name", "", "Enter a name"),
        ("name", "x" * 81, "Use 80 characters or fewer"),
        ("name", "12345", "Use letters"),
        ("name", "Pond\u202ecare", "invisible character"),
        ("category_id", "", "Choose an option"),
        ("category_id", "9" * 30, "Choose an option"),
        ("price", "NaN", "such as 149"),
        ("price", "free", "such as 149"),
        ("price", "１．４．９", "such as 149"),
        ("price", "-1", "such as 149"),
        ("price", "0.001", "from ₹1 to ₹10,00,000"),
        ("price", "1000000.01", "from ₹1 to ₹10,00,000"),
        ("minutes", "14", "from 15 to 720"),
        ("minutes", "721", "from 15 to 720"),
        ("minutes", "60.0", "from 15 to 720"),
        ("minutes", "٦", "from 15 to 720"),
        ("mode", "gratis", "Choose an option"),
        ("description", "", "1 or 2 sentences"),
        ("description", "4242 4242 4242 4242", "card number"),
        ("included", "\n".join(f"line {n}" for n in range(13)), "Use 12 lines or fewer"),
        ("included", "x" * 161, "Use 160 characters or fewer"),
        ("parts", "x" * 601, "Use 600 characters or fewer"),
        ("preparation", "x" * 161, "Use 160 characters or fewer"),
        ("guarantee", "x" * 301, "Use 300 characters or fewer"),
        ("question_2", "Is it loud?", "Enter the answer"),
        ("answer_8", "x" * 601, "Use 600 characters or fewer"),
        ("notice_minutes", "-5", "from 0"),
        ("horizon_days", "61", "from 1 to 60"),
        ("horizon_days", "0", "from 1 to 60"),
        (
            "terms_en",
            ", ".join(f"word {item}{second}" for item in "abcdefgh" for second in "ijklmnop"),
            "at most 60 words",
        ),
        ("terms_ta", "ப" * 5_000, "too long"),
    ],
)
def test_what_cannot_be_so_is_shown_beside_its_field(field, typed, expected_text):
    with pytest.raises(Invalid) as refused:
        read_service(a_form(1) | {field: typed})
    beside = {"question_2": "answer_2"}.get(field, field)
    assert beside in refused.value.errors
    assert set(refused.value.errors) <= {beside, "question_8"}
    assert expected_text in refused.value.errors[beside]


def test_an_empty_form_says_everything_at_once():
    with pytest.raises(Invalid) as refused:
        read_service({})
    assert list(refused.value.errors) == [
        "name", "category_id", "description", "price", "minutes", "mode", "notice_minutes", "horizon_days"
    ]  # fmt: skip
    with pytest.raises(Invalid) as refused:
        read_category({})
    assert list(refused.value.errors) == ["name", "short_name", "drawing", "position"]


def test_every_event_of_the_catalogue_is_declared_with_a_message():
    """Recording an undeclared event fails; without a message people would read the event's name."""
    sources = [Path(module.__file__).read_text(encoding="utf-8") for module in (service_changes, category_changes)]
    names = set(re.findall(r'"((?:service|category)\.[a-z_]+)"', "".join(sources)))
    assert len(names) == 11
    assert names <= {event_type.name for event_type in events.EVENTS}
    assert all(registry.require(name).message for name in names)
