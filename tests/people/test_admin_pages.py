"""The admin tables of customers and admins: filters in the URL, and the actions of the panel."""

import pytest

from app.core import clock
from tests.factories import BESANT_NAGAR, a_block, a_customer, an_admin

PIECE = {"hx-request": "true"}


@pytest.fixture
async def people(scene):
    """Customers with unique names in the shared database."""
    async with scene.database.work() as db:
        meena = await an_admin(db, "Meena Zachariah")
        made = {
            name: await a_customer(db, f"{name} Zachariah", pincode=BESANT_NAGAR)
            for name in ("Anbu", "Banu", "Chitra", "Devi 100%")
        }
        await a_block(db, made["Chitra"], meena)
    browser = await scene.browser(meena)
    browser.user = meena
    return browser, made


def names(page) -> list[str]:
    """Of the rows, in their order."""
    rows = page.text.split('<tr id="customer-')[1:]
    return [row.split("data-opens>")[1].split("<")[0].split()[0] for row in rows]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("zachariah", ["Anbu", "Banu", "Chitra", "Devi"]),
        ("BANU ZACH", ["Banu"]),
        ("anu zachariah", ["Banu"]),
        ("100%", ["Devi"]),
        ("z_chariah", []),
        ("%zachariah", []),
        ("nobody at all", []),
    ],
)
async def test_a_customer_is_found_by_any_part_of_the_name(people, q, found):
    me, _ = people
    answer = await me.get("/admin/customers", params={"q": q, "sort": "name"}, headers=PIECE)
    page = me._remember(answer)
    assert (page.status, names(page)) == (200, found)


async def test_a_customer_is_found_by_e_mail_phone_and_pincode(people):
    me, made = people
    banu = made["Banu"]
    for q in (banu.email.upper(), banu.email.split("@")[0], banu.phone, banu.phone[-5:]):
        page = me._remember(await me.get("/admin/customers", params={"q": q}))
        assert "Banu" in names(page), q
    page = me._remember(await me.get("/admin/customers", params={"q": BESANT_NAGAR, "sort": "name"}))
    assert {"Anbu", "Banu", "Chitra", "Devi"} <= set(names(page))


async def test_filters_and_order_stand_in_the_address(people):
    me, _ = people
    params = {"q": "zachariah", "state": "blocked"}
    assert names(me._remember(await me.get("/admin/customers", params=params))) == ["Chitra"]
    for sort, first in (("name", "Anbu"), ("-name", "Devi")):
        page = me._remember(await me.get("/admin/customers", params={"q": "zachariah", "sort": sort}))
        assert names(page)[0] == first
        assert f'aria-sort="{"descending" if sort[0] == "-" else "ascending"}"' in page.text


async def test_a_piece_for_htmx_and_the_whole_page_for_everyone_else(people):
    me, made = people
    banu = f"/admin/customers/{made['Banu'].id}?q=zachariah"
    piece, whole = await me.get(banu, headers=PIECE), await me.get(banu)
    assert "<html" not in piece.text
    assert 'id="list"' not in piece.text
    assert f'id="customer-{made["Anbu"].id}"' in whole.text
    assert "data-selected" in whole.text
    assert "<h1>Customers</h1>" in whole.text


async def test_blocking_in_the_panel_draws_the_panel_and_its_row_and_nothing_else(people):
    me, made = people
    banu = made["Banu"]
    path = f"/admin/customers/{banu.id}/block?q=zachariah"
    form = me._remember(await me.get(path, headers=PIECE))
    assert "<html" not in form.text
    assert "No open bookings are affected." in form.text
    fields = form.form("/block").fields
    rejected = me._remember(await me.post(path, data=fields | {"reason": " "}, headers=PIECE))
    assert (rejected.status, "reason-error" in rejected.text) == (422, True)
    done = me._remember(await me.post(path, data=fields | {"reason": "Never at home, five times."}, headers=PIECE))
    assert done.status == 200, done.text
    assert done.response.headers["hx-replace-url"] == f"/admin/customers/{banu.id}?q=zachariah&tab=history"
    assert "Banu Zachariah is blocked." in done.text
    assert "Never at home, five times." in done.text
    assert f'<hx-partial hx-target="#customer-{banu.id}"' in done.text
    assert "Anbu" not in done.text
    assert "Kasturba" not in done.text
    path = path.replace("/block", "/unblock")
    form = me._remember(await me.get(path, headers=PIECE))
    fields = form.form("/unblock").fields | {"reason": "A mistake."}
    reopened = me._remember(await me.post(path, data=fields, headers=PIECE))
    assert "Banu Zachariah is unblocked." in reopened.text


