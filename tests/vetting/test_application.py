"""Applications of professionals: what is stored, what is refused, and what is not disclosed."""

import hashlib
import re

import pytest
from sqlalchemy import select, text

from app.accounts.professional import Professional
from app.accounts.user import User
from app.scheduling.working_hours import Coverage, OfferedService
from app.vetting.document import Document
from app.vetting.repository import Cases
from tests.factories import ADYAR, a_customer, a_service
from tests.person import Person
from tests.vetting.samples import a_pdf, a_picture, on_disk

RIGHT_TO_LEFT = "\u202e"
NEUTRAL_MESSAGE = "Sign in with your email and password"


@pytest.fixture
async def visitor(own_app):
    async with Person(own_app) as person:
        yield person


@pytest.fixture
async def service(own_app):
    async with own_app.state.services.database.work() as db:
        return await a_service(db)


@pytest.fixture
def form(service):
    """What Geeta types."""
    return {
        "full_name": "Geeta Menon",
        "email": "geeta@example.com",
        "phone": "+91 00000 00413",
        "password": "mangoes in the month of may",  # pragma: allowlist secret
        "address": "12, Kasturba Nagar 3rd Cross Street",
        "pincode": ADYAR,
        "experience_years": "8",
        "service_ids": str(service.id),
    }


async def joins(visitor, fields, content=None, name="permit.pdf"):
    page = await visitor.visit("/register/professional")
    assert page.status == 200, page.text
    files = {"document": (name, a_pdf() if content is None else content, "application/pdf")} if name else None
    token = page.form("/register/professional").fields["_csrf_token"]
    return visitor._remember(
        await visitor.post("/register/professional", data=fields | {"_csrf_token": token}, files=files)
    )


async def stored_documents(own_app, email="geeta@example.com"):
    async with own_app.state.services.database.work() as db:
        return (await db.scalars(select(User).where(User.email == email))).one_or_none()


async def test_who_signs_up_waits_to_be_checked_and_can_sign_in_at_once(own_app, visitor, form, service, own_storage):
    answer = await joins(visitor, form)
    assert (answer.status, answer.location) == (303, "/login")
    assert NEUTRAL_MESSAGE in (await visitor.visit("/login")).text
    user = await stored_documents(own_app)
    async with own_app.state.services.database.work() as db:
        professional = await db.get_one(Professional, user.id)
        document = (await db.scalars(select(Document).where(Document.professional_id == user.id))).one()
        case = await Cases(db).open_of(user.id)
        offered = list(await db.scalars(select(OfferedService).where(OfferedService.professional_id == user.id)))
        covered = set(await db.scalars(select(Coverage.pincode).where(Coverage.professional_id == user.id)))
    assert (user.role, user.phone) == ("professional", "+910000000413")
    assert (professional.approval_status, professional.experience_years, professional.home_pincode) == (
        "pending",
        8,
        ADYAR,
    )
    assert (document.state, document.name, case.kind) == ("submitted", "permit.pdf", "joining")
    assert [(item.service_id, item.approval_status) for item in offered] == [(service.id, "pending")]
    assert ADYAR in covered
    assert on_disk(own_storage) != []
    arrived = await visitor.sign_in(form["email"], form["password"])
    assert (arrived.status, arrived.location) == (303, "/jobs")


async def test_sign_up_does_not_store_the_phone_as_the_address(own_app, visitor, form):
    await joins(visitor, form)
    user = await stored_documents(own_app)
    async with own_app.state.services.database.work() as db:
        line = await db.scalar(text("SELECT line FROM addresses WHERE user_id = :id"), {"id": user.id})
    assert line == form["address"]


