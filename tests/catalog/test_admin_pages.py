"""The admin's catalogue pages, without JavaScript and with HTMX: table, panel, form, preview, categories."""

import re

import pytest
from sqlalchemy import text

from app.catalog import service_changes
from app.catalog.repository import CatalogueRepository
from tests.catalog.drafts import a_form, redrafted
from tests.factories import ADYAR, a_customer, a_hold, a_professional, a_request, a_service, a_start, an_admin
from tests.person import Page, Person

AS_HTMX = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.fixture
async def meena(app, browser_of):
    async with app.state.services.database.work() as db:
        admin = await an_admin(db)
    return await browser_of(admin)


@pytest.fixture
async def service(app):
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        return await a_service(db, "Mending a kite")


async def opened(meena):
    """The form of a new service, and a category to choose."""
    page = await meena.visit("/admin/services/new")
    choices = page.form("/admin/services/new").choices["category_id"]
    return page, next(choice for choice in choices if choice)


def rows_of(page):
    return re.findall(r'<tr id="service-(\d+)"', page.text)


async def test_a_service_is_made_by_a_plain_form_and_seen_on_the_next_request(app, meena, service):
    page, category = await opened(meena)
    async with Person(app) as visitor:
        assert (await visitor.visit("/services/kite-surgery")).status == 404
        assert "Kite surgery" not in (await visitor.visit("/services?q=kite+surgery")).text
        made = await meena.submit_and_follow(page, "/new", **a_form(category, name="Kite surgery", price="₹99.99"))
        assert "Kite surgery" in made.text
        assert "₹99.99" in made.text
        displayed = await visitor.visit("/services/kite-surgery")
        assert "₹99.99" in displayed.text
        assert "Testing the water" in displayed.text


@pytest.mark.parametrize("price", ["NaN", "inf", "−1", "-1", "1e9", "0.001", "free", "１४x", "1,23", "", "149.999"])
async def test_a_bad_price_is_shown_beside_its_field_and_everything_typed_is_kept(meena, service, price):
    page, category = await opened(meena)
    typed = a_form(category, name="Kite rescue", price=price)
    refused = await meena.submit(page, "/new", **typed)
    assert refused.status == 422
    assert 'id="price-error"' in refused.text
    assert refused.text.count("field__error") == 1
    rendered = refused.form("/new").fields
    assert {name: rendered[name] for name in typed} == typed


async def test_questions_are_typed_into_rows_and_another_row_is_a_button(app, meena, service):
    page, category = await opened(meena)
    typed = a_form(
        category, name="Kite testing", parts="Glue is brought along.", preparation="Wait for wind", guarantee="14 days."
    )
    typed |= {"question_1": "Does it fly?", "answer_1": "Yes.", "question_2": "How high?", "answer_2": ""}
    fields = page.form("/new").fields | typed
    assert "question_3" not in fields
    for headers in ({}, AS_HTMX):
        more = await meena.post("/admin/services/preview", data=fields | {"add": "question"}, headers=headers)
        assert more.status_code == 200
        assert 'name="question_4"' in more.text
        assert 'name="question_5"' not in more.text
        assert "Does it fly?" in more.text
        assert "field__error" not in more.text
        assert ("<html" in more.text) is not bool(headers)
    refused = await meena.submit(page, "/new", **typed)
    assert refused.status == 422
    assert 'id="answer_2-error"' in refused.text
    made = await meena.submit_and_follow(refused, "/new", answer_2="As far as the string goes.")
    assert made.status == 200
    async with Person(app) as visitor:
        displayed = await visitor.visit("/services/kite-testing")
        for words in ("Glue is brought along.", "Wait for wind", "14 days.", "Does it fly?", "As far as the string"):
            assert words in displayed.text
        assert displayed.text.count("<details") >= 4


