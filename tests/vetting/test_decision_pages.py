"""The pages to approve, deny, reapply and change: who decides what, once, and the effects (T0-4, T0-20)."""

import asyncio

import pytest
from sqlalchemy import select, text

from app.accounts.professional import APPROVED, DENIED, WAITING, Professional
from app.accounts.user import User
from app.check.run import find_violations
from app.core import clock
from app.core.errors import Refused
from app.core.events import Event
from app.scheduling.working_hours import OfferedService
from app.vetting import document_changes
from app.vetting.decision import EMPTY_FORM, DecisionForm, approve, deny
from app.vetting.document import Document
from app.vetting.document_scan import ScannedDocument
from app.vetting.offered_services import WorkForm, update_work
from app.vetting.repository import Cases
from app.vetting.verification import CaseKind, Verification
from tests.factories import a_professional, a_service, an_admin
from tests.vetting.samples import a_pdf

REASON = "The photo cannot be read.\nPlease take it in daylight."
ALL = ["name", "photo", "valid", "services", "readable"]


def a_document() -> ScannedDocument:
    return ScannedDocument("card.pdf", "application/pdf", a_pdf(1), [b"picture"])


@pytest.fixture
async def meena(scene):
    async with scene.database.work() as db:
        user = await an_admin(db)
    person = await scene.browser(user)
    person.user = user
    return person


@pytest.fixture
async def lekha(scene):
    async with scene.database.work() as db:
        user = await an_admin(db, "Lekha Narayanan")
    person = await scene.browser(user)
    person.user = user
    return person


@pytest.fixture
async def geeta(scene, own_storage) -> User:
    """An applicant with one document and one service."""
    async with scene.database.work() as db:
        user = await a_professional(db, "Geeta Menon", services=[scene.service], approval="pending")
        await db.execute(
            text("UPDATE offered_services SET approval_status = 'pending' WHERE professional_id = :id"), {"id": user.id}
        )
        await document_changes.submit_document(db, own_storage, user, user.id, "identity", a_document())
        await Cases(db).open(user.id, CaseKind.APPLICATION)
        hashed = await scene.app.state.services.passwords.hash("correct horse battery")
        user.password_hash = hashed
    return user


async def of(scene, user):
    """The stored professional, cases, documents and offered services."""
    async with scene.database.work() as db:
        professional = await db.get_one(Professional, user.id)
        cases = (await db.scalars(select(Verification).where(Verification.professional_id == user.id))).all()
        documents = (await db.scalars(select(Document).where(Document.professional_id == user.id))).all()
        offerings = (await db.scalars(select(OfferedService).where(OfferedService.professional_id == user.id))).all()
    return (
        professional,
        sorted(cases, key=lambda first: first.id),
        documents,
        {o.service_id: o.approval_status for o in offerings},
    )


async def facts_of(scene, user, name):
    async with scene.database.work() as db:
        query = select(Event).where(Event.subject == f"user-{user.id}", Event.name == name)
        return (await db.scalars(query)).all()


async def sound(scene, own_storage):
    async with scene.database.work() as db:
        assert await find_violations(db, own_storage) == []


async def test_the_panel_approves_only_what_is_ticked_in_full(scene, geeta, meena, own_storage):
    page = await meena.visit(f"/admin/professionals/{geeta.id}")
    assert "Check against the application" in page.text
    assert "card.pdf" in page.text
    assert geeta.phone not in page.text
    some = await meena.post(
        f"/admin/professionals/{geeta.id}/approval", data=page.form("/approval").fields | {"checked": ALL[:3]}
    )
    assert some.status_code == 422
    assert "3 of 5 checked. Check all of them to approve." in some.text
    assert some.text.count("checked required") == 3
    assert (await of(scene, geeta))[0].approval_status == "pending"
    every = await meena.post(
        f"/admin/professionals/{geeta.id}/approval", data=page.form("/approval").fields | {"checked": ALL}
    )
    assert every.status_code == 303
    professional, [case], [document], offered = await of(scene, geeta)
    assert (professional.approval_status, professional.admin_status, case.state) == ("approved", APPROVED, "approved")
    assert (sorted(case.checked), case.decided_by_id) == (sorted(ALL), meena.user.id)
    assert (document.state, set(offered.values())) == ("approved", {"approved"})
    [fact] = await facts_of(scene, geeta, "person.approved")
    assert (fact.facts["before"]["standing"], fact.facts["after"]["standing"]) == ("pending", "approved")
    await sound(scene, own_storage)


