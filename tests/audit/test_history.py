"""The history of a record: who, what, when, from which origin, values before and after; everything has a label."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from app.accounts import address_book
from app.audit.details import FIELD_LABELS, STRUCTURAL_FIELDS, detail_lines
from app.audit.history import ORIGIN_LABELS, History
from app.bookings.price_changes import requote
from app.catalog import service_changes
from app.core import clock
from app.core.event_types import registry
from app.core.events import ORIGINS, PLATFORM, Event, EventValue, origin
from app.jobs.acceptance import accept, hand_back
from tests.catalog.drafts import redrafted
from tests.factories import a_customer, a_hold, a_professional, a_service, an_admin

ROOT = Path(__file__).resolve().parents[2]
# Modules that name events and record none.
DECLARING = {"app/check/invariants.py", "app/bookings/timeline.py"}
TREES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((*(ROOT / "app").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")))
    if path.name != "events.py" and str(path.relative_to(ROOT)) not in DECLARING
}
EVENT = re.compile(rf"({'|'.join(family.name for family in registry.families)})\.[a-z_]+")
RECORDING = ("record", "_record", "_record_move")
PARAMETERS = {"by", "nudges", "personal", "at", "offers_changed", "also_refresh"}


def recordings() -> Iterator[tuple[str, ast.Call]]:
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RECORDING:
                yield path, node


def recorded() -> set[str]:
    """Every event that the code can record."""
    constants = (node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {
        constant.value for constant in constants if isinstance(constant.value, str) and EVENT.fullmatch(constant.value)
    }


def keys(call: ast.Call) -> Iterator[str]:
    """What a fact is called, also within before, after and personal."""
    for keyword in call.keywords:
        inside = keyword.value if isinstance(keyword.value, ast.Dict) else None
        if keyword.arg in ("personal", "before", "after") and inside:
            yield from (str(key.value).split(".")[-1] for key in inside.keys if isinstance(key, ast.Constant))
        if keyword.arg and keyword.arg not in PARAMETERS:
            yield keyword.arg


def test_every_event_has_its_sentence() -> None:
    declared = {event_type.name for event_type in registry}
    assert recorded() - declared == set(), "declare it in the events module of its room"
    assert declared - recorded() == set(), "nobody records it"
    assert all("%(who)s" in event_type.message for event_type in registry)


def test_every_fact_has_its_name() -> None:
    fact_names = {key for _path, call in recordings() for key in keys(call)}
    own_labels = {name for event_type in registry for name in event_type.labels}
    unnamed = fact_names - set(FIELD_LABELS) - STRUCTURAL_FIELDS - registry.hidden_fields - own_labels
    assert unnamed == set(), "label it in app/audit/details.py, or in the declaration of the event"
    assert fact_names & {"password", "code", "digest", "cvv", "card_number", "token"} == set(), "never part of an event"


def test_no_event_is_named_while_running() -> None:
    """A name that is put together is a name that no table knows."""
    for path, call in recordings():
        assert not isinstance(call.args[0], ast.JoinedStr | ast.BinOp), f"{path}:{call.lineno}"


def test_every_way_has_its_words() -> None:
    assert set(ORIGIN_LABELS) == set(ORIGINS)


async def test_a_price_shows_before_and_after(db) -> None:
    service, lekha = await a_service(db), await an_admin(db, "Lekha Nair")
    service.record("service.changed", by=lekha, before={"price": 149_00}, after={"price": 159_00})
    await db.flush()
    (fact, *_) = (await History(db).of(service.subject)).items
    assert fact.sentence == "Lekha Nair changed the price from ₹149 to ₹159."
    assert fact.lines == []


async def test_two_changes_are_two_lines(db) -> None:
    service, lekha = await a_service(db), await an_admin(db, "Lekha Nair")
    before, after = {"price": 149_00, "minutes": 60}, {"price": 159_00, "minutes": 90}
    service.record("service.changed", by=lekha, before=before, after=after)
    await db.flush()
    (fact,) = (await History(db).of(service.subject)).items
    assert fact.sentence == "Lekha Nair changed the service."
    assert [(line.head, line.before, line.now) for line in fact.lines] == [
        ("The price", "₹149", "₹159"),
        ("The duration", "1 h", "1 h 30 min"),
    ]


@pytest.fixture
async def returned(db, app_encryption):
    """A job that Ravi accepted and handed back, with a reason."""
    service = await a_service(db)
    asha, ravi = await a_customer(db), await a_professional(db, "Ravi Kumar", services=[service])
    booking = await a_hold(db, asha, service, _tomorrow())
    booking.pay(asha, "after")
    await db.flush()
    await accept(db, ravi, booking.reference, app_encryption)
    await hand_back(db, ravi, booking.reference, "My scooter broke.")
    await db.flush()
    return booking


def _tomorrow():
    return (clock.now() + timedelta(days=1)).astimezone(clock.IST).replace(hour=11, minute=0, second=0, microsecond=0)


async def test_a_booking_shows_who_did_what_and_why(db, returned) -> None:
    facts = (await History(db).of(returned.subject)).items
    assert [fact.sentence for fact in facts] == [
        "Ravi Kumar gave up the job.",
        "Ravi Kumar accepted the job.",
        "Asha Raman made the booking.",
        "Asha Raman chose a time and continued to payment.",
    ]
    assert "My scooter broke." in [line.now for line in facts[0].lines]
    assert "Ravi Kumar" in [line.now for line in facts[1].lines]


async def test_an_address_is_not_shown_where_looking_is_not_recorded(db, returned) -> None:
    """Contact data is shown on the booking only, where viewing it is logged."""
    first = (await History(db).of(returned.subject)).items[-1]
    lines = {line.head: line.now for line in first.lines}
    assert lines["The address"] == "hidden"
    assert not [
        line for fact in (await History(db).of(returned.subject)).items for line in fact.lines if "Flat" in line.now
    ]


async def test_what_was_erased_is_shown_as_such(db, returned) -> None:
    await db.execute(delete(EventValue))
    facts = (await History(db).of(returned.subject)).items
    assert {line.head: line.now for line in facts[0].lines}["The reason"] == "erased"


async def test_long_histories_come_in_pages(db) -> None:
    service = await a_service(db)
    for number in range(45):
        service.record("service.changed", by=PLATFORM, before={"price": number}, after={"price": number + 1})
    await db.flush()
    first = await History(db).of(service.subject)
    second = await History(db).of(service.subject, first.next)
    third = await History(db).of(service.subject, second.next)
    assert [fact.seq for page in (first, second, third) for fact in page.items] == list(range(45, 0, -1))
    assert (first.total, third.next) == (45, None)


async def test_a_fact_keeps_the_way_by_which_it_came(db) -> None:
    service, events = await a_service(db), {}
    for origin_name in (*ORIGINS, None):
        token = origin.set(origin_name)
        event = service.record("service.retired", by=PLATFORM)
        origin.reset(token)
        events[origin_name] = event
    await db.flush()
    facts = (await History(db).of(service.subject)).items
    assert [fact.origin_label for fact in facts] == [
        "",
        "command line",
        "background task",
        "API",
        "web page",
    ]
    for origin_name, event in events.items():
        assert event.hash == event.digest()
        if origin_name is not None:
            event.facts = event.facts | {"channel": "elsewhere"}
            assert event.hash != event.digest(), "the chain covers it"


async def test_what_a_person_does_on_a_page_is_reported(browser_of, app_database) -> None:
    async with app_database.work() as db:
        asha = await a_customer(db)
    browser = await browser_of(asha)
    page = await browser.visit("/profile")
    await browser.submit(page, "/profile", having="phone", full_name="Asha Ramanathan")
    async with app_database.work() as db:
        event = await db.scalar(select(Event).where(Event.subject == asha.subject).order_by(Event.seq.desc()).limit(1))
        assert (event.name, event.facts["channel"]) == ("person.details_changed", "page")


async def test_a_changed_name_is_shown_and_a_changed_phone_is_not_shown(browser_of, app_database) -> None:
    async with app_database.work() as db:
        asha = await a_customer(db)
    browser = await browser_of(asha)
    for values in ({"full_name": "Asha Ramanathan"}, {"phone": "+91 00000 00999"}):
        page = await browser.visit("/profile")
        await browser.submit(page, "/profile", having="phone", **values)
    async with app_database.work() as db:
        facts = (await History(db).of(asha.subject)).items
    assert facts[1].sentence == "Asha Ramanathan changed the name from Asha Raman to Asha Ramanathan."
    assert ("The phone", "hidden") in [(line.head, line.now) for line in facts[0].lines]


async def test_every_action_in_the_address_book_is_in_the_history(db) -> None:
    asha = await a_customer(db)
    made = await address_book.add(db, asha, "Gate 5", "600020")
    await address_book.change(db, asha, made.id, "Gate 6", "600090")
    await address_book.make_main(db, asha, made.id)
    await address_book.remove(db, asha, made.id)
    await db.flush()
    facts = list(reversed((await History(db).of(asha.subject)).items))
    assert [fact.name.removeprefix("person.") for fact in facts] == [
        "address_added",
        "address_changed",
        "main_address_changed",
        "address_removed",
    ]
    assert [(line.before, line.now) for line in facts[1].lines if line.head == "The pincode"] == [("600020", "600090")]
    assert not [line for fact in facts for line in fact.lines if "Gate" in line.now + line.before]


def test_a_change_lists_only_what_changed() -> None:
    facts = {"before": {"price": 149_00, "minutes": 60}, "after": {"price": 199_00, "minutes": 60}}
    lines = detail_lines("booking.requoted", facts, {}, {})
    assert [(line.label, line.before, line.now) for line in lines] == [("the price", "₹149", "₹199")]


async def test_a_new_price_during_payment_names_the_admin_who_set_it(db) -> None:
    service = await a_service(db)
    await a_professional(db, services=[service])
    held = await a_hold(db, await a_customer(db), service)
    meena = await an_admin(db)
    await service_changes.edit(db, meena, service.id, await redrafted(db, service, price="199"), 0)
    await db.flush()
    assert await requote(db, held.reference)
    await db.flush()
    entry = (await History(db).of(held.subject)).items[0]
    assert entry.sentence == "Doorstep applied a change of the service during payment."
    lines = [(line.label, line.before, line.now) for line in entry.lines]
    assert lines == [("the price", "₹149", "₹199"), ("changed by", "", "Meena Iyer")]
