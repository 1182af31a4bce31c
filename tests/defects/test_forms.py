"""Regression tests: forms that accepted anything, and pages that revealed or broke too much."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import text

from app.settings import BadSettings, Settings
from tests.factories import a_block, an_admin
from tests.person import Person
from tests.story_app import SLOT_VALUE_FORMAT, at
from tests.town import ASHA, LEAKS, PASSWORD

ROOT = Path(__file__).resolve().parents[2]


async def change(story, statement: str, **params) -> None:
    async with story.database.work(story.app.state.services.after_commit) as db:
        await db.execute(text(statement), params)


async def scalar(story, question: str, **params):
    async with story.database.work() as db:
        return await db.scalar(text(question), params)


@pytest.mark.parametrize(
    "start", ["2020-01-01T10:00", "2026-11-24T08:30", "banana", "2026-02-30T10:00", "9999-12-31T10:00"]
)
async def test_no_booking_in_the_past_or_on_the_day_banana(story, asha, start):
    page = await asha.visit(f"/services/{LEAKS}?pincode=600020")
    page = await asha.submit_and_follow(page, "/bookings/new", start=at(11).strftime(SLOT_VALUE_FORMAT))
    before = await scalar(story, "SELECT count(*) FROM bookings")
    sent = await asha.submit(page, "/bookings", start=start)
    assert sent.status == 422
    assert 'id="start-error"' in sent.text or "#start" in sent.text
    assert await scalar(story, "SELECT count(*) FROM bookings") == before


async def test_no_booking_in_anothers_name(story, asha, omar, email):
    ashas_id = await scalar(story, "SELECT id FROM users WHERE email = :e", e=email)
    page = await omar.visit(f"/services/{LEAKS}?pincode=600020")
    page = await omar.submit_and_follow(page, "/bookings/new", start=at(11).strftime(SLOT_VALUE_FORMAT))
    await omar.submit_and_follow(page, "/bookings", customer_id=str(ashas_id), customer=email, user_id=str(ashas_id))
    assert await scalar(story, "SELECT count(*) FROM bookings WHERE customer_id = :i", i=ashas_id) == 0


async def test_a_blocked_person_gets_no_further_than_the_reason(story, asha, email):
    async with story.database.work() as db:
        person = await story.user_by_email(db, email)
        await a_block(db, person, await an_admin(db), "Three people were not let in.")
    assert (await asha.visit("/bookings")).status == 403
    async with Person(story.app) as repeated:
        page = await repeated.submit(await repeated.visit("/login"), "/login", email=email, password=PASSWORD)
        assert page.location == "/blocked"
        assert "Three people were not let in." in (await repeated.visit("/blocked")).text
        assert [(await repeated.visit(path)).status for path in ("/bookings", "/profile", "/bookings/new")] == [403] * 3


async def test_a_service_no_longer_offered_breaks_no_page_and_blanks_no_history(story, asha, ravi):
    page = await story.book(asha, at(15), named=story.town.ravi)
    reference = page.path.split("/")[2]
    await story.accept(ravi, reference)
    await change(story, "UPDATE services SET retired_at = now() WHERE slug = :s", s=LEAKS)
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
        async with Person(story.app) as visitor:
            assert "No longer offered" in (await visitor.visit(f"/services/{LEAKS}?pincode=600020")).text
        new = await asha.post_fields(
            "/bookings", {"service_id": str(story.town.service.id), "start": at(17).strftime(SLOT_VALUE_FORMAT)}
        )
        assert new.status == 409
        await story.start(asha, ravi, reference)
        await story.finish(asha, ravi, reference)
    finally:
        await change(story, "UPDATE services SET retired_at = NULL WHERE slug = :s", s=LEAKS)


async def test_two_people_may_share_a_name(story, customer, email):
    await customer(full_name="Lakshmi Narayanan")
    other = await customer(full_name="Lakshmi Narayanan", email="another." + email)
    assert "Lakshmi Narayanan" in (await other.visit("/profile")).text


async def test_the_address_is_not_the_phone(story, asha, email):
    found = "SELECT a.line FROM addresses a JOIN users u ON u.id = a.user_id WHERE u.email = :e"
    assert await scalar(story, found, e=email) == ASHA["address"]
    assert await scalar(story, "SELECT phone FROM users WHERE email = :e", e=email) == "+910000000412"


@pytest.mark.parametrize(
    ("field", "typed"),
    [("password", ""), ("password", "short"), ("email", "asha"), ("email", "a@b"), ("pincode", "abcdefgh")],
)
async def test_empty_passwords_bad_addresses_and_pincodes_of_characters_are_refused(story, email, field, typed):
    async with Person(story.app) as visitor:
        values = ASHA | {"email": email} | {field: typed}
        sent = await visitor.submit(await visitor.visit("/register"), "/register", **values)
    assert sent.status == 422
    assert f'id="{field}-error"' in sent.text
    assert await scalar(story, "SELECT count(*) FROM users WHERE email = :e", e=values["email"]) == 0


@pytest.mark.parametrize("body", [{}, [], {"email": None}, {"email": {"a": 1}, "password": ["x"]}, None])
async def test_an_empty_object_to_sign_in_is_no_error_of_ours(story, body):
    async with Person(story.app) as visitor:
        token = await visitor.token()
        headers = {"content-type": "application/json", "x-csrf-token": token}
        answer = await visitor.post("/login", content=json.dumps(body), headers=headers)
        assert 400 <= answer.status_code < 500
        assert (await visitor.post_fields("/login", {})).status == 422


async def test_a_wrong_address_and_a_wrong_password_get_the_same_answer(story, asha, email):
    outcomes = []
    for address in (email, "nobody.at.all@example.com"):
        async with Person(story.app) as visitor:
            page = await visitor.sign_in(address, "this is not the password")
            message = re.sub(r'name="_csrf_token" value="[^"]+"|content="[^"]{40,}"', "", page.text)
            outcomes.append((page.status, message.replace(address, "")))
    assert outcomes[0] == outcomes[1]


async def test_ninety_nine_rupees_and_ninety_nine_paise_are_shown_whole(story, asha):
    await change(story, "UPDATE services SET price = 9999 WHERE slug = :s", s=LEAKS)
    try:
        page = await story.book(asha, at(16))
        assert "₹99.99" in page.text
        assert "₹99.99" in (await asha.visit(f"{page.path}/receipt")).text
        assert not re.search(r"₹99(?!\.99)", page.text)
    finally:
        await change(story, "UPDATE services SET price = 14900 WHERE slug = :s", s=LEAKS)


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