async def test_a_known_address_is_answered_the_same_and_its_document_is_thrown_away(
    own_app, visitor, form, own_storage
):
    async with own_app.state.services.database.work() as db:
        asha = await a_customer(db)
    answer = await joins(visitor, form | {"email": asha.email.upper()})
    assert (answer.status, answer.location) == (303, "/login")
    assert NEUTRAL_MESSAGE in (await visitor.visit("/login")).text
    assert on_disk(own_storage) == []
    async with own_app.state.services.database.work() as db:
        assert (await db.get_one(User, asha.id)).role == "customer"
        assert await db.scalar(text("SELECT count(*) FROM documents")) == 0
        mails = await db.scalars(text("SELECT kind FROM outbox"))
        assert list(mails) == ["known_address"]


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("full_name", ""),
        ("full_name", f"Geeta {RIGHT_TO_LEFT}nonem"),
        ("full_name", "Geeta\u2067Menon\u2069"),
        ("full_name", "Former professional"),
        ("email", "geeta@example"),
        ("phone", "+91 12"),
        ("password", ""),
        ("password", "short"),
        ("address", ""),
        ("pincode", "abcdefgh"),
        ("pincode", "999999"),
        ("experience_years", ""),
        ("experience_years", "-1"),
        ("experience_years", "71"),
        ("experience_years", "banana"),
        ("service_ids", ""),
        ("service_ids", "banana"),
        ("service_ids", "99999999"),
        ("service_ids", "1e3"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_kept(
    own_app, visitor, form, own_storage, field, typed
):
    answer = await joins(visitor, form | {field: typed})
    assert answer.status == 422
    assert re.search(rf'id="{field}-error"|href="#{field}', answer.text), answer.text[:2000]
    assert await stored_documents(own_app) is None
    assert on_disk(own_storage) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("", b""),
        ("empty.pdf", b""),
        ("page.pdf", b"<!doctype html><script>alert(1)</script>"),
        ("cut.pdf", a_pdf()[:400]),
        ("large.png", b"\x89PNG\r\n\x1a\n" + bytes(10_500_000)),
    ],
)
async def test_a_document_that_is_none_is_refused_with_a_reason_and_leaves_no_file(
    own_app, visitor, form, own_storage, name, content
):
    answer = await joins(visitor, form, content, name)
    assert answer.status == 422
    assert "Geeta Menon" in answer.text, "what was typed stays"
    assert await stored_documents(own_app) is None
    assert on_disk(own_storage) == []


@pytest.mark.parametrize("name", ["../../etc/passwd.pdf", "..\\..\\x.pdf", "/etc/x.pdf", f"x{RIGHT_TO_LEFT}fdp.exe"])
async def test_an_uploaded_file_name_is_not_used_as_path(own_app, visitor, form, own_storage, name):
    assert (await joins(visitor, form, name=name)).status == 303
    user = await stored_documents(own_app)
    async with own_app.state.services.database.work() as db:
        document = (await db.scalars(select(Document).where(Document.professional_id == user.id))).one()
    assert re.fullmatch(r"[0-9a-f]{32}", document.stored_as)
    assert not set("/\\") & set(document.name)
    assert RIGHT_TO_LEFT not in document.name
    assert all(own_storage.root in path.parents for path in on_disk(own_storage))


async def test_same_named_files_do_not_overwrite_each_other(own_app, visitor, form, own_storage):
    await joins(visitor, form, a_picture(text="one"), "permit.png")
    latha = form | {"email": "latha@example.com", "phone": "+91 00000 00414"}
    await joins(visitor, latha, a_picture(text="two"), "permit.png")
    async with own_app.state.services.database.work() as db:
        stored_as = (await db.execute(select(Document.name, Document.stored_as, Document.sha256))).all()
    assert [item.name for item in stored_as] == ["permit.png", "permit.png"]
    assert len({item.stored_as for item in stored_as}) == 2
    found = [hashlib.sha256(await own_storage.read(item.stored_as)).digest() for item in stored_as]
    assert len(set(found)) == 2
    assert found == [item.sha256 for item in stored_as]


async def test_two_people_of_one_name_may_both_join(own_app, visitor, form):
    await joins(visitor, form)
    assert (await joins(visitor, form | {"email": "other@example.com"})).status == 303
    assert await stored_documents(own_app, "other@example.com") is not None


async def test_no_one_signs_up_as_anything_else(own_app, visitor, form):
    await joins(visitor, form | {"role": "admin", "standing": "approved"})
    user = await stored_documents(own_app)
    async with own_app.state.services.database.work() as db:
        assert (user.role, (await db.get_one(Professional, user.id)).approval_status) == ("professional", "pending")
