"""What the tests of cases do again and again."""

from app.check.run import find_violations
from app.jobs.handover import report_no_show
from tests.factories import a_start

STORY = "The tap leaks again since this morning."
WORDS = "The photos and the length of the visit show it."


async def asks_for_help(person, address, topic="quality", message=STORY):
    """Open a case by the form; return its reference."""
    sent = await person.submit(await person.visit(f"{address}/help"), "/help", topic=topic, message=message)
    assert sent.status == 303, sent.text
    return sent.location.split("/")[2]


async def decides(admin, reference, *outcome, **fields):
    """Decide by the form."""
    place = f"/admin/cases/{reference}"
    page = await admin.visit(place)
    values = {"reason": WORDS, **fields}
    return await admin.submit(page, "/decision", outcome=list(outcome), **values)


async def done_later(scene, asha, days=2):
    """A second completed booking, on another day."""
    reference = await scene.paid(asha, a_start(days))
    await scene.accepted(reference)
    await scene.started(reference)
    await scene.completed(reference)
    return reference


async def missed(scene, reference):
    """Ravi, at the door, reports that Asha does not answer; a fee is charged."""
    async with scene.database.work() as db:
        await report_no_show(db, scene.ravi, reference)


async def is_sound(scene):
    async with scene.database.work() as db:
        assert await find_violations(db) == []
