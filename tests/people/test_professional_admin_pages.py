"""The admin table of professionals: filters, order, and decisions in the panel."""

import re

import pytest
from sqlalchemy import select

from app.catalog.service import Service
from app.people.professional_repository import NameMatches, ProfessionalFilter, Professionals, filtered_query
from app.scheduling.working_hours import OfferedService
from app.vetting import document_changes
from app.vetting.document_scan import ScannedDocument
from app.vetting.repository import Cases
from app.vetting.verification import CaseKind
from tests.factories import ADYAR, TAMBARAM, a_block, a_professional, a_service, an_admin
from tests.vetting.samples import a_picture

PIECE = {"hx-request": "true", "hx-request-type": "partial"}
PROFESSIONALS_URL = "/admin/professionals"
REASON = "The photo is too dark to see the face."


@pytest.fixture
async def people(scene, own_storage):
    """Unique names: Anbu is pending, Banu approved, Chitra denied, Devi blocked."""
    async with scene.database.work() as db:
        meena = await an_admin(db, "Meena Zachariah")
        kites, lamps = await a_service(db, "Mending kites"), await a_service(db, "Hanging lamps")
        made = {
            "Anbu": await a_professional(db, "Anbu Zachariah", approval="pending", pincodes=[ADYAR]),
            "Banu": await a_professional(
                db, "Banu Zachariah", services=[lamps], pincodes=[TAMBARAM, ADYAR], home=TAMBARAM
            ),
            "Chitra": await a_professional(db, "Chitra Zachariah", approval="denied", pincodes=[ADYAR]),
            "Devi": await a_professional(db, "Devi Zachariah", services=[lamps], pincodes=[ADYAR]),
        }
        await a_block(db, made["Devi"], meena)
        db.add(OfferedService(professional_id=made["Anbu"].id, service_id=kites.id, approval_status="pending"))
        document = ScannedDocument("permit.png", "image/png", a_picture(), [a_picture("JPEG")])
        await document_changes.submit_document(db, own_storage, made["Anbu"], made["Anbu"].id, "identity", document)
        await Cases(db).open(made["Anbu"].id, CaseKind.APPLICATION)
    browser = await scene.browser(meena)
    browser.user = meena
    return browser, made, {"kites": kites, "lamps": lamps}


def names(page) -> list[str]:
    """Of the rows, in their order."""
    rows = page.text.split('<tr id="professional-')[1:]
    return [re.search(r"data-opens>(\w+)", row)[1] for row in rows if "Zachariah" in row]


async def listed(me, **query):
    page = me._remember(await me.get(PROFESSIONALS_URL, params=query, headers=PIECE))
    assert page.status == 200, page.text
    assert "<html" not in page.text
    return names(page)


async def test_a_professional_is_found_by_name_phone_e_mail_pincode_service_and_approval(people):
    me, made, services = people
    banu = made["Banu"]
    assert await listed(me, q="banu zach") == ["Banu"]
    assert await listed(me, q=banu.phone) == ["Banu"]
    assert await listed(me, q=banu.phone[-4:], sort="name") == ["Banu"]
    assert await listed(me, q=banu.email.upper()) == ["Banu"]
    assert await listed(me, q=TAMBARAM) == ["Banu"]
    assert await listed(me, q=services["lamps"].name, sort="name") == ["Banu", "Devi"]
    assert await listed(me, q="mending kit") == ["Anbu"], "also what is only asked for"
    assert await listed(me, service=services["kites"].id) == ["Anbu"]
    assert await listed(me, pincode=TAMBARAM) == ["Banu"]
    assert await listed(me, q="z_chariah") == []


@pytest.mark.parametrize(
    ("state", "found"), [("waiting", "Anbu"), ("approved", "Banu"), ("denied", "Chitra"), ("blocked", "Devi")]
)
async def test_each_chip_shows_those_who_stand_so(people, state, found):
    me, _, _ = people
    assert await listed(me, q="zachariah", state=state) == [found]


async def test_who_is_approved_stays_so_while_a_change_waits(people, scene):
    me, made, services = people
    async with scene.database.work() as db:
        added = OfferedService(
            professional_id=made["Banu"].id, service_id=services["kites"].id, approval_status="pending"
        )
        db.add(added)
        await Cases(db).open(made["Banu"].id, CaseKind.CHANGE)
    page = await me.visit(f"{PROFESSIONALS_URL}?q=zachariah")
    rows = dict(zip(names(page), page.text.split('<tr id="professional-')[1:], strict=True))
    assert "Approved" in rows["Banu"]
    assert "1 change to check" in rows["Banu"]
    assert "Pending" not in rows["Banu"]
    assert "Pending" in rows["Anbu"]
    assert "change to check" not in rows["Anbu"]
    assert await listed(me, q="zachariah", state="approved") == ["Banu"]
    assert sorted(await listed(me, q="zachariah", state="waiting")) == ["Anbu", "Banu"]


async def test_the_queue_comes_first_and_each_order_is_an_address(people):
    me, _, _ = people
    assert (await listed(me, q="zachariah"))[0] == "Anbu"
    assert await listed(me, q="zachariah", sort="name") == ["Anbu", "Banu", "Chitra", "Devi"]
    assert await listed(me, q="zachariah", sort="-name") == ["Devi", "Chitra", "Banu", "Anbu"]
    for order in ("area", "jobs", "rating", "since", "state", "-area", "-jobs", "-rating", "-since", "banana"):
        assert sorted(await listed(me, q="zachariah", sort=order)) == ["Anbu", "Banu", "Chitra", "Devi"], order


