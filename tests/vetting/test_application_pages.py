"""The application form: errors, and no disclosure of registered addresses."""

import asyncio

import pytest
from sqlalchemy import func, select, text

from app.accounts.professional import WAITING, Professional
from app.accounts.user import User
from app.check.run import find_violations
from app.scheduling.working_hours import Coverage, OfferedService, WorkingHours
from app.vetting.document import Document
from app.vetting.verification import Verification
from tests.person import Person
from tests.vetting.samples import a_pdf

FIELDS = {
    "full_name": "Thenmozhi Chandrasekaran",
    "email": "thenmozhi@example.com",
    "phone": "+91 00000 00777",
    "password": "mangoes in the month of may",
    "address": "12, Canal Bank Road, Kasturba Nagar",
    "pincode": "600020",
    "experience_years": "8",
}


@pytest.fixture
async def stranger(own_app):
    person = Person(own_app)
    yield person
    await person.aclose()


async def joins(stranger, scene, *, content=None, file="identity.pdf", **differently):
    page = await stranger.visit("/register/professional")
    assert page.status == 200
    token = next(form.fields["_csrf_token"] for form in page.forms if form.action == "/register/professional")
    data = FIELDS | {"service_ids": [str(scene.service.id)], "_csrf_token": token} | differently
    files = {"document": (file, a_pdf(1) if content is None else content, "application/pdf")} if file else None
    return await stranger.post("/register/professional", data=data, files=files)


async def stored_documents(scene, kind):
    async with scene.database.work() as db:
        return (await db.scalars(select(kind))).all()


async def new_applicant(db):
    return (await db.scalars(select(User).where(User.email == FIELDS["email"]))).one()


async def test_someone_asks_to_work_and_waits(scene, stranger, own_storage):
    answer = await joins(stranger, scene, languages=["en", "ta"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    async with scene.database.work() as db:
        user = await new_applicant(db)
        professional = await db.get_one(Professional, user.id)
        assert (professional.approval_status, professional.experience_years) == ("pending", 8)
        assert professional.admin_status == WAITING
        assert professional.languages == ["ta", "en"]
        assert professional.home_pincode == "600020"
        offered = (await db.scalars(select(OfferedService).where(OfferedService.professional_id == user.id))).one()
        assert (offered.service_id, offered.approval_status) == (scene.service.id, "pending")
        areas = set(await db.scalars(select(Coverage.pincode).where(Coverage.professional_id == user.id)))
        assert {"600020", "600090"} <= areas
        assert "600045" not in areas  # Tambaram is farther away
        hours = select(func.count()).where(WorkingHours.professional_id == user.id)
        assert await db.scalar(hours) == 0
        case = (await db.scalars(select(Verification).where(Verification.professional_id == user.id))).one()
        assert (case.kind, case.state) == ("joining", "open")
        document = (await db.scalars(select(Document).where(Document.professional_id == user.id))).one()
        assert (document.state, document.kind) == ("submitted", "identity")
        assert await own_storage.read(document.stored_as)
        assert await find_violations(db, own_storage) == []
    assert (await stranger.sign_in(FIELDS["email"], FIELDS["password"])).status == 303
    assert "We're reviewing your documents" in (await stranger.visit("/verification")).text


@pytest.mark.parametrize(
    ("field", "typed", "expected_text"),
    [
        ("full_name", "Ravi\u202egnp.exe", "Enter your name in letters."),
        ("email", "thenmozhi", "Enter the whole address"),
        ("phone", "12", "A mobile number has 10 digits"),
        ("password", "short", "10"),
        ("pincode", "999999", "find a place with the pincode"),
        ("experience_years", "-1", "Enter whole years"),
        ("experience_years", "1e9", "Enter whole years"),
        ("experience_years", "71", "Enter whole years"),
        ("service_ids", [], "Choose at least one service."),
        ("service_ids", ["987654321"], "Choose from the list."),
    ],
)
async def test_a_wrong_field_keeps_the_others_and_asks_for_the_file_again(
    scene, stranger, own_storage, field, typed, expected_text
):
    answer = await joins(stranger, scene, **{field: typed})
    assert answer.status_code == 422
    assert expected_text in answer.text
    assert "Choose the file again" in answer.text
    for name, value in FIELDS.items():
        if name not in (field, "password"):
            assert value in answer.text
    assert FIELDS["password"] not in answer.text
    if field != "service_ids":
        html = " ".join(answer.text.split())
        assert f'value="{scene.service.id}" id="service_ids-{scene.service.id}" checked' in html
    assert not list(own_storage.names())
    assert not await stored_documents(scene, Document)


async def test_strangers_cannot_flood_us_with_documents(scene, stranger, own_storage):
    answers = []
    for number in range(14):
        answers.append(await joins(stranger, scene, content=b"no paper", email=f"x{number}@example.com"))
        if answers[-1].status_code == 429:
            break
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "Too many attempts" in answers[-1].text
    assert FIELDS["full_name"] in answers[-1].text
    assert [answer.status_code for answer in answers[:12]] == [422] * 12


async def test_two_sign_ups_at_once_with_one_address_make_one_account(scene, own_app, own_storage):
    people = [Person(own_app) for _ in range(3)]
    answers = await asyncio.gather(*(joins(person, scene) for person in people))
    assert [answer.status_code for answer in answers] == [303] * 3
    async with scene.database.work() as db:
        count = await db.scalar(
            text("SELECT count(*) FROM professionals p JOIN users u ON u.id = p.user_id WHERE u.email = :email"),
            {"email": FIELDS["email"]},
        )
        assert count == 1
    assert len(list(own_storage.names())) == 1
    for item in people:
        await item.aclose()
