"""A professional uploads a document on a phone; a second window shows it without a reload."""

import pytest
from playwright.async_api import expect

from tests.factories import a_professional, an_admin
from tests.person import Person
from tests.vetting.samples import a_pdf

pytestmark = [pytest.mark.browser, pytest.mark.slow]
UPDATE_TIMEOUT_MS = 2_000  # milliseconds


def a_file(name: str, content: bytes) -> dict[str, object]:
    return {"name": name, "mimeType": "application/pdf", "buffer": content}


async def test_a_document_is_refused_with_a_reason_then_taken_and_seen_everywhere(live_database, webs, window):
    async with live_database.work() as db:
        ravi, meena = await a_professional(db, "Ravi Kumar"), await an_admin(db, "Meena Iyer")
    phone, tablet = await window(ravi, webs[0], "/documents"), await window(ravi, webs[1], "/documents")
    await phone.page.get_by_label("Type of document").select_option("certificate")
    await phone.page.get_by_label("Valid until").fill("2031-03-14")
    await phone.page.get_by_label("File").set_input_files([a_file("permit.pdf", b"<html><script>alert(1)</script>")])
    await phone.page.get_by_role("button", name="Submit for review").click()
    await expect(phone.page.get_by_text("This isn't a PDF or a photo").first).to_be_visible()
    await expect(phone.page.get_by_label("Type of document")).to_have_value("certificate")
    await expect(phone.page.get_by_label("Valid until")).to_have_value("2031-03-14")

    await phone.page.get_by_label("File").set_input_files([a_file("../permit.pdf", a_pdf(2))])
    await phone.page.get_by_role("button", name="Submit for review").click()
    await expect(phone.page.get_by_text("We'll email you when it's reviewed")).to_be_visible()
    for item in (phone, tablet):
        document = item.page.locator(".document-card", has_text="Trade certificate")
        await expect(document.get_by_text("In review")).to_be_visible(timeout=UPDATE_TIMEOUT_MS)
        await expect(document.get_by_text("permit.pdf, 2 pages, valid until 14 Mar 2031")).to_be_visible()
        picture = item.page.get_by_alt_text("Trade certificate, page 1 of 2")
        await picture.scroll_into_view_if_needed()
        await expect(picture).to_have_js_property("complete", True)
        assert await picture.evaluate("picture => picture.naturalWidth") > 100

    async with phone.page.expect_download() as expected_download:
        await phone.page.get_by_role("link", name="Download").click()
    download = await expected_download.value
    assert download.suggested_filename.startswith("certificate-")
    assert download.suggested_filename.endswith(".pdf")
    number = download.suggested_filename.removeprefix("certificate-").removesuffix(".pdf")
    async with await Person(base_url=webs[1].url).signed_in_as(meena, live_database) as admin:
        assert (await admin.get(f"/documents/{number}")).content.startswith(b"%PDF")
    assert phone.console_messages == [message for message in phone.console_messages if "422" in message]
    assert tablet.console_messages == []