async def test_the_preview_shows_card_and_page_before_anything_is_kept(app, meena, service):
    page, category = await opened(meena)
    target = page.form("/new")
    typed = a_form(category, name="Kite schooling", price="1,49,900.50")
    preview = await meena.post("/admin/services/preview", data=target.fields | typed)
    assert preview.status_code == 200
    assert preview.text.count("₹1,49,900.50") == 2  # on the card and on the page
    assert "<form" in preview.text  # a plain browser goes on typing
    alone = await meena.post("/admin/services/preview", data=target.fields | typed, headers=AS_HTMX)
    assert "<form" not in alone.text
    assert "Kite schooling" in alone.text
    half = await meena.post("/admin/services/preview", data=target.fields | typed | {"price": "1."}, headers=AS_HTMX)
    assert half.status_code == 200
    unreadable = await meena.post("/admin/services/preview", data=target.fields | {"name": "Kite"}, headers=AS_HTMX)
    assert unreadable.status_code == 200
    assert "once name, category, price" in unreadable.text
    async with app.state.services.database.work() as db:
        assert await db.scalar(text("SELECT count(*) FROM services WHERE name = 'Kite schooling'")) == 0


async def test_a_look_at_the_preview_on_the_way_loses_nothing(app, meena, service):
    page = await meena.visit(f"/admin/services/{service.id}/edit?q=kite")
    typed = page.form("/edit").fields | {"price": "188.80", "terms_en": "kite, string"}
    preview = Page(await meena.post("/admin/services/preview?q=kite", data=typed))
    saved = await meena.submit_and_follow(preview, "/edit")
    assert saved.path == f"/admin/services/{service.id}?q=kite"
    async with app.state.services.database.work() as db:
        stored = await CatalogueRepository(db).service(service.id)
        assert stored.price == 188_80
        assert (await CatalogueRepository(db).service_draft(stored)).terms_en == ["kite", "string"]


async def test_what_is_dangerous_in_html_is_words_in_the_preview(meena, service):
    page, category = await opened(meena)
    typed = a_form(category, name="<script>alert(1)</script> kites", description='"><img src=x onerror=alert(1)>')
    preview = await meena.post("/admin/services/preview", data=page.form("/new").fields | typed)
    assert "<script>alert" not in preview.text
    assert "<img src=x" not in preview.text


async def test_the_second_of_two_admins_reads_what_changed_and_loses_nothing(app, meena, service, browser_of):
    async with app.state.services.database.work() as db:
        other = await an_admin(db, "Kiran Rao")
    kiran = await browser_of(other)
    hers, his = [await item.visit(f"/admin/services/{service.id}/edit") for item in (meena, kiran)]
    await meena.submit_and_follow(hers, "/edit", price="199", minutes="90")
    page = await kiran.submit(his, "/edit", price="249", description="It flies again.")
    assert page.status == 409
    assert "Meena Iyer changed it from ₹149 to ₹199" in page.text
    assert "from 60 minutes to 90 minutes" in page.text
    rendered = page.form("/edit").fields
    assert (rendered["price"], rendered["minutes"], rendered["description"]) == ("249", "90", "It flies again.")
    await kiran.submit_and_follow(page, "/edit")
    async with app.state.services.database.work() as db:
        stored = await CatalogueRepository(db).service(service.id)
    assert (stored.price, stored.minutes, stored.description) == (249_00, 90, "It flies again.")


async def test_a_service_retired_meanwhile_does_not_stop_who_writes_about_it(app, meena, service):
    page = await meena.visit(f"/admin/services/{service.id}/edit")
    await meena.submit_and_follow(await meena.visit(f"/admin/services/{service.id}/retirement"), "/retirement")
    await meena.submit_and_follow(page, "/edit", description="It flew.")
    async with app.state.services.database.work() as db:
        stored = await CatalogueRepository(db).service(service.id)
    assert stored.retired_at is not None
    assert stored.description == "It flew."


