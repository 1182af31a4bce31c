"""Approval and denial: they decide what is pending and nothing else; of two admins one decides."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.accounts.professional import Professional
from app.accounts.user import User
from app.core import clock
from app.core.errors import Invalid, Missing, Refused
from app.core.events import Event
from app.core.storage import Storage
from app.scheduling.working_hours import OfferedService
from app.vetting import document_changes
from app.vetting.decision import DecisionForm, approve, deny, review_case_of
from app.vetting.document import Document
from app.vetting.document_scan import ScannedDocument
from app.vetting.offered_services import WorkForm, update_work
from app.vetting.reapplication import clean_message, reapply
from app.vetting.repository import Cases
from app.vetting.verification import CaseKind
from tests.factories import a_professional, a_service, an_admin
from tests.vetting.samples import a_picture

REASON = "The photo is too dark to see the face."
RIGHT_TO_LEFT = "\u202e"


@pytest.fixture
def folder(tmp_path) -> Storage:
    return Storage(tmp_path / "uploads")


@pytest.fixture
async def meena(db):
    return await an_admin(db)


@pytest.fixture
async def geeta(db, folder):
    """An applicant: one document, one service, one case."""
    user = await a_professional(db, "Geeta Menon", approval="pending")
    await offers(db, user, await a_service(db), "pending")
    await sends(db, folder, user)
    await Cases(db).open(user.id, CaseKind.APPLICATION)
    return user


@pytest.fixture
async def ravi(db, folder, meena):
    """An approved professional: one approved document, one approved service."""
    user = await a_professional(db, services=[await a_service(db)])
    await sends(db, folder, user)
    await document_changes.approve_documents(db, meena, user.id)
    return user


async def offers(db, user, service, approval="approved"):
    db.add(OfferedService(professional_id=user.id, service_id=service.id, approval_status=approval))
    await db.flush()


async def sends(db, folder, user, kind="identity", expires_on=None):
    document = ScannedDocument("permit.png", "image/png", a_picture(), [a_picture("JPEG")])
    return await document_changes.submit_document(db, folder, user, user.id, kind, document, expires_on)


async def statuses(db, user) -> tuple[str, list[str], list[str]]:
    """The approval of the person, of their documents and of their services, in order."""
    professional = await db.get_one(Professional, user.id, populate_existing=True)
    documents = select(Document.state).where(Document.professional_id == user.id).order_by(Document.id)
    services = (
        select(OfferedService.approval_status)
        .where(OfferedService.professional_id == user.id)
        .order_by(OfferedService.service_id)
    )
    return professional.approval_status, list(await db.scalars(documents)), list(await db.scalars(services))


async def facts(db, user) -> list[Event]:
    await db.flush()
    return list(await db.scalars(select(Event).where(Event.subject == f"user-{user.id}").order_by(Event.seq)))


async def ticked(db, user, *but, **differently) -> DecisionForm:
    """The form of the panel with every check ticked."""
    review = await review_case_of(db, user.id)
    checked = [check for check in review.checks if check not in but]
    fields: dict[str, Any] = {"case": review.case.id, "version": review.version, "checked": checked}
    return DecisionForm(**fields | differently)


async def test_who_is_approved_may_work_with_every_document_and_service_that_waited(db, geeta, meena):
    await approve(db, meena, geeta.id)
    assert await statuses(db, geeta) == ("approved", ["approved"], ["approved"])
    [case] = await Cases(db).of(geeta.id)
    assert (case.state, case.decided_by_id, case.reason) == ("approved", meena.id, None)
    recorded_facts = (await facts(db, geeta))[-1]
    assert (recorded_facts.name, recorded_facts.actor_id) == ("person.approved", meena.id)
    assert (recorded_facts.facts["before"]["standing"], recorded_facts.facts["after"]["standing"]) == (
        "pending",
        "approved",
    )


async def test_who_is_denied_reads_why_and_nothing_counts(db, geeta, meena):
    await deny(db, meena, geeta.id, f"  {REASON}\n")
    assert await statuses(db, geeta) == ("denied", ["denied"], ["denied"])
    assert (await db.get_one(Professional, geeta.id)).denial_reason == REASON
    assert (await Cases(db).of(geeta.id))[0].reason == REASON
    recorded_facts = (await facts(db, geeta))[-1]
    assert recorded_facts.name == "person.denied"
    assert REASON not in str(recorded_facts.facts), "the chain keeps a digest of it: the words can be erased (W17)"


@pytest.mark.parametrize("typed", ["", "   ", "\n\t ", RIGHT_TO_LEFT, "\u200f\u2069 \u200b"])
async def test_a_denial_without_a_reason_is_refused(db, geeta, meena, typed):
    with pytest.raises(Invalid) as error:
        await deny(db, meena, geeta.id, typed)
    assert "reason" in error.value.errors
    assert await statuses(db, geeta) == ("pending", ["submitted"], ["pending"])


async def test_a_reason_that_is_too_long_is_refused(db, geeta, meena):
    with pytest.raises(Invalid) as error:
        await deny(db, meena, geeta.id, "a" * 1001)
    assert "reason" in error.value.errors


async def test_signs_that_turn_words_round_do_not_reach_who_reads_the_reason(db, geeta, meena):
    await deny(db, meena, geeta.id, f"Too {RIGHT_TO_LEFT}dark.\nLook \u2066again.")
    assert (await Cases(db).of(geeta.id))[0].reason == "Too dark.\nLook again."


async def test_the_form_approves_only_when_everything_is_ticked(db, geeta, meena):
    assert (await review_case_of(db, geeta.id)).checks == ("name", "photo", "valid", "readable", "services")
    with pytest.raises(Invalid) as error:
        await approve(db, meena, geeta.id, await ticked(db, geeta, "photo"))
    assert "4 of 5" in error.value.errors["checked"]
    assert (await statuses(db, geeta))[0] == "pending"
    await approve(db, meena, geeta.id, await ticked(db, geeta))
    assert sorted((await Cases(db).of(geeta.id))[0].checked) == ["name", "photo", "readable", "services", "valid"]


async def test_a_program_that_ticks_nothing_approves_and_the_history_says_that_nothing_was_ticked(db, geeta, meena):
    await approve(db, meena, geeta.id)
    assert (await Cases(db).of(geeta.id))[0].checked == []
    assert (await facts(db, geeta))[-1].facts["checked"] == []


async def test_what_came_after_an_admin_looked_is_not_approved_unseen(db, geeta, meena, folder):
    review_opened = await ticked(db, geeta)
    await sends(db, folder, geeta, "certificate")
    with pytest.raises(Refused) as error:
        await approve(db, meena, geeta.id, review_opened)
    assert error.value.reason == "changed"
    with pytest.raises(Refused):
        await deny(db, meena, geeta.id, REASON, review_opened)
    assert (await statuses(db, geeta))[:2] == ("pending", ["submitted", "submitted"])


async def test_no_one_is_approved_without_any_document(db, meena):
    user = await a_professional(db, approval="pending")
    await Cases(db).open(user.id, CaseKind.APPLICATION)
    with pytest.raises(Refused) as error:
        await approve(db, meena, user.id)
    assert error.value.reason == "papers"


async def test_the_second_admin_reads_who_decided_what(db, geeta, meena):
    lekha = await an_admin(db, "Lekha Narayanan")
    review_opened = await ticked(db, geeta)
    await deny(db, meena, geeta.id, REASON)
    for action in (
        approve(db, lekha, geeta.id, review_opened),
        approve(db, lekha, geeta.id),
        deny(db, lekha, geeta.id, "No."),
    ):
        with pytest.raises(Refused) as error:
            await action
        assert (error.value.reason, "Meena Iyer" in error.value.message, REASON in error.value.message) == (
            "decided",
            True,
            True,
        )
    assert (await Cases(db).of(geeta.id))[0].decided_by_id == meena.id


async def test_the_case_on_the_screen_is_not_the_open_one_any_more(db, geeta, meena, folder):
    review_opened = await ticked(db, geeta)
    await deny(db, meena, geeta.id, REASON)
    await apply_again(db, folder, geeta)
    with pytest.raises(Refused) as error:
        await approve(db, meena, geeta.id, review_opened)
    assert (error.value.reason, REASON in error.value.message) == ("decided", True)
    assert (await statuses(db, geeta))[0] == "pending"
    await approve(db, meena, geeta.id, await ticked(db, geeta))
    assert (await statuses(db, geeta))[0] == "approved"


@pytest.mark.parametrize("who", ["somebody who left", "an admin", "nobody"])
async def test_only_professionals_are_decided_about(db, meena, who):
    params = {"an admin": meena.id, "nobody": 2**40}.get(who)
    if params is None:
        user = await a_professional(db, "Former professional", approval="pending", deleted_at=clock.now())
        params = user.id
    with pytest.raises(Missing):
        await approve(db, meena, params)
    with pytest.raises(Missing):
        await deny(db, meena, params, REASON)


async def apply_again(db, folder, user, message="A better photo."):
    document = ScannedDocument("new.png", "image/png", a_picture(), [a_picture("JPEG")])
    await reapply(db, folder, user, "identity", clean_message(message), document, None)


async def test_only_a_denied_or_expired_professional_asks_again(db, geeta, ravi, meena, folder):
    for user in (geeta, ravi):
        with pytest.raises(Refused):
            await apply_again(db, folder, user)
    await deny(db, meena, geeta.id, REASON)
    await apply_again(db, folder, geeta)
    assert await statuses(db, geeta) == ("pending", ["denied", "submitted"], ["pending"])
    with pytest.raises(Refused):
        await apply_again(db, folder, geeta)
    await approve(db, meena, geeta.id)
    assert await statuses(db, geeta) == ("approved", ["denied", "approved"], ["approved"])
    assert [(case.kind, case.state) for case in await Cases(db).of(geeta.id)] == [
        ("again", "approved"),
        ("joining", "denied"),
    ]


async def test_who_is_denied_twice_reads_the_second_reason_and_the_first_stays_in_the_history(db, geeta, meena, folder):
    await deny(db, meena, geeta.id, REASON)
    await apply_again(db, folder, geeta)
    await deny(db, meena, geeta.id, "Still too dark.")
    assert (await db.get_one(Professional, geeta.id)).denial_reason == "Still too dark."
    assert [case.reason for case in await Cases(db).of(geeta.id)] == ["Still too dark.", REASON]


async def test_w7_who_let_a_document_run_out_asks_again_and_works_again_once_it_is_approved(db, meena, folder):
    user = await a_professional(db, services=[await a_service(db)])
    await sends(db, folder, user, expires_on=clock.today() + timedelta(days=1))
    await document_changes.approve_documents(db, meena, user.id)
    tomorrow = clock.now() + timedelta(days=1)
    with clock.freeze(tomorrow):
        await apply_again(db, folder, user)
        assert (await statuses(db, user))[0] == "approved", "accepted jobs stay theirs"
        await deny(db, meena, user.id, REASON)
        assert await statuses(db, user) == ("approved", ["approved", "denied"], ["approved"])
        await apply_again(db, folder, user)
        await approve(db, meena, user.id)
    assert await statuses(db, user) == ("approved", ["replaced", "denied", "approved"], ["approved"])
    assert (await db.get_one(Professional, user.id)).documents_expire_on is None


@pytest.mark.parametrize("typed", ["", "  ", RIGHT_TO_LEFT, "a" * 1001])
def test_a_message_says_something_and_not_a_book(typed):
    with pytest.raises(Invalid) as error:
        clean_message(typed)
    assert "message" in error.value.errors


async def with_another(db, user) -> WorkForm:
    """The fields of /profile/work with one more service chosen."""
    more = await a_service(db, "Cleaning drains")
    now = await db.scalars(select(OfferedService.service_id).where(OfferedService.professional_id == user.id))
    return WorkForm("Plumbing", "8", frozenset([*now, more.id]))


async def test_a_new_service_waits_and_the_rest_stays_approved(db, ravi, meena):
    await update_work(db, ravi, await with_another(db, ravi))
    assert await statuses(db, ravi) == ("approved", ["approved"], ["approved", "pending"])
    assert (await Cases(db).open_of(ravi.id)).kind == "change"
    assert (await review_case_of(db, ravi.id)).checks == ("services",)
    await approve(db, meena, ravi.id, await ticked(db, ravi))
    assert await statuses(db, ravi) == ("approved", ["approved"], ["approved", "approved"])
    assert (await facts(db, ravi))[-1].name == "person.change_approved"


async def test_a_change_that_is_denied_takes_nothing_away(db, ravi, meena, folder):
    await update_work(db, ravi, await with_another(db, ravi))
    await sends(db, folder, ravi)
    await deny(db, meena, ravi.id, REASON)
    assert await statuses(db, ravi) == ("approved", ["approved", "denied"], ["approved", "denied"])
    assert (await facts(db, ravi))[-1].name == "person.change_denied"
    assert (await db.get_one(Professional, ravi.id)).denial_reason is None


async def test_a_newer_document_takes_the_place_of_the_one_that_counted_and_the_day_it_runs_out_moves(
    db, ravi, meena, folder
):
    day = clock.today() + timedelta(days=400)
    document = ScannedDocument("new.png", "image/png", a_picture(), [a_picture("JPEG")])
    await document_changes.upload_document(db, folder, ravi, "identity", document, day)
    assert await statuses(db, ravi) == ("approved", ["approved", "submitted"], ["approved"])
    await approve(db, meena, ravi.id)
    assert await statuses(db, ravi) == ("approved", ["replaced", "approved"], ["approved"])
    assert (await db.get_one(Professional, ravi.id)).documents_expire_on == day


async def test_a_change_that_is_taken_back_is_no_case_any_more(db, ravi):
    before = frozenset(
        await db.scalars(select(OfferedService.service_id).where(OfferedService.professional_id == ravi.id))
    )
    await update_work(db, ravi, await with_another(db, ravi))
    await update_work(db, ravi, WorkForm("Plumbing", "8", before))
    assert await statuses(db, ravi) == ("approved", ["approved"], ["approved"])
    assert [(case.kind, case.state) for case in await Cases(db).of(ravi.id)] == [("change", "withdrawn")]


@pytest.mark.parametrize("years", ["-1", "71", "", "eight", "1e3", "٣٣٣", "8.5"])
async def test_years_at_work_are_whole_and_at_most_70(db, ravi, years):
    work = await with_another(db, ravi)
    with pytest.raises(Invalid) as error:
        await update_work(db, ravi, WorkForm(work.trade, years, work.service_ids))
    assert "experience_years" in error.value.errors


async def test_two_admins_at_once_one_decides_and_the_other_reads_it(own_database, folder):
    async with own_database.work() as db:
        admins = [await an_admin(db), await an_admin(db, "Lekha Narayanan")]
        people = []
        for _ in range(6):
            user = await a_professional(db, "Geeta Menon", approval="pending")
            await offers(db, user, await a_service(db), "pending")
            await sends(db, folder, user)
            await Cases(db).open(user.id, CaseKind.APPLICATION)
            people.append(user)

    async def decides(by: User, user: User, approving: bool) -> str:
        """The outcome: approved, denied, or the reason of the refusal."""
        try:
            async with own_database.work() as db:
                await (approve(db, by, user.id) if approving else deny(db, by, user.id, REASON))
        except Refused as refusal:
            return refusal.message
        return "approved" if approving else "denied"

    for user in people:
        ends = await asyncio.gather(decides(admins[0], user, True), decides(admins[1], user, False))
        end = ends[0] if ends[0] == "approved" else ends[1]
        winner, slower = (admins[0], ends[1]) if end == "approved" else (admins[1], ends[0])
        decision = "approved" if end == "approved" else "rejected"
        assert f"{winner.full_name} already {decision} this" in slower
        async with own_database.work() as db:
            assert await statuses(db, user) == (end, [end], [end])
            assert [case.state for case in await Cases(db).of(user.id)] == [end]