async def test_without_javascript_the_table_is_still_as_it_was_after_blocking(people):
    me, made = people
    anbu = made["Anbu"]
    page = await me.visit(f"/admin/customers/{anbu.id}/block?q=zachariah&sort=name")
    sent = await me.submit(page, "/block", reason="Never at home, five times.")
    assert (sent.status, sent.location) == (303, f"/admin/customers/{anbu.id}?q=zachariah&sort=name")
    assert names(await me.visit(sent.location)) == ["Anbu", "Banu", "Chitra", "Devi"]


async def test_an_admin_is_blocked_beside_the_table_of_admins(scene, people):
    me, _ = people
    async with scene.database.work() as db:
        other = await an_admin(db, "Lekha Zachariah")
    path = f"/admin/admins/{other.id}/block?q=zachariah"
    form = me._remember(await me.get(path, headers=PIECE))
    done = me._remember(
        await me.post(path, data=form.form("/block").fields | {"reason": "Left the company."}, headers=PIECE)
    )
    assert f'<hx-partial hx-target="#admin-{other.id}"' in done.text
    assert done.response.headers["hx-replace-url"] == f"/admin/admins/{other.id}?q=zachariah"
    listed = await me.visit("/admin/admins?q=zachariah")
    assert f'id="admin-{other.id}"' in listed.text
    assert f'id="admin-{me.user.id}"' in listed.text
    own = await me.visit(f"/admin/admins/{me.user.id}")
    assert "This is you." in own.text
    assert not [form for form in own.forms if form.action.endswith("/demotion")]


async def test_the_history_says_who_did_it_and_keeps_the_reason(people):
    me, made = people
    devi = made["Devi 100%"]
    page = await me.visit(f"/admin/customers/{devi.id}/block")
    await me.submit(page, "/block", reason="Never at home, five times.")
    response = await me.visit(f"/admin/customers/{devi.id}?tab=history")
    assert "Meena Zachariah blocked the account." in response.text
    assert "Never at home, five times." in response.text


async def test_pages_by_key_are_the_whole_list_once(scene, people):
    me, _ = people
    async with scene.database.work() as db:
        for n in range(23):
            first = await a_customer(db, f"Quentin{n:02d} Yesudas")
            first.created_at = clock.now()
    visited, url = [], "/admin/customers?q=yesudas"
    while url:
        page = await me.visit(url)
        visited += names(page)
        url = next(
            (link for link in page.links if "after=" in link and f"{link}" != url and "/admin/customers?" in link), ""
        )
        assert len(visited) <= 23, visited
    assert sorted(visited) == [f"Quentin{n:02d}" for n in range(23)]


async def test_a_professional_is_blocked_beside_the_table_of_professionals(scene, people):
    me, _ = people
    path = f"/admin/professionals/{scene.ravi.id}/block?q=ravi"
    form = me._remember(await me.get(path, headers=PIECE))
    fields = form.form("/block").fields | {"reason": "Requested more money."}
    done = me._remember(await me.post(path, data=fields, headers=PIECE))
    assert f'<hx-partial hx-target="#professional-{scene.ravi.id}"' in done.text
    assert done.response.headers["hx-replace-url"] == f"/admin/professionals/{scene.ravi.id}?q=ravi"
    assert "Requested more money." in done.text
    panel = await me.visit(f"/admin/professionals/{scene.ravi.id}?q=ravi")
    assert f"/admin/professionals/{scene.ravi.id}/unblock?q=ravi" in panel.links