async def test_the_table_says_in_its_address_what_it_shows(app, meena):
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        made = [await a_service(db, f"Zeppelin {n}", price=(100 + n) * 100, minutes=30 + n) for n in range(23)]
        await a_professional(db, services=made)
        await a_request(db, await a_customer(db), made[4], pincode=ADYAR)
        await service_changes.retire(db, await an_admin(db), made[7].id)
    ids = [str(item.id) for item in made]
    first = await meena.visit("/admin/services?q=zeppelin&sort=price")
    assert rows_of(first) == ids[:20]
    assert "1–20 of 23" in first.text
    next_url = next(link for link in first.links if "after=" in link and "/admin/services?" in link)
    rest = await meena.visit(next_url)
    assert rows_of(rest) == ids[20:]
    assert "21–23 of 23" in rest.text
    assert rows_of(await meena.visit("/admin/services?q=zeppelin&sort=-price"))[0] == ids[-1]
    assert rows_of(await meena.visit("/admin/services?q=zeppelin&sort=-bookings"))[0] == ids[4]
    assert rows_of(await meena.visit("/admin/services?q=zeppelin&state=retired")) == [ids[7]]
    assert len(rows_of(await meena.visit("/admin/services?q=zeppelin&state=offered&sort=rating"))) == 20
    assert rows_of(await meena.visit("/admin/services?q=zeppelin+11")) == [ids[11]]
    assert rows_of(await meena.visit("/admin/services?q=%25")) == []
    for sort in ("name", "minutes", "since", "-rating", "nonsense"):
        assert (await meena.visit(f"/admin/services?sort={sort}")).status == 200


async def test_every_row_is_reached_by_pressing_next_in_every_order(app, meena):
    async with app.state.services.database.work() as db:
        made = {str((await a_service(db, "Quern", price=150_00)).id) for _ in range(41)}
    for sort in ("name", "-name", "price", "-minutes", "bookings", "-rating", "since"):
        address, visited = f"/admin/services?q=quern&sort={sort}", []
        while address:
            page = await meena.visit(address)
            visited += rows_of(page)
            address = next((link for link in page.links if "after=" in link and "/admin/services?" in link), "")
        assert sorted(visited) == sorted(made), sort


async def test_htmx_gets_the_piece_that_it_requested(meena, service):
    assert (await meena.visit("/admin/services", **AS_HTMX)).text.lstrip().startswith('<section id="list"')
    panel = (await meena.visit(f"/admin/services/{service.id}", **AS_HTMX)).text
    assert "panel__head" in panel
    assert 'id="list"' not in panel
    whole = (await meena.visit(f"/admin/services/{service.id}")).text
    assert 'id="list"' in whole
    assert "panel__head" in whole


@pytest.mark.parametrize("tab", ["", "prices", "bookings", "history", "nonsense"])
async def test_each_tab_of_the_panel_is_an_address(meena, service, tab):
    assert (await meena.visit(f"/admin/services/{service.id}?tab={tab}")).status == 200


async def test_the_panel_shows_the_history_of_prices_and_open_bookings_at_their_own_price(app, meena, service):
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        await a_professional(db, services=[service])
        booking = await a_request(db, await a_customer(db), service)
    page = await meena.visit(f"/admin/services/{service.id}/edit")
    await meena.submit_and_follow(page, "/edit", price="299.50")
    prices = (await meena.visit(f"/admin/services/{service.id}?tab=prices")).text
    assert "₹299.50" in prices
    assert "was ₹149" in prices
    bookings = (await meena.visit(f"/admin/services/{service.id}?tab=bookings")).text
    assert booking.reference in bookings
    assert "agreed price" in bookings


async def test_an_action_with_htmx_draws_panel_and_row_again(meena, service):
    confirmation = await meena.visit(f"/admin/services/{service.id}/retirement", **AS_HTMX)
    form = confirmation.form("/retirement")
    done = await meena.post(form.action, data=form.fields, headers=AS_HTMX)
    assert done.status_code == 200
    assert done.headers["hx-replace-url"] == f"/admin/services/{service.id}"
    assert "Retired" in done.text
    assert f'<hx-partial hx-target="#service-{service.id}"' in done.text
    assert re.search(r'<form[^>]+action="[^"]*/return"', done.text)


async def test_what_was_booked_is_not_deleted_and_what_was_not_is(app, meena, service):
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        await a_professional(db, services=[service])
        await a_request(db, await a_customer(db), service)
        other = await a_service(db, "Winding clocks")
    refused = await meena.post_fields(f"/admin/services/{service.id}/removal", {})
    assert refused.status == 409
    assert "This service has bookings" in refused.text
    removed = await meena.submit_and_follow(await meena.visit(f"/admin/services/{other.id}/removal"), "/removal")
    assert "Service deleted" in removed.text
    assert (await meena.visit(f"/admin/services/{other.id}")).status == 404