@pytest.mark.parametrize("query", [{"service": "banana"}, {"service": "9" * 30}, {"pincode": "'; --"}, {"state": "no"}])
async def test_nonsense_in_the_address_is_no_error(people, query):
    me, _, _ = people
    assert me._remember(await me.get(PROFESSIONALS_URL, params=query)).status == 200


async def test_a_record_is_a_page_of_its_own_and_a_panel_beside_the_table(people):
    me, made, _ = people
    address = f"{PROFESSIONALS_URL}/{made['Anbu'].id}"
    page = await me.visit(f"{address}?q=zachariah")
    assert page.status == 200
    assert "<h1>" in page.text
    assert names(page) != [], "the table stands beside it"
    assert "/preview?page=1" in page.text
    piece = me._remember(await me.get(address, headers=PIECE))
    assert "<html" not in piece.text
    assert len(piece.form("/approval").choices["checked"]) == 5
    for tab in ("services", "person", "history"):
        assert (await me.visit(f"{address}?tab={tab}")).status == 200, tab


async def test_only_professionals_stand_here(people, scene):
    me, _, _ = people
    for person in (scene.asha.id, me.user.id, 2**62, 0):
        assert (await me.visit(f"{PROFESSIONALS_URL}/{person}")).status == 404


async def test_approving_renders_the_panel_and_the_row_again(people):
    me, made, _ = people
    address = f"{PROFESSIONALS_URL}/{made['Anbu'].id}"
    form = (await me.visit(address)).form("/approval")
    sent = form.fields | {"checked": form.choices["checked"]}
    answer = me._remember(await me.post(f"{address}/approval", data=sent, headers=PIECE))
    assert answer.status == 200, answer.text
    assert f'hx-target="#professional-{made["Anbu"].id}"' in answer.text
    assert "<html" not in answer.text
    assert await listed(me, q="anbu zach", state="approved") == ["Anbu"]


async def test_the_contracts_bare_post_approves(people):
    me, made, _ = people
    address = f"{PROFESSIONALS_URL}/{made['Anbu'].id}"
    answer = await me.post_fields(f"{address}/approval", {})
    assert answer.status == 303, answer.text
    assert await listed(me, q="anbu zach", state="approved") == ["Anbu"]
    assert (await me.post_fields(f"{address}/approval", {})).status == 409


async def test_the_contracts_bare_post_denies_with_a_reason_only(people):
    me, made, _ = people
    address = f"{PROFESSIONALS_URL}/{made['Anbu'].id}"
    assert (await me.post_fields(f"{address}/denial", {})).status == 422
    assert (await me.post_fields(f"{address}/denial", {"reason": " "})).status == 422
    assert (await me.post_fields(f"{address}/denial", {"reason": REASON})).status == 303
    assert REASON in (await me.visit(address)).text


async def test_what_was_ticked_and_typed_stays_when_the_form_is_refused(people):
    me, made, _ = people
    page = await me.visit(f"{PROFESSIONALS_URL}/{made['Anbu'].id}")
    ticked = me._remember(
        await me.post(
            f"{PROFESSIONALS_URL}/{made['Anbu'].id}/approval",
            data=page.form("/approval").fields | {"checked": ["name"]},
        )
    )
    assert ticked.status == 422
    assert ticked.form("/approval").fields["checked"] == "name"
    assert "1 of 5" in ticked.text


async def test_no_one_else_decides(people, scene):
    _, made, _ = people
    for person in (scene.asha, scene.ravi, made["Anbu"]):
        browser = await scene.browser(person)
        for action in ("approval", "denial"):
            answer = await browser.post_fields(f"{PROFESSIONALS_URL}/{made['Anbu'].id}/{action}", {"reason": REASON})
            assert answer.status == 403, (person.full_name, action)


@pytest.mark.parametrize(
    "q", ["zachariah", "hanging lamp", "mending kites", "tambaram", TAMBARAM, ADYAR, "z_char", "9"]
)
async def test_many_are_found_row_by_row_as_few_are_found_by_index(people, scene, q):
    async with scene.database.work() as db:
        professionals, filters = Professionals(db), ProfessionalFilter(q)
        services = (await db.scalars(select(Service.id).where(Service.name.icontains(q)))).all()
        query = (
            NameMatches(q, None, services),
            NameMatches(q, (await db.scalars(filtered_query(filters).order_by(None))).all()),
        )
        pages = [
            await professionals.list_page(filters, item, sort="name", descending=False, after="") for item in query
        ]
        matches = await professionals.match_words(q)
        result = await professionals.list_page(filters, matches, sort="name", descending=False, after="")
    assert [row.id for row in pages[0].items] == [row.id for row in pages[1].items] == [row.id for row in result.items]
    assert pages[0].total == pages[1].total == result.total
    assert bool(result.items) == (q != "z_char")


async def test_two_characters_are_enough(people):
    me, _, _ = people
    assert "Banu" in await listed(me, q="za", sort="name")
