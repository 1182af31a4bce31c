"""`doorstep catalogue fill`: databases from before a text existed get it; what an admin wrote or emptied stays."""

from dataclasses import replace

import pytest
from sqlalchemy import select, text

from app.catalog import service_changes
from app.catalog.reference_data import load_catalogue, read_services
from app.catalog.repository import CatalogueRepository
from app.catalog.service import Service, ServiceQuestion
from app.catalog.standard_texts import FIELDS, fill_texts
from app.check.run import find_violations
from app.core.storage import Storage
from tests.factories import a_service, an_admin

EMPTY = (
    "UPDATE services SET parts = '', preparation = '{}', guarantee = ''",
    "DELETE FROM service_questions",
)
TEXT_COUNTS = """
    SELECT count(*), count(*) FILTER (WHERE parts <> ''), count(*) FILTER (WHERE guarantee <> ''),
           (SELECT count(DISTINCT service_id) FROM service_questions)
      FROM services
"""


@pytest.fixture
async def old_catalogue(db):
    """The standard catalogue as a database from before the texts has it after the migration."""
    await load_catalogue(db)
    before = tuple((await db.execute(text(TEXT_COUNTS))).one())
    for statement in EMPTY:
        await db.execute(text(statement))
    db.expire_all()
    return before


async def test_every_text_is_filled_once_and_stands_in_the_history(db, old_catalogue, tmp_path):
    count = old_catalogue[0]
    assert await fill_texts(db) == count == len(read_services())
    assert tuple((await db.execute(text(TEXT_COUNTS))).one()) == old_catalogue == (count,) * 4
    assert await fill_texts(db) == 0
    service = await db.scalar(select(Service).order_by(Service.id).limit(1))
    changed = (
        await db.execute(text("SELECT name, facts FROM events WHERE subject = :s ORDER BY seq"), {"s": service.subject})
    ).all()
    assert [row.name for row in changed] == ["service.created", "service.changed"]
    assert {"parts", "guarantee", "questions"} <= set(changed[-1].facts["after"])
    assert await find_violations(db, Storage(tmp_path)) == []


async def test_what_an_admin_wrote_or_emptied_stays(db, old_catalogue):
    meena, catalogue = await an_admin(db), CatalogueRepository(db)
    written, emptied = await db.scalars(select(Service).order_by(Service.id).limit(2))
    draft = await catalogue.service_draft(written)
    own = replace(draft, parts="Washers are in the price.", questions=(("Do you wear shoe covers?", "Yes."),))
    await service_changes.edit(db, meena, written.id, own, written.event_count)
    draft = await catalogue.service_draft(emptied)
    filled = replace(draft, guarantee="Thirty days.")
    await service_changes.edit(db, meena, emptied.id, filled, emptied.event_count)
    await service_changes.edit(db, meena, emptied.id, draft, emptied.event_count)
    await fill_texts(db)
    for service in (written, emptied):
        await db.refresh(service)
    assert (written.parts, emptied.guarantee) == ("Washers are in the price.", "")
    questions = await db.scalars(select(ServiceQuestion.question).where(ServiceQuestion.service_id == written.id))
    assert list(questions) == ["Do you wear shoe covers?"]
    assert "" not in (written.guarantee, emptied.parts), "the texts that no admin wrote are filled"


async def test_a_service_of_our_own_stays_as_it_is(db, old_catalogue):
    service = await a_service(db, "Mending a kite", parts="")
    await fill_texts(db)
    await db.refresh(service)
    assert (service.parts, service.guarantee) == ("", "")


def test_the_standard_catalogue_says_everything():
    missing = [(e["slug"], f) for e in read_services() for f in FIELDS if f != "excluded" and not e[f]]
    assert missing == []
