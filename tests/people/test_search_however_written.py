"""People and bookings are found however a phone, a name or a reference is written, on every table and by the API."""

from urllib.parse import urlencode

import pytest
from sqlalchemy import text

from app.accounts.user import User
from app.core.sql import fetch
from app.people import customer_repository, professional_repository
from app.people.customer_repository import CustomerFilter
from app.people.professional_repository import ProfessionalFilter, Professionals
from tests.factories import an_admin

JOSE, BO, DSOUZA = "Jos\u00e9 A\u00f1ez", "Bo S\u00f6derstr\u00f6m", "Meena D\u2019Souza"
PHONES = [
    "+91 98401 543{}",
    "98401 543{}",
    "098401543{}",
    "98401-543{}",
    "९८४०१ ५४३{}",
    "0091 98401\u00a0543{}",
    "401543{}",
]
PARTS = {"JOSE": "21", "BO": "22", "DSOUZA": "23"}
SEARCHES = {
    "JOSE": [JOSE, "Jose\u0301 An\u0303ez", "jose anez", "JOSE ANEZ", "Jos\u00e9\u00a0 Anez", "anez"],
    "BO": [BO, "Soderstrom", "s\u00f6derstrom", "So\u0308derstro\u0308m", "bo soder"],
    "DSOUZA": [DSOUZA, "D'Souza", "d\u2018souza", "D`Souza", "meena d\u00b4souza"],
}
TABLES = {
    "JOSE": ["/admin/customers?q={}", "/admin/bookings?q={}", "/admin/events?q={}"],
    "BO": ["/admin/professionals?q={}", "/admin/bookings?q={}", "/admin/events?q={}", "/admin/reports?who={}"],
    "DSOUZA": ["/admin/admins?q={}"],
}
NAMES = {"JOSE": JOSE, "BO": BO, "DSOUZA": DSOUZA}
PEOPLE_TABLES = ("/admin/customers", "/admin/professionals", "/admin/admins")
BY_NAME = "SELECT id FROM users WHERE search_text LIKE lower($1)"


@pytest.fixture
async def meena(scene):
    """The admin; José booked, and Bo accepted the job."""
    async with scene.database.work() as db:
        admin = await an_admin(db, DSOUZA)
        for user, name in ((scene.asha, JOSE), (scene.ravi, BO), (admin, DSOUZA)):
            part = next(part for key, part in PARTS.items() if NAMES[key] == name)
            user.full_name, user.phone = name, f"+919840154{300 + int(part)}"
            db.add(user)
    asha = await scene.browser(scene.asha)
    scene.reference = await scene.paid(asha)
    await scene.accepted(scene.reference)
    return await scene.browser(admin)


async def shown(browser, path: str, typed: str) -> str:
    page = await browser.visit(path.format(urlencode({"": typed})[1:]))
    assert page.status == 200, path
    return page.text


def rows_of(path: str, html: str) -> int:
    kind = {"/admin/customers": "customer-", "/admin/professionals": "professional-", "/admin/admins": "admin-"}.get(
        path.split("?")[0], "booking-"
    )
    return html.count(f'<tr id="{kind}')


@pytest.mark.parametrize("person", PARTS)
async def test_a_person_is_found_by_name_and_phone_on_each_table(scene, meena, person):
    for path in TABLES[person]:
        for typed in [*SEARCHES[person], *(phone.format(PARTS[person]) for phone in PHONES)]:
            html = await shown(meena, path, typed)
            escaped = NAMES[person].replace("'", "&#39;")
            assert escaped in html, (path, typed)
            if path.split("?")[0] in PEOPLE_TABLES:
                assert rows_of(path, html) == 1, (path, typed)
        if path.split("?")[0] in PEOPLE_TABLES:
            assert rows_of(path, await shown(meena, path, "98401 54399")) == 0


async def test_a_booking_is_found_by_its_reference_as_it_is_dictated(scene, meena):
    reference = scene.reference
    dictated = [
        reference.lower(),
        f"{reference[:4]} {reference[4:]}",
        f"#{reference[:4]}-{reference[4:]}",
        reference.replace("0", "O").replace("1", "I"),
        f"\u200b{reference}\u00a0",
    ]
    for typed in dictated:
        assert rows_of("", await shown(meena, "/admin/bookings?q={}", typed)) == 1, typed
        assert "accepted the job" in await shown(meena, "/admin/events?record={}", typed), typed
    for address in ("/admin/bookings/{}", "/bookings/{}"):
        browser = meena if "admin" in address else scene.people[0]
        assert reference in await shown(browser, address, dictated[1].replace(" ", "-"))


@pytest.mark.parametrize("typed", ["Soderstrom", "098401 54322", "+91 98401 54322"])
async def test_the_api_and_exports_find_a_person_however_written(scene, meena, typed):
    async with scene.database.work() as db:
        matches = await Professionals(db).match_words(typed)
        exported = professional_repository.filtered_query(ProfessionalFilter(typed)).with_only_columns(User.id)
        assert list(matches.ids) == list(await db.scalars(exported)) == [scene.ravi.id]
        customer = "Anez" if typed == "Soderstrom" else f"{typed[:-1]}1"
        customers = customer_repository.filtered_query(CustomerFilter(customer)).with_only_columns(User.id)
        assert list(await db.scalars(customers)) == [scene.asha.id]


async def test_a_search_for_a_person_uses_an_index(scene, meena):
    async with scene.database.work() as db:
        await db.execute(text("SET LOCAL enable_seqscan = off"))
        for typed in ("%soderstrom%", "%9840154322%"):
            plan = await fetch(db, f"EXPLAIN {BY_NAME}", typed)
            assert "users_search_text_idx" in "".join(row[0] for row in plan)
