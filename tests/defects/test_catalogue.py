"""Regression tests: a catalogue that lost values, rounded prices, and broke existing bookings."""

import re

import pytest
from sqlalchemy import text

from app.core.events import PLATFORM
from tests.catalog.drafts import a_form
from tests.factories import an_admin
from tests.person import Person
from tests.story_app import at
from tests.town import LEAKS, VISA


@pytest.fixture(scope="module")
async def meena(story):
    async with story.database.work() as db:
        admin = await an_admin(db)
    return await Person(story.app).signed_in_as(admin, story.database)


@pytest.fixture
def admin_url(story):
    return f"/admin/services/{story.town.service.id}"


async def category_of(meena):
    page = await meena.visit("/admin/services/new")
    return page, next(item for item in page.form("/new").choices["category_id"] if item)


async def test_deleting_a_service_breaks_no_dashboard_and_blanks_no_history(story, asha, ravi, meena, admin_url):
    booked = await story.book(asha, at(15), named=story.town.ravi)
    ref = booked.path.split("/")[2]
    await story.accept(ravi, ref)
    before = len((await meena.visit(f"{admin_url}?tab=history")).text)
    assert "Delete" not in (await meena.visit(admin_url)).text
    assert (await meena.post_fields(f"{admin_url}/removal", {})).status == 409
    assert "Fixing leaks and pipes" in (await meena.visit(admin_url)).text
    assert len((await meena.visit(f"{admin_url}?tab=history")).text) >= before
    for person, path in (
        (asha, "/bookings"),
        (asha, booked.path),
        (asha, f"{booked.path}/receipt"),
        (ravi, f"/jobs/{ref}"),
        (ravi, "/jobs?tab=today"),
    ):
        page = await person.visit(path)
        assert page.status == 200
        assert "Fixing leaks and pipes" in page.text, path
    async with Person(story.app) as visitor:
        assert (await visitor.visit(f"/services/{LEAKS}?pincode=600020")).status == 200


async def test_a_new_service_is_visible_at_once_whatever_is_cached(story, meena):
    page, category = await category_of(meena)
    async with Person(story.app) as visitor:
        for _twice in range(2):  # the second time from the cache
            assert (await visitor.visit("/services/string-untangling")).status == 404
            assert "String untangling" not in (await visitor.visit("/services?q=untangling&pincode=600020")).text
        await meena.submit_and_follow(page, "/new", **a_form(category, name="String untangling", terms_en="untangling"))
        assert "String untangling" in (await visitor.visit("/services/string-untangling?pincode=600020")).text
        async with story.database.work(story.app.state.services.after_commit) as db:
            added = text(
                "INSERT INTO offered_services (professional_id, service_id, approval_status)"
                " SELECT :who, id, 'approved' FROM services WHERE slug = 'string-untangling'"
            )
            await db.execute(added, {"who": story.town.ravi.id})
            (await story.user_by_email(db, "ravi@example.com")).record("person.approved", by=PLATFORM)
        assert "String untangling" in (await visitor.visit("/services?q=untangling&pincode=600020")).text
        edit = next(
            link
            for link in (await meena.visit("/admin/services?q=untangling")).links
            if re.search(r"/services/\d+", link)
        )
        number = re.search(r"/services/(\d+)", edit)[1]
        await meena.submit_and_follow(
            await meena.visit(f"/admin/services/{number}/edit"), "/edit", price="77.50", name="Knots undone"
        )
        for path in ("/services?q=untangling&pincode=600020", "/services/string-untangling?pincode=600020"):
            displayed = (await visitor.visit(path)).text
            assert "Knots undone" in displayed, path
            assert "₹77.50" in displayed, path
            assert "String untangling" not in displayed, path


async def test_ninety_nine_rupees_ninety_nine_is_never_ninety_nine(story, asha, meena, admin_url):
    page = await meena.visit(f"{admin_url}/edit")
    await meena.submit_and_follow(page, "/edit", price="99.99")
    try:
        assert (await meena.visit(f"{admin_url}/edit")).form("/edit").fields["price"] == "99.99"
        booked = await story.book(asha, at(17), **VISA)
        async with Person(story.app) as visitor:
            pages = [
                await meena.visit("/admin/services?q=fixing+leaks"),
                await meena.visit(admin_url),
                await meena.visit(f"{admin_url}?tab=prices"),
                await visitor.visit(f"/services/{LEAKS}?pincode=600020"),
                await visitor.visit("/services?pincode=600020"),
                booked,
                await asha.visit(f"{booked.path}/receipt"),
            ]
        for displayed in pages:
            assert "₹99.99" in displayed.text, displayed.path
            assert not re.search(r"₹99(?![.\d])", displayed.text), displayed.path
        async with story.database.work() as db:
            stored = text(
                "SELECT b.price, c.amount FROM bookings b JOIN charges c ON c.booking_id = b.id WHERE reference = :r"
            )
            assert (await db.execute(stored, {"r": booked.path.split("/")[2]})).one() == (99_99, 99_99)
    finally:
        await meena.submit_and_follow(await meena.visit(f"{admin_url}/edit"), "/edit", price="149")


@pytest.mark.parametrize("price", ["NaN", "-1", "1e9", "0.001"])
async def test_a_price_that_is_none_is_never_stored(story, meena, admin_url, price):
    page = await meena.visit(f"{admin_url}/edit")
    refused = await meena.submit(page, "/edit", price=price)
    assert refused.status == 422
    assert 'id="price-error"' in refused.text
    assert refused.form("/edit").fields["price"] == price
    async with story.database.work() as db:
        assert await db.scalar(text("SELECT price FROM services WHERE slug = :s"), {"s": LEAKS}) == 149_00


async def test_only_an_admin_sets_a_price(story, asha, ravi, admin_url):
    for item in (asha, ravi):
        for path in (f"{admin_url}/edit", f"{admin_url}/retirement", f"{admin_url}/removal", "/admin/services/new"):
            assert (await item.post_fields(path, {"price": "1"})).status == 403, path
    async with Person(story.app) as visitor:
        assert (await visitor.post_fields(f"{admin_url}/edit", {"price": "1"})).location.startswith("/login")
    async with story.database.work() as db:
        assert await db.scalar(text("SELECT price FROM services WHERE slug = :s"), {"s": LEAKS}) == 149_00