async def test_a_denial_needs_a_reason_and_the_person_reads_it_word_for_word(scene, geeta, meena, own_storage):
    for nothing in ("", "   ", "\u202e\u200b"):
        answer = await meena.post_fields(f"/admin/professionals/{geeta.id}/denial", {"reason": nothing})
        assert answer.status == 422
        assert "Enter a reason" in answer.text
    assert (
        await meena.post_fields(f"/admin/professionals/{geeta.id}/denial", {"reason": f"{REASON}\u202e"})
    ).status == 303
    professional, [case], [document], _offered = await of(scene, geeta)
    assert (professional.approval_status, professional.denial_reason, professional.admin_status) == (
        "denied",
        REASON,
        DENIED,
    )
    assert (case.state, case.reason, document.state, document.denial_reason) == ("denied", REASON, "denied", REASON)
    geetas = await scene.browser(geeta)
    assert "The photo cannot be read." in (await geetas.visit("/verification")).text
    await sound(scene, own_storage)


async def test_who_was_denied_asks_again_with_a_message_and_a_document_and_the_history_is_kept(
    scene, geeta, meena, own_storage
):
    await meena.post_fields(f"/admin/professionals/{geeta.id}/denial", {"reason": REASON})
    geetas = await scene.browser(geeta)
    page = await geetas.visit("/verification")
    fields = page.form("/verification").fields | {"message": "Taken in daylight now."}
    alone = await geetas.post("/verification", data=fields | {"message": ""}, files={})
    assert alone.status_code == 422
    sent = await geetas.post("/verification", data=fields, files={"document": ("card.pdf", a_pdf(1))})
    assert (sent.status_code, sent.headers["location"]) == (303, "/verification")
    professional, [first, second], documents, offered = await of(scene, geeta)
    assert (professional.approval_status, professional.admin_status) == ("pending", WAITING)
    assert (first.state, first.reason) == ("denied", REASON)
    assert (second.kind, second.state, second.message) == ("again", "open", "Taken in daylight now.")
    assert sorted(document.state for document in documents) == ["denied", "submitted"]
    assert set(offered.values()) == {"pending"}
    twice = await geetas.post("/verification", data=fields, files={"document": ("card.pdf", a_pdf(1))})
    assert twice.status_code == 409
    panel = await meena.visit(f"/admin/professionals/{geeta.id}")
    assert "Taken in daylight now." in panel.text
    assert (await meena.post_fields(f"/admin/professionals/{geeta.id}/approval", {})).status == 303
    assert (await of(scene, geeta))[0].approval_status == "approved"
    history = await geetas.visit("/verification")
    assert "The photo cannot be read." in history.text
    await sound(scene, own_storage)


async def test_no_one_else_asks_again(scene, geeta, own_storage):
    for user in (scene.ravi, geeta):
        browser = await scene.browser(user)
        data = {"message": "Please.", "_csrf_token": await browser.token()}
        answer = await browser.post("/verification", data=data, files={"document": ("card.pdf", a_pdf(1))})
        assert answer.status_code == 409
    assert len(list(own_storage.names())) == 1


async def test_whose_document_is_out_of_date_may_ask_again_and_stays_approved(scene, meena, own_storage):
    async with scene.database.work() as db:
        await document_changes.submit_document(
            db, own_storage, scene.ravi, scene.ravi.id, "identity", a_document(), clock.today()
        )
        await document_changes.approve_documents(db, meena.user, scene.ravi.id)
    ravis = await scene.browser(scene.ravi)
    data = {"message": "The new one.", "_csrf_token": await ravis.token()}
    assert (await ravis.post("/verification", data=data, files={"document": ("c.pdf", a_pdf(1))})).status_code == 303
    professional, [case], _, _ = await of(scene, scene.ravi)
    assert (professional.approval_status, case.kind, professional.admin_status) == ("approved", "again", WAITING)
    await meena.post_fields(f"/admin/professionals/{scene.ravi.id}/approval", {})
    professional, [case], documents, _ = await of(scene, scene.ravi)
    assert (professional.documents_expire_on, case.state) == (None, "approved")
    assert sorted(document.state for document in documents) == ["approved", "replaced"]


