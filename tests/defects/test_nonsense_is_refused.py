"""Seen once, never again: forms that took anything, and pages that told or broke too much."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import text

from app.settings import BadSettings, Settings
from tests.factories import a_block, an_admin
from tests.person import Person
from tests.stage import START, at
from tests.town import ASHA, LEAKS, PASSWORD

ROOT = Path(__file__).resolve().parents[2]


async def change(stage, statement: str, **given) -> None:
    async with stage.database.work(stage.app.state.after) as db:
        await db.execute(text(statement), given)


async def one(stage, question: str, **given):
    async with stage.database.work() as db:
        return await db.scalar(text(question), given)


@pytest.mark.parametrize(
    "start", ["2020-01-01T10:00", "2026-11-24T08:30", "banana", "2026-02-30T10:00", "9999-12-31T10:00"]
)
async def test_no_booking_in_the_past_or_on_the_day_banana(stage, asha, start):
    page = await asha.visit(f"/services/{LEAKS}?pincode=600020")
    page = await asha.go(page, "/bookings/new", start=at(11).strftime(START))
    before = await one(stage, "SELECT count(*) FROM bookings")
    sent = await asha.submit(page, "/bookings", start=start)
    assert sent.status == 422
    assert 'id="start-error"' in sent.text or "#start" in sent.text
    assert await one(stage, "SELECT count(*) FROM bookings") == before


async def test_no_booking_in_anothers_name(stage, asha, omar, email):
    ashas_id = await one(stage, "SELECT id FROM users WHERE email = :e", e=email)
    page = await omar.visit(f"/services/{LEAKS}?pincode=600020")
    page = await omar.go(page, "/bookings/new", start=at(11).strftime(START))
    await omar.go(page, "/bookings", customer_id=str(ashas_id), customer=email, user_id=str(ashas_id))
    assert await one(stage, "SELECT count(*) FROM bookings WHERE customer_id = :i", i=ashas_id) == 0


async def test_a_blocked_person_gets_no_further_than_the_reason(stage, asha, email):
    async with stage.database.work() as db:
        person = await stage.person_of(db, email)
        await a_block(db, person, await an_admin(db), "Three people were not let in.")
    assert (await asha.visit("/bookings")).status == 403
    async with Person(stage.app) as again:
        page = await again.submit(await again.visit("/login"), "/login", email=email, password=PASSWORD)
        assert page.location == "/blocked"
        assert "Three people were not let in." in (await again.visit("/blocked")).text
        assert [(await again.visit(path)).status for path in ("/bookings", "/profile", "/bookings/new")] == [403] * 3


async def test_a_service_no_longer_offered_breaks_no_page_and_blanks_no_history(stage, asha, ravi):
    page = await stage.books(asha, at(15), named=stage.town.ravi)
    reference = page.path.split("/")[2]
    await stage.accepted(ravi, reference)
    await change(stage, "UPDATE services SET retired_at = now() WHERE slug = :s", s=LEAKS)
    try:
        for person, path in (
            (asha, "/bookings"),
            (asha, f"/bookings/{reference}"),
            (asha, f"/bookings/{reference}/receipt"),
            (ravi, "/jobs?tab=today"),
            (ravi, f"/jobs/{reference}"),
        ):
            page = await person.visit(path)
            assert page.status == 200
            assert "Fixing leaks and pipes" in page.text, path
        assert (await ravi.visit("/earnings")).status == 200
        async with Person(stage.app) as visitor:
            assert "No longer offered" in (await visitor.visit(f"/services/{LEAKS}?pincode=600020")).text
        new = await asha.send_to(
            "/bookings", {"service_id": str(stage.town.service.id), "start": at(17).strftime(START)}
        )
        assert new.status == 409
        await stage.started(asha, ravi, reference)
        await stage.finished(asha, ravi, reference)
    finally:
        await change(stage, "UPDATE services SET retired_at = NULL WHERE slug = :s", s=LEAKS)


async def test_two_people_may_share_a_name(stage, customer, email):
    await customer(full_name="Lakshmi Narayanan")
    other = await customer(full_name="Lakshmi Narayanan", email="another." + email)
    assert "Lakshmi Narayanan" in (await other.visit("/profile")).text


async def test_the_address_is_not_the_phone(stage, asha, email):
    found = "SELECT a.line FROM addresses a JOIN users u ON u.id = a.user_id WHERE u.email = :e"
    assert await one(stage, found, e=email) == ASHA["address"]
    assert await one(stage, "SELECT phone FROM users WHERE email = :e", e=email) == "+910000000412"


@pytest.mark.parametrize(
    ("field", "typed"),
    [("password", ""), ("password", "short"), ("email", "asha"), ("email", "a@b"), ("pincode", "abcdefgh")],
)
async def test_empty_passwords_bad_addresses_and_pincodes_of_letters_are_refused(stage, email, field, typed):
    async with Person(stage.app) as visitor:
        given = ASHA | {"email": email} | {field: typed}
        sent = await visitor.submit(await visitor.visit("/register"), "/register", **given)
    assert sent.status == 422
    assert f'id="{field}-error"' in sent.text
    assert await one(stage, "SELECT count(*) FROM users WHERE email = :e", e=given["email"]) == 0


@pytest.mark.parametrize("body", [{}, [], {"email": None}, {"email": {"a": 1}, "password": ["x"]}, None])
async def test_an_empty_object_to_sign_in_is_no_error_of_ours(stage, body):
    async with Person(stage.app) as visitor:
        token = await visitor.token()
        headers = {"content-type": "application/json", "x-csrf-token": token}
        answer = await visitor.post("/login", content=json.dumps(body), headers=headers)
        assert 400 <= answer.status_code < 500
        assert (await visitor.send_to("/login", {})).status == 422


async def test_a_wrong_address_and_a_wrong_password_get_the_same_answer(stage, asha, email):
    told = []
    for address in (email, "nobody.at.all@example.com"):
        async with Person(stage.app) as visitor:
            page = await visitor.sign_in(address, "this is not the password")
            said = re.sub(r'name="_csrf_token" value="[^"]+"|content="[^"]{40,}"', "", page.text)
            told.append((page.status, said.replace(address, "")))
    assert told[0] == told[1]


async def test_ninety_nine_rupees_and_ninety_nine_paise_are_shown_whole(stage, asha):
    await change(stage, "UPDATE services SET price = 9999 WHERE slug = :s", s=LEAKS)
    try:
        page = await stage.books(asha, at(16))
        assert "₹99.99" in page.text
        assert "₹99.99" in (await asha.visit(f"{page.path}/receipt")).text
        assert not re.search(r"₹99(?!\.99)", page.text)
    finally:
        await change(stage, "UPDATE services SET price = 14900 WHERE slug = :s", s=LEAKS)


def test_no_secret_is_in_the_source_and_production_needs_its_own():
    with pytest.raises(BadSettings, match="SECRET_KEY") as refused:
        Settings.from_env({"DOORSTEP_ENV": "production"})
    assert "DATABASE_URL" in str(refused.value)


def test_no_page_has_a_fixed_width():
    head = (ROOT / "templates" / "layouts" / "_head.html").read_text()
    assert "width=device-width" in head
    for sheet in (ROOT / "static" / "css").rglob("*.css"):
        rules = re.sub(r"@(media|container)[^{]*", "", sheet.read_text())
        fixed = re.findall(r"(?<![-\w])(?:min-)?(?:width|inline-size):\s*(\d+)px", rules)
        assert all(int(pixels) < 600 for pixels in fixed), sheet.name
