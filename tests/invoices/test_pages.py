"""A customer's and a professional's documents on their pages, in the API and for admins; not those of others."""

import re
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from app.accounts.user import AdminRight
from tests.api_client import ApiClient
from tests.factories import PASSWORD, an_admin
from tests.invoices.conftest import turn_tax_on

GSTIN = "29AAGCB7383J1Z4"


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def meena(scene):
    async with scene.database.work() as db:
        admin = await an_admin(db, admin_right=AdminRight.MONEY)
    return await scene.browser(admin)


async def read_json(scene, user, address: str):
    """(status, data) of an address of the API, read with the user's token."""
    async with ApiClient(scene.app) as client:
        await client.sign_in(user.email, PASSWORD)
        response = await client.get(address)
        return response.status_code, response.json()


def text_of(response) -> str:
    assert response.content.startswith(b"%PDF")
    return PdfReader(BytesIO(response.content)).pages[0].extract_text()


async def test_the_customer_reads_prints_and_downloads_the_invoice(scene, asha):
    reference = await scene.done(asha)
    assert "DI/26-27/000001" in (await asha.visit(f"/bookings/{reference}")).text
    page = await asha.visit(f"/bookings/{reference}/invoice")
    assert page.status == 200
    assert "DI/26-27/000001" in page.text
    assert "One hundred forty-nine rupees only" in page.text
    assert "Tax invoice" not in page.text
    download = await asha.get(f"/bookings/{reference}/invoice.pdf")
    assert download.headers["content-type"] == "application/pdf"
    assert "DI-26-27-000001.pdf" in download.headers["content-disposition"]
    assert "₹149.00" in text_of(download)


async def test_the_qr_code_of_the_pdf_leads_to_the_verified_receipt(scene, asha):
    reference = await scene.done(asha)
    sheet: Any = PdfReader(BytesIO((await asha.get(f"/bookings/{reference}/invoice.pdf")).content)).pages[0]
    (link,) = [note.get_object()["/A"]["/URI"] for note in sheet["/Annots"]]
    verified = await asha.visit(link[link.index("/receipts/verify") :])
    assert 'value="valid"' in verified.text
    assert reference in verified.text


async def test_a_stranger_does_not_read_it(scene, asha):
    reference = await scene.done(asha)
    omar, kumar = await scene.browser(scene.omar), await scene.browser(scene.kumar)
    for address in (f"/bookings/{reference}/invoice", f"/bookings/{reference}/invoice.pdf"):
        assert (await omar.visit(address)).status == 404
    assert (await asha.visit(f"/bookings/{reference}/invoice?number=DM/26-27/000001")).status == 404
    assert (await kumar.visit("/earnings/invoices/DM-26-27-000001.pdf")).status == 404
    assert (await read_json(scene, scene.omar, f"/api/bookings/{reference}/invoice"))[0] == 404


async def test_a_booking_that_is_not_done_has_no_invoice(scene, asha):
    reference = await scene.paid(asha)
    assert (await asha.visit(f"/bookings/{reference}/invoice")).status == 404


async def test_the_professional_lists_and_downloads_commission_invoices(scene, asha):
    await scene.done(asha)
    ravi = await scene.browser(scene.ravi)
    page = await ravi.visit("/earnings/invoices")
    assert "/earnings/invoices/DM-26-27-000001.pdf" in page.text
    assert "₹22.35" in text_of(await ravi.get("/earnings/invoices/DM-26-27-000001.pdf"))
    assert (await ravi.visit("/earnings/invoices/DI-26-27-000001.pdf")).status == 404
    _status, listed = await read_json(scene, scene.ravi, "/api/earnings/invoices")
    assert [(item["number"], item["total"], item["total_paise"]) for item in listed["items"]] == [
        ("DM/26-27/000001", "22.35", 22_35)
    ]


