"""The photo of a professional: a small square without its data, public once an admin has checked it."""

import io

import pytest
from PIL import Image
from sqlalchemy import select

from app.core.errors import Invalid, Refused
from app.vetting.decision import PHOTO_CHECK, approve, deny, review_case_of
from app.vetting.document import Document
from app.vetting.document_changes import submit_document
from app.vetting.document_scan import ScannedDocument
from app.vetting.repository import Cases, Professionals
from app.vetting.verification import CaseKind
from tests.factories import a_block, a_professional
from tests.person import Person
from tests.vetting.samples import a_pdf, a_photo, a_picture, on_disk

GPS_IFD, LATITUDE = 0x8825, 2


def a_located_photo(size=(900, 1200)):
    """A JPEG that says where it was taken."""
    exif = Image.Exif()
    exif.get_ifd(GPS_IFD)[LATITUDE] = (13.0, 0.0, 23.4)
    return a_picture("JPEG", size, exif=exif)


async def sends(browser, content, address="/documents", **fields):
    data = {"kind": "photo", "_csrf_token": await browser.token()} | fields
    return await browser.post(address, data=data, files={"document": ("me.jpg", content, "image/jpeg")})


async def removes(browser, document):
    answer = await browser.post(f"/documents/{document.id}/removal", data={"_csrf_token": await browser.token()})
    return answer.status_code


async def photos_of(database, user):
    async with database.work() as db:
        query = select(Document).where(Document.professional_id == user.id).order_by(Document.id)
        return (await db.scalars(query)).all()


async def decides(app, verb, meena, user, *more):
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        await verb(db, meena, user.id, *more)


async def with_identity(app, user, meena):
    """The identity of the professional is approved, as of everyone who works."""
    async with app.state.services.database.work() as db:
        scan = ScannedDocument("permit.png", "image/png", a_picture(), [a_picture("JPEG")])
        await submit_document(db, app.state.services.storage, user, user.id, "identity", scan)
        await Cases(db).open(user.id, CaseKind.CHANGE)
    await decides(app, approve, meena, user)


async def test_a_photo_is_public_once_it_is_checked_and_gone_once_it_is_removed(
    app, ravis, ravi, meena, app_database, storage
):
    await with_identity(app, ravi, meena)
    card, photo_page = f"/professionals/{ravi.id}", f"/professionals/{ravi.id}/photo"
    original = a_located_photo()
    assert GPS_IFD in Image.open(io.BytesIO(original)).getexif()
    assert (await sends(ravis, original)).status_code == 303
    async with Person(app) as visitor:
        assert (await visitor.get(photo_page)).status_code == 404
        assert "<img" not in (await visitor.visit(card)).text
        await decides(app, approve, meena, ravi)
        _identity, photo = await photos_of(app_database, ravi)
        page = await visitor.visit(card)
        assert f'src="{photo_page}?v={photo.id}"' in page.text
        assert 'width="64" height="64" loading="lazy"' in page.text
        assert "ID, checked on" in " ".join(page.text.split())
        got = await visitor.get(photo_page)
        assert (got.status_code, got.headers["content-type"]) == (200, "image/jpeg")
        assert got.headers["cache-control"] == "public, max-age=300"
        shown = Image.open(io.BytesIO(got.content))
        assert (shown.size, dict(shown.getexif())) == ((256, 256), {})
        assert len(got.content) < 20_000
        page = await ravis.visit("/documents")
        assert (await ravis.submit(page, f"/documents/{photo.id}/removal")).status == 303
        assert (await visitor.get(photo_page)).status_code == 404
        assert "<img" not in (await visitor.visit(card)).text
    _identity, photo = await photos_of(app_database, ravi)
    assert (photo.state, photo.stored_as) == ("replaced", None)
    assert await removes(ravis, photo) == 404
    assert len(on_disk(storage)) == 2, "of the identity alone: the file and its page"


