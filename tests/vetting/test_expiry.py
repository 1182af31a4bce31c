"""W7: the owner is notified 30, 7 and 1 day before a document expires; an expired one ends new offers."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.accounts.user import User
from app.core import clock
from app.core.errors import Missing
from app.core.outbox import Outbox
from app.discovery.repository import CatalogueQueries
from app.jobs.acceptance import accept
from app.scheduling.candidate_repository import find_candidates, load_schedule, require_pincode
from app.vetting import document_changes
from app.vetting.document_scan import ScannedDocument
from app.vetting.repository import Professionals
from tests.factories import ADYAR, a_customer, a_professional, a_request, a_service, an_admin
from tests.vetting.samples import a_picture

MORNING = datetime(2026, 11, 24, 8, 0, tzinfo=clock.IST)
RUNS_OUT = MORNING.date() + timedelta(days=40)  # the first day on which it no longer counts


@pytest.fixture
async def scene(db, folder):
    with clock.freeze(MORNING):
        service = await a_service(db)
        ravi = await a_professional(db, "Ravi Kumar", services=[service])
        for kind, until in (("identity", None), ("certificate", RUNS_OUT)):
            document = ScannedDocument(f"{kind}.png", "image/png", a_picture(text=kind), [a_picture("JPEG")])
            await document_changes.submit_document(db, folder, ravi, ravi.id, kind, document, until)
        await document_changes.approve_documents(db, await an_admin(db), ravi.id)
    return {"ravi": ravi, "service": service}


async def warned(db, user: User) -> list[int]:
    query = select(Outbox.data["days"].as_integer()).where(
        Outbox.kind == "paper_running_out", Outbox.recipient_id == user.id
    )
    return list(await db.scalars(query.order_by(Outbox.id)))


async def test_accepting_documents_keeps_the_first_day_on_which_one_runs_out(db, scene):
    assert (await Professionals(db).get(scene["ravi"].id)).documents_expire_on == RUNS_OUT


async def test_each_warning_is_sent_once_and_on_its_day(db, scene, rules_at_work):
    fields = {}
    for days in range(45, -6, -1):
        with clock.freeze(clock.at(RUNS_OUT - timedelta(days=days), 8 * 60)):
            for _ in range(2):
                await document_changes.warn_of_expiry(db)
                await db.flush()
        fields[days] = await warned(db, scene["ravi"])
    assert (fields[31], fields[30], fields[8], fields[7]) == ([], [30], [30], [30, 7])
    assert (fields[2], fields[1], fields[0], fields[-5]) == ([30, 7], [30, 7, 1], [30, 7, 1, 0], [30, 7, 1, 0])


async def test_a_warning_missed_while_no_one_worked_is_sent_late_and_alone(db, scene, rules_at_work):
    with clock.freeze(clock.at(RUNS_OUT - timedelta(days=5), 8 * 60)):
        await document_changes.warn_of_expiry(db)
        await db.flush()
    assert await warned(db, scene["ravi"]) == [7]


async def test_from_that_day_on_no_new_offers(db, scene, encryption):
    ravi, service, location = scene["ravi"], scene["service"], await require_pincode(db, ADYAR)
    last, first = clock.at(RUNS_OUT, -1), clock.at(RUNS_OUT)
    for moment, works in ((last, True), (first, False)):
        with clock.freeze(moment):
            assert bool(await find_candidates(db, [service.id], location)) is works
            assert (await load_schedule(db, ravi)).may_work is works
            assert bool([card for card in await CatalogueQueries(db).bookable(ADYAR) if card.id == service.id]) is works


async def test_an_offer_seen_before_midnight_cannot_be_accepted_after_it(db, scene, encryption):
    with clock.freeze(clock.at(RUNS_OUT, -5)):
        start = clock.at(RUNS_OUT + timedelta(days=1), 10 * 60)
        booking = await a_request(db, await a_customer(db), scene["service"], start)
    with clock.freeze(clock.at(RUNS_OUT, 5)), pytest.raises(Missing):
        await accept(db, scene["ravi"], booking.reference, encryption)


async def test_a_new_document_that_is_accepted_brings_the_offers_back(db, scene, folder):
    ravi, location = scene["ravi"], await require_pincode(db, ADYAR)
    with clock.freeze(clock.at(RUNS_OUT, 600)):
        document = ScannedDocument("new.png", "image/png", a_picture(text="new"), [a_picture("JPEG")])
        await document_changes.upload_document(
            db, folder, ravi, "certificate", document, RUNS_OUT + timedelta(days=365)
        )
        assert not await find_candidates(db, [scene["service"].id], location)
        await document_changes.approve_documents(db, await an_admin(db), ravi.id)
        assert await find_candidates(db, [scene["service"].id], location)