async def test_a_registered_buyer_from_another_state_is_on_the_invoice(scene, asha):
    async with scene.database.work() as db:
        await turn_tax_on(db)
    page = await asha.visit("/profile")
    assert (await asha.submit(page, "/profile", gstin=GSTIN[:-1] + "5")).status == 422
    sent = await asha.submit(
        await asha.visit("/profile"), "/profile", gstin=GSTIN.lower(), business_name="Raman & Sons"
    )
    assert sent.status == 303
    assert GSTIN in (await asha.visit("/profile")).text
    reference = await scene.done(asha)
    _status, data = await read_json(scene, scene.asha, f"/api/bookings/{reference}/invoice")
    assert data["recipient"]["gstin"] == GSTIN
    assert data["recipient"]["business_name"] == "Raman & Sons"
    assert (data["taxable_paise"], data["total"], data["form"]) == (126_28, "149.00", "9(5)")
    assert "Tax invoice" in (await asha.visit(f"/bookings/{reference}/invoice")).text


async def test_what_is_issued_stays_when_the_profile_changes(scene, asha):
    reference = await scene.done(asha)
    before = (await asha.get(f"/bookings/{reference}/invoice.pdf")).content
    sent = await asha.submit(await asha.visit("/profile"), "/profile", full_name="Asha Menon", gstin=GSTIN)
    assert sent.status == 303
    assert (await asha.get(f"/bookings/{reference}/invoice.pdf")).content == before
    assert "Asha Menon" not in (await asha.visit(f"/bookings/{reference}/invoice")).text.partition("invoice")[2]


async def test_invoices_name_what_admins_saved_of_doorstep(scene, asha, meena):
    form = await meena.visit("/admin/settings")
    refused = await meena.submit(form, "/admin/settings", legal_name="Doorstep Services LLP", gstin=GSTIN[:-1] + "5")
    assert refused.status == 422
    saved = await meena.submit(form, "/admin/settings", legal_name="Doorstep Services LLP", gstin=GSTIN)
    assert saved.status == 303
    invoice = text_of(await asha.get(f"/bookings/{await scene.done(asha)}/invoice.pdf"))
    assert "Doorstep Services LLP" in invoice
    assert GSTIN in invoice


async def test_admins_with_the_right_find_every_document(scene, asha, meena):
    await scene.done(asha)
    table = await meena.visit("/admin/invoices")
    assert {"DI/26-27/000001", "DM/26-27/000001"} <= set(re.findall(r"D[IM]/26-27/[0-9]{6}", table.text))
    assert "DI/" not in (await meena.visit("/admin/invoices?kind=commission")).text
    assert "₹149.00" in text_of(await meena.get("/admin/invoices/DI-26-27-000001.pdf"))


async def test_an_admin_turns_tax_on_from_a_day_on(scene, asha, meena):
    assert "including tax" not in (await asha.visit(f"/services/{scene.service.slug}")).text
    sent = await meena.submit(await meena.visit("/admin/tax"), "/admin/tax")
    assert sent.status == 303, sent.text
    for refused in ({}, {"rate": "18.01"}, {"rate": "-18"}, {"valid_from": "2020-01-01"}, {"sac": "99"}):
        assert (await meena.submit(await meena.visit("/admin/tax"), "/admin/tax", **refused)).status == 422
    for address in (f"/services/{scene.service.slug}", scene.new_booking_url()):
        assert "including tax" in (await asha.visit(address)).text
    reference = await scene.done(asha)
    _status, data = await read_json(scene, scene.asha, f"/api/bookings/{reference}/invoice")
    assert data["cgst"] == data["sgst"] == "0.00"  # this Doorstep has no GSTIN, so it is in no state
    assert data["igst"] == "22.72"


async def test_an_admin_dates_what_is_collected_and_withheld(scene, meena):
    form = await meena.visit("/admin/tax")
    for supply, rate in (("collected", "1"), ("withheld", "0.2")):
        sent = await meena.submit(form, "/admin/tax", supply=supply, form="9(5)", rate=rate)
        assert sent.status == 303, sent.text
    assert await scene.rows("SELECT supply, form, rate FROM tax_rates ORDER BY id") == [
        ("collected", "52", 1_00),
        ("withheld", "52", 20),
    ]
    page = await meena.visit("/admin/tax")
    assert "Tax collected at source" in page.text
    assert "0.2 %" in page.text