async def test_a_rejected_photo_never_shows_and_a_new_one_replaces_the_old(app, ravis, ravi, meena, app_database):
    await with_identity(app, ravi, meena)
    async with Person(app) as visitor:
        for decision, shown in ((approve, 1), (deny, 1), (approve, 3)):
            await sends(ravis, a_located_photo())
            await decides(app, decision, meena, ravi, *(["It shows a dog."] if decision is deny else []))
            documents = await photos_of(app_database, ravi)
            assert f"photo?v={documents[shown].id}" in (await visitor.visit(f"/professionals/{ravi.id}")).text
    assert [document.state for document in documents[1:]] == ["replaced", "denied", "approved"]


async def test_a_photo_of_a_blocked_professional_is_not_there(app, ravis, ravi, meena):
    await with_identity(app, ravi, meena)
    await sends(ravis, a_located_photo())
    await decides(app, approve, meena, ravi)
    async with Person(app) as visitor:
        assert (await visitor.get(f"/professionals/{ravi.id}/photo")).status_code == 200
        async with app.state.services.database.work(app.state.services.after_commit) as db:
            await a_block(db, ravi, meena)
        assert (await visitor.get(f"/professionals/{ravi.id}/photo")).status_code == 404


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (a_pdf(), "Upload a picture"),
        (a_picture(size=(127, 500)), "too small"),
        (a_photo("upright.heic"), "too small"),
        (b"no picture at all", "Upload one of these"),
    ],
)
async def test_what_is_no_photo_of_a_face_is_refused_in_words(ravis, ravi, app_database, content, words):
    refused = await sends(ravis, content)
    assert refused.status_code == 422
    assert words in refused.text
    assert not await photos_of(app_database, ravi)


async def test_a_photo_is_no_proof(db, folder, meena):
    """It is not asked for as a document, not accepted in place of one, and approves no papers."""
    geeta = await a_professional(db, "Geeta Menon", approval="pending")
    portrait = ScannedDocument("me.jpg", "image/jpeg", a_picture("JPEG"), [a_picture("JPEG")], is_portrait=True)
    whole = ScannedDocument("me.pdf", "application/pdf", a_pdf(), [a_picture("JPEG")])
    for kind, scan in (("identity", portrait), ("photo", whole)):
        with pytest.raises(Invalid) as error:
            await submit_document(db, folder, geeta, geeta.id, kind, scan)
        assert set(error.value.errors) == {"kind"}
    await submit_document(db, folder, geeta, geeta.id, "photo", portrait)
    await Cases(db).open(geeta.id, CaseKind.APPLICATION)
    assert (await review_case_of(db, geeta.id)).checks == (PHOTO_CHECK,)
    with pytest.raises(Refused) as refused:
        await approve(db, meena, geeta.id)
    assert refused.value.reason == "papers"
    assert (await Professionals(db).get(geeta.id)).approval_status == "pending"


async def test_removing_the_photo_ends_the_case_that_it_opened(app, ravis, ravi, app_database):
    await sends(ravis, a_located_photo())
    [photo] = await photos_of(app_database, ravi)
    async with app_database.work() as db:
        assert await Cases(db).open_of(ravi.id)
    assert await removes(ravis, photo) == 303
    async with app_database.work() as db:
        assert await Cases(db).open_of(ravi.id) is None


async def test_a_proof_cannot_be_removed_nor_a_photo_of_another(app, ravis, ravi, app_database, browser_of):
    await sends(ravis, a_picture(), kind="identity")
    await sends(ravis, a_located_photo())
    identity, photo = await photos_of(app_database, ravi)
    assert await removes(ravis, identity) == 404
    async with app_database.work() as db:
        kumar = await a_professional(db, "Kumar Das")
    kumars = await browser_of(kumar)
    assert await removes(kumars, photo) == 404
    assert [document.state for document in await photos_of(app_database, ravi)] == ["submitted", "submitted"]