async def test_of_someone_approved_only_what_waits_is_decided(scene, meena, own_storage):
    async with scene.database.work() as db:
        more = await a_service(db, "Winding clocks")
        await document_changes.submit_document(db, own_storage, scene.ravi, scene.ravi.id, "identity", a_document())
        await document_changes.approve_documents(db, meena.user, scene.ravi.id)
        professional = await db.get_one(Professional, scene.ravi.id)
        work = WorkForm(professional.trade, "9", frozenset({scene.service.id, more.id}))
        await update_work(db, scene.ravi, work)
    professional, [case], _, offered = await of(scene, scene.ravi)
    assert (case.kind, professional.approval_status, professional.experience_years) == ("change", "approved", 9)
    assert offered == {scene.service.id: "approved", more.id: "pending"}
    assert (
        await meena.post_fields(f"/admin/professionals/{scene.ravi.id}/denial", {"reason": "No clocks."})
    ).status == 303
    professional, [case], [document], offered = await of(scene, scene.ravi)
    assert (professional.approval_status, professional.denial_reason, document.state) == ("approved", None, "approved")
    assert offered == {scene.service.id: "approved", more.id: "denied"}
    assert len(await facts_of(scene, scene.ravi, "person.change_denied")) == 1
    await sound(scene, own_storage)


async def test_a_service_taken_away_ends_at_once_and_its_case_is_taken_back(scene, own_storage):
    async with scene.database.work() as db:
        more = await a_service(db, "Winding clocks")
        trade = (await db.get_one(Professional, scene.ravi.id)).trade
        await update_work(db, scene.ravi, WorkForm(trade, "8", frozenset({scene.service.id, more.id})))
        await update_work(db, scene.ravi, WorkForm(trade, "8", frozenset({scene.service.id})))
    _, [case], _, offered = await of(scene, scene.ravi)
    assert (case.state, offered) == ("withdrawn", {scene.service.id: "approved"})
    facts = await facts_of(scene, scene.ravi, "person.services_changed")
    assert [(fact.facts["added"], fact.facts["removed"]) for fact in facts] == [([more.name], []), ([], [more.name])]


async def test_what_was_requested_of_someone_who_stops_doing_it_goes_to_others(scene, own_storage):
    me = await scene.browser(scene.asha)
    reference = await scene.paid(me)
    recipient = scene.ravi if await scene.reserved_for(reference) == scene.ravi.id else scene.kumar
    async with scene.database.work() as db:
        more = await a_service(db, "Winding clocks")
        trade = (await db.get_one(Professional, recipient.id)).trade
        await update_work(db, recipient, WorkForm(trade, "8", frozenset({more.id})))
    assert (await scene.booking(reference)).state == "requested"
    assert await scene.reserved_for(reference) not in (None, recipient.id)
    await sound(scene, own_storage)


async def test_a_second_admin_reads_who_decided_what(scene, geeta, meena, lekha):
    page = await lekha.visit(f"/admin/professionals/{geeta.id}")
    assert (await meena.post_fields(f"/admin/professionals/{geeta.id}/denial", {"reason": "No photo."})).status == 303
    late = await lekha.post(
        f"/admin/professionals/{geeta.id}/approval", data=page.form("/approval").fields | {"checked": ALL}
    )
    assert late.status_code == 409
    assert "Meena Iyer already rejected this" in late.text
    assert "No photo." in late.text
    assert (await of(scene, geeta))[0].approval_status == "denied"


async def test_a_document_that_came_after_the_panel_was_opened_is_not_approved_unseen(scene, geeta, meena, own_storage):
    page = await meena.visit(f"/admin/professionals/{geeta.id}")
    async with scene.database.work() as db:
        await document_changes.submit_document(db, own_storage, geeta, geeta.id, "identity", a_document())
    data = page.form("/approval").fields | {"checked": ALL}
    late = await meena.post(f"/admin/professionals/{geeta.id}/approval", data=data)
    assert late.status_code == 409
    assert "There is something new since" in late.text