async def test_a_door_is_made_moved_and_taken_out(app, meena):
    page = await meena.visit("/admin/services/categories/new")
    made = await meena.submit_and_follow(
        page, "/new", name="Kite repair", short_name="Kites", drawing="painting", position="1"
    )
    assert "Kite repair" in made.text
    async with Person(app) as visitor:
        category_tiles = re.findall(r'<a class="category-tile" href="([^"]+)"', (await visitor.visit("/")).text)
        assert category_tiles[0].startswith("/services?category=kite-repair")
        number = next(link for link in made.links if re.fullmatch(r"/admin/services/categories/\d+", link))
        position = min(len(category_tiles), 9)
        later = await meena.submit_and_follow(
            await meena.visit(number), number, position=str(position), having="position"
        )
        assert later.status == 200
        category_tiles = re.findall(r'<a class="category-tile" href="([^"]+)"', (await visitor.visit("/")).text)
        assert category_tiles[position - 1].startswith("/services?category=kite-repair")
        await meena.submit_and_follow(await meena.visit(f"{number}/retirement"), "/retirement")
        assert "kite-repair" not in (await visitor.visit("/")).text
    await meena.submit_and_follow(await meena.visit(f"{number}/retirement"), "/removal")
    assert (await meena.visit(number)).status == 404


async def test_addresses_of_nothing_are_nothing(meena):
    for number in ("999999999", "9" * 40, "0"):
        for path in (
            f"/admin/services/{number}",
            f"/admin/services/{number}/edit",
            f"/admin/services/categories/{number}",
        ):
            assert (await meena.visit(path)).status == 404, path
    assert (await meena.visit("/admin/services?after=nonsense")).status == 404


async def test_a_new_word_leads_to_the_service_on_the_very_next_search(app, meena, service):
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        await a_professional(db, services=[service])
    async with Person(app) as visitor:
        assert service.name not in (await visitor.visit("/services?q=patangudoori&pincode=600020")).text
        page = await meena.visit(f"/admin/services/{service.id}/edit")
        await meena.submit_and_follow(page, "/edit", terms_ta="பட்டம்", terms_translit="patangudoori")
        for expected_text in ("patangudoori", "பட்டம்", "pattam"):
            assert service.name in (await visitor.visit(f"/services?q={expected_text}&pincode=600020")).text, (
                expected_text
            )


async def test_the_words_of_a_conflict_stay_right_when_the_rest_is_typed_alike(app, meena, service):
    """Both typed the same price: no conflict."""
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        admin = await an_admin(db)
        stored = await CatalogueRepository(db).service(service.id)
        page = await meena.visit(f"/admin/services/{service.id}/edit")
        await service_changes.edit(db, admin, service.id, await redrafted(db, stored, price="199"), stored.event_count)
    await meena.submit_and_follow(page, "/edit", price="199.00", minutes="75")


async def test_the_number_of_bookings_leads_to_as_many_bookings(app, meena, service):
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        await a_professional(db, services=[service])
        for days in (1, 2, 3):
            await a_request(db, await a_customer(db), service, a_start(days))
        await a_hold(db, await a_customer(db), service, a_start(4))
    panel = await meena.visit(f"/admin/services/{service.id}")
    assert 'Open bookings <span class="chip__count">3<' in panel.text
    address, content = re.search(rf'<a href="(/admin/bookings\?service={service.id})">(\d+)<', panel.text).groups()
    bookings = await meena.visit(address)
    assert content == "4"
    assert "1–4 of 4" in bookings.text
    row = (await meena.visit("/admin/services?q=kite&sort=-bookings")).text
    assert re.search(rf'<tr id="service-{service.id}".*?>4</td>', row, re.S)
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        await a_hold(db, await a_customer(db), service, a_start(5))
    row = (await meena.visit("/admin/services?q=kite&sort=-bookings")).text
    assert re.search(rf'<tr id="service-{service.id}".*?>5</td>', row, re.S)


async def test_the_table_says_how_many_professionals_offer_a_service(meena):
    page, category = await opened(meena)
    await meena.submit(page, "/new", **a_form(category, name="Parrot grooming"))
    listed = await meena.visit("/admin/services?q=parrot grooming")
    assert len(rows_of(listed)) == 1
    assert "Offered by 0" in listed.text
