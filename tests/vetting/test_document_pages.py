"""Uploading and reading documents, and who may."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.accounts.user import Role
from app.core import clock
from app.core.events import Event
from app.vetting.document import Document
from tests.factories import a_customer, a_professional, a_user
from tests.vetting.samples import a_pdf, a_photo, a_picture, on_disk


async def send(browser, content, name="identity.pdf", **fields):
    token = await browser.token()
    return await browser.post(
        "/documents",
        data={"kind": "identity", "_csrf_token": token} | fields,
        files={"document": (name, content, "application/pdf")},
    )


async def documents_of(database, user):
    async with database.work() as db:
        query = select(Document).where(Document.professional_id == user.id).order_by(Document.id)
        return (await db.scalars(query)).all()


async def facts_of(database, document, name):
    async with database.work() as db:
        query = select(Event).where(Event.subject == f"document-{document.id}", Event.name == name)
        return (await db.scalars(query.order_by(Event.seq))).all()


async def test_a_professional_sends_a_document_and_downloads_it(ravis, ravi, app_database, storage):
    answer = await send(ravis, a_pdf(2))
    assert (answer.status_code, answer.headers["location"]) == (303, "/documents")
    [document] = await documents_of(app_database, ravi)
    assert (document.state, document.kind, document.pages, document.name) == (
        "submitted",
        "identity",
        2,
        "identity.pdf",
    )
    got = await ravis.get(f"/documents/{document.id}")
    assert got.content == await storage.read(document.stored_as)
    assert len(got.content) == document.size
    page = await ravis.visit("/documents")
    assert "In review" in page.text
    assert f"/documents/{document.id}/preview?page=2" in page.text


async def test_a_file_goes_out_as_an_attachment_that_can_do_nothing(ravis, ravi, app_database):
    await send(ravis, a_picture(), "<b>.png")
    [document] = await documents_of(app_database, ravi)
    headers = (await ravis.get(f"/documents/{document.id}")).headers
    assert headers["content-disposition"] == f'attachment; filename="identity-{document.id}.png"'
    assert headers["content-type"] == "image/png"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["cache-control"] == "no-store"


async def test_each_page_is_shown_as_a_picture_of_ours(ravis, ravi, app_database):
    await send(ravis, a_pdf(2))
    [document] = await documents_of(app_database, ravi)
    for number in (1, 2):
        got = await ravis.get(f"/documents/{document.id}/preview?page={number}")
        assert got.headers["content-type"] == "image/jpeg"
        assert got.content.startswith(b"\xff\xd8\xff")
        assert "sandbox" in got.headers["content-security-policy"]
    for invalid in ("0", "3", "-1", "x", "1e3", "../1", "9" * 30):
        assert (await ravis.get(f"/documents/{document.id}/preview", params={"page": invalid})).status_code == 404


async def test_every_download_and_every_look_is_an_event(ravis, meenas, meena, ravi, app_database):
    await send(ravis, a_pdf(2))
    [document] = await documents_of(app_database, ravi)
    await ravis.get(f"/documents/{document.id}")
    await ravis.get(f"/documents/{document.id}")
    for number in (1, 2):
        await meenas.get(f"/documents/{document.id}/preview?page={number}")
    await meenas.get(f"/documents/{document.id}")
    viewed = await facts_of(app_database, document, "document.seen")
    assert [(event.actor_id, event.facts["how"]) for event in viewed] == [
        (ravi.id, "downloaded"),
        (ravi.id, "downloaded"),
        (meena.id, "looked at"),
        (meena.id, "downloaded"),
    ]


async def test_no_one_else_gets_it(ravis, ravi, app_database, browser_of):
    await send(ravis, a_pdf())
    [document] = await documents_of(app_database, ravi)
    async with app_database.work() as db:
        kumar, asha = await a_professional(db, "Kumar Das"), await a_customer(db)
    for path in (f"/documents/{document.id}", f"/documents/{document.id}/preview"):
        assert (await (await browser_of(kumar)).get(path)).status_code == 404
        assert (await (await browser_of(asha)).get(path)).status_code == 403
    assert await facts_of(app_database, document, "document.seen") == []


@pytest.mark.parametrize("number", ["0", "x", "-1", "../etc/passwd", "9" * 30, "%00"])
async def test_a_number_that_is_none_is_not_there(meenas, number):
    assert (await meenas.get(f"/documents/{number}")).status_code == 404


async def test_the_same_name_twice_is_two_files(ravis, ravi, app_database, storage):
    """Uploaded file name used as path; same-named files overwrite each other."""
    await send(ravis, a_picture(text="one"), "../../x.png")
    await send(ravis, a_picture(text="two"), "../../x.png", kind="certificate")
    first, second = await documents_of(app_database, ravi)
    assert first.name == second.name == "x.png"
    assert await storage.read(first.stored_as) != await storage.read(second.stored_as)
    assert all(storage.root in path.parents for path in on_disk(storage))


async def test_a_new_document_replaces_the_one_that_waits_and_leaves_the_one_that_counts(ravis, ravi, app_database):
    await send(ravis, a_picture(text="one"))
    async with app_database.work() as db:
        await db.execute(
            text("UPDATE documents SET state = 'approved', decided_at = now() WHERE professional_id = :me"),
            {"me": ravi.id},
        )
    await send(ravis, a_picture(text="two"))
    await send(ravis, a_picture(text="three"))
    assert [document.state for document in await documents_of(app_database, ravi)] == [
        "approved",
        "replaced",
        "submitted",
    ]
    async with app_database.work() as db:
        cases = await db.execute(
            text("SELECT kind, state FROM verifications WHERE professional_id = :me"), {"me": ravi.id}
        )
        assert [tuple(case) for case in cases] == [("change", "open")]


async def test_a_wrong_field_keeps_the_rest_and_asks_for_the_file_again(ravis, ravi, app_database, storage):
    answer = await send(ravis, a_picture(), kind="certificate", expires_on="soon")
    assert answer.status_code == 422
    assert 'value="soon"' in answer.text
    assert '<option value="certificate" selected>' in answer.text
    assert "Choose the file again" in answer.text
    assert await documents_of(app_database, ravi) == []
    assert on_disk(storage) == []


@pytest.mark.parametrize(
    ("days", "message"),
    [(-1, "This document has expired"), (40_000, "Check this date")],
    ids=["yesterday", "far away"],
)
async def test_a_document_that_has_run_out_is_not_taken(ravis, ravi, app_database, storage, days, message):
    day = (clock.today() + timedelta(days=days)).isoformat()
    answer = await send(ravis, a_picture(), expires_on=day)
    assert answer.status_code == 422
    assert message in answer.text
    assert await documents_of(app_database, ravi) == []


async def test_no_file_at_all_is_shown_beside_the_field(ravis):
    answer = await ravis.post("/documents", data={"kind": "identity", "_csrf_token": await ravis.token()})
    assert answer.status_code == 422
    assert "Choose a file." in answer.text


async def test_a_kind_that_we_do_not_know_leaves_no_file(ravis, ravi, app_database, storage):
    assert (await send(ravis, a_picture(), kind="wallpaper")).status_code == 422
    assert on_disk(storage) == []
    assert await documents_of(app_database, ravi) == []


async def test_someone_denied_asks_again_instead(app_database, browser_of, storage):
    async with app_database.work() as db:
        vignesh = await a_professional(db, "Vignesh N", approval="denied")
    browser = await browser_of(vignesh)
    assert (await send(browser, a_picture())).status_code == 409
    assert "/verification" in (await browser.visit("/documents")).text
    assert on_disk(storage) == []


async def test_a_customer_has_no_documents(app_database, browser_of):
    async with app_database.work() as db:
        asha = await a_user(db, Role.CUSTOMER, "Asha Raman")
    assert (await (await browser_of(asha)).visit("/documents")).status == 403


async def test_no_one_fills_the_disk_with_documents(ravis, app_database, ravi, storage):
    content = a_picture()
    assert {(await send(ravis, content, "identity.png")).status_code for _ in range(20)} == {303}
    answer = await send(ravis, content, "identity.png")
    assert answer.status_code == 422
    assert "reached today&#39;s limit" in answer.text
    storage_before = len(on_disk(storage))
    assert storage_before == sum(1 + document.pages for document in await documents_of(app_database, ravi))
    with clock.freeze(clock.now() + timedelta(days=1, minutes=1)):
        assert (await send(ravis, content, "identity.png")).status_code == 303


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("WhatsApp Image.jfif", "image/jpeg"), ("photo.webp", "image/webp"), ("IMG_0001.heic", "image/heic")],
)
async def test_a_photo_of_a_phone_is_offered_by_the_picker_and_taken(ravis, ravi, app_database, name, media_type):
    forms = {"image/jpeg": a_picture("JPEG"), "image/webp": a_picture("WEBP"), "image/heic": a_photo("sideways.heic")}
    page = await ravis.visit("/documents")
    accepted = re.search(r'accept="([^"]*)"', page.text)[1].split(",")
    assert {media_type, "." + name.rsplit(".")[-1]} <= set(accepted)
    assert (await send(ravis, forms[media_type], name)).status_code == 303
    [document] = await documents_of(app_database, ravi)
    assert (document.name, document.media_type) == (name, "image/jpeg")
    download = await ravis.get(f"/documents/{document.id}")
    assert download.headers["content-disposition"].endswith(f'-{document.id}.jpg"')
    assert download.content.startswith(b"\xff\xd8\xff")