@pytest.mark.parametrize("second", ["approve", "deny"])
async def test_two_admins_at_once_decide_once(scene, geeta, meena, lekha, own_storage, second):
    async def decide(by, verb):
        async with scene.database.work() as db:
            if verb == "approve":
                await approve(db, by, geeta.id, EMPTY_FORM)
            else:
                await deny(db, by, geeta.id, "No.", EMPTY_FORM)

    answers = await asyncio.gather(
        decide(meena.user, "approve"), decide(lekha.user, second), decide(meena.user, second), return_exceptions=True
    )
    assert [isinstance(answer, Refused) for answer in answers].count(False) == 1
    assert all(answer is None or (isinstance(answer, Refused) and answer.reason == "decided") for answer in answers)
    _, [case], [document], _ = await of(scene, geeta)
    assert document.state == case.state != "open"
    await sound(scene, own_storage)


async def test_a_case_of_yesterday_decides_nothing_today(scene, geeta, meena):
    async with scene.database.work() as db:
        with pytest.raises(Refused) as error:
            await approve(db, meena.user, geeta.id, DecisionForm(case=987_654, checked=ALL))
        assert error.value.reason == "decided"


async def test_no_one_is_approved_without_a_document(scene, meena):
    async with scene.database.work() as db:
        minimal = await a_professional(db, "Bare Hands", services=[scene.service], approval="pending")
    answer = await meena.post_fields(f"/admin/professionals/{minimal.id}/approval", {})
    assert answer.status == 409
    assert "uploaded any documents yet" in answer.text


async def test_the_table_finds_by_words_service_pincode_and_state_and_records_who_saw_a_phone(scene, geeta, meena):
    for query, found in (
        ("q=geeta", True),
        (f"q={geeta.phone[-6:]}", True),
        (f"q={geeta.email}", True),
        ("q=plumb", True),
        ("q=600020", True),
        ("q=adyar", True),
        ("q=leaks", True),
        ("q=zzz%25", False),
        ("state=waiting", True),
        ("state=approved", False),
        ("state=blocked", False),
        (f"service={scene.service.id}", True),
        ("service=999999", False),
        ("pincode=600020", True),
        ("pincode=600045", False),
    ):
        page = await meena.visit(f"/admin/professionals?{query}")
        assert (f'id="professional-{geeta.id}"' in page.text) is found, query
    for sort in ("state", "name", "area", "jobs", "rating", "since"):
        for payment in ("", "-"):
            assert (await meena.visit(f"/admin/professionals?sort={payment}{sort}")).status == 200
    first = await meena.visit("/admin/professionals")
    assert first.text.index("Geeta Menon") < first.text.index("Ravi Kumar")
    assert not await facts_of(scene, geeta, "person.contact_seen")
    contact = await meena.visit(f"/admin/professionals/{geeta.id}?tab=person")
    assert geeta.phone[-5:] in contact.text
    assert len(await facts_of(scene, geeta, "person.contact_seen")) == 1
    for tab in ("services", "history"):
        assert (await meena.visit(f"/admin/professionals/{geeta.id}?tab={tab}")).status == 200
    assert len(await facts_of(scene, geeta, "person.contact_seen")) == 1


async def test_pages_follow_one_another_in_every_order(scene, meena):
    async with scene.database.work() as db:
        for number in range(25):
            await a_professional(db, f"Person {number % 3}", services=[])
    all_people = 27
    for sort in ("state", "-name", "area", "-jobs", "rating", "-since"):
        visited: list[str] = []
        page = await meena.visit(f"/admin/professionals?sort={sort}")
        while True:
            visited += page.text.split('id="professional-')[1:]
            next_url = [link for link in page.links if "after=" in link and link.startswith("/admin/professionals?")]
            if not next_url:
                break
            page = await meena.visit(next_url[0])
        ids = [item.split('"')[0] for item in visited]
        assert len(ids) == len(set(ids)) == all_people, sort
