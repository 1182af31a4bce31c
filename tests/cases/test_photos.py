"""Photos in cases: from both sides and admins, rewritten, read by whom the message is for, gone after 180 days."""

import io
import json
import zipfile

import pytest
from PIL import Image

from app.accounts.session import Sessions
from app.cases.cases import delete_old_photos
from app.check.run import find_violations
from app.photos.photo_upload import MAX_PHOTOS_AT_ONCE
from app.privacy.deletion import delete_account
from app.privacy.own_data import build_archive
from tests.bookings.scenes import later
from tests.cases.steps import STORY, asks_for_help, decides, is_sound
from tests.factories import a_customer
from tests.messages.test_photos import a_located_photo
from tests.person import Page
from tests.vetting.samples import a_pdf, a_picture, on_disk


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def ravi(scene):
    return await scene.browser(scene.ravi)


@pytest.fixture
async def admin(scene, meena):
    return await scene.browser(meena)


async def sends(person, path, photos, **fields):
    """The answer to a form with photos: [(name, content), …]."""
    files = [("photos", (name, content, "application/octet-stream")) for name, content in photos]
    return Page(await person.post(path, data={"_csrf_token": await person.token(), **fields}, files=files))


def photos_in(page):
    return [link for link in page.links if link.startswith("/cases/photos/")]


async def test_both_sides_and_admins_see_each_others_photos(scene, asha, ravi, admin):
    booking = await scene.done(asha)
    picture = a_located_photo((3200, 2400))
    opened = await sends(
        asha, f"/bookings/{booking}/help", [("tap.jpg", picture)], topic="quality", message="It leaks."
    )
    assert opened.status == 303, opened.text
    here = opened.location
    for person, path in ((ravi, here), (admin, f"/admin{here}")):
        sent = await sends(person, f"{path}/messages", [("pipe.png", a_picture())], message="")
        assert (sent.status, sent.location) == (303, path), sent.text
    for person, path in ((asha, here), (ravi, here), (admin, f"/admin{here}")):
        photos = photos_in(await person.visit(path))
        assert len(photos) == 3
        for photo in photos:
            assert (await person.get(photo)).status_code == (await person.get(f"{photo}/thumbnail")).status_code == 200
    first = await ravi.get(photos[0])
    image = Image.open(io.BytesIO(first.content))
    assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (1200, 1600), {})
    assert first.headers["content-security-policy"] == "default-src 'none'; sandbox"
    async with scene.database.work() as db:
        omar = await a_customer(db, "Omar Sheriff")
    assert (await (await scene.browser(omar)).get(photos[0])).status_code == 404
    await is_sound(scene)


async def test_a_professional_opens_a_case_with_photos(scene, asha, ravi):
    booking = await scene.done(asha)
    opened = await sends(ravi, f"/jobs/{booking}/help", [("a.png", a_picture())], topic="damage", message="A crack.")
    assert opened.status == 303, opened.text
    assert len(photos_in(await asha.visit(opened.location))) == 1


async def test_of_a_case_of_safety_the_other_side_sees_no_photo(scene, asha, ravi, admin):
    booking = await scene.paid(asha)
    await scene.accepted(booking)
    opened = await sends(
        asha, f"/bookings/{booking}/help", [("a.png", a_picture())], topic="safety", message="He shouted."
    )
    (photo,) = photos_in(await asha.visit(opened.location))
    assert photos_in(await ravi.visit(opened.location)) == []
    statuses = [(await person.get(photo)).status_code for person in (asha, ravi, admin)]
    assert statuses == [200, 404, 200]
    sent = await sends(ravi, f"{opened.location}/messages", [("b.png", a_picture())], message="Not so.")
    assert sent.status == 303
    (own,) = photos_in(await ravi.visit(opened.location))
    assert [(await person.get(own)).status_code for person in (asha, ravi, admin)] == [404, 200, 200]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (a_pdf(), "This isn't a photo"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"x" * 4_000, "We can't read this photo."),
        (a_picture("PNG", (10_000, 6_000)), "more than 50 megapixels"),
    ],
    ids=["a PDF", "a HEIC that is none", "60 megapixels"],
)
async def test_what_is_no_usable_photo_is_refused_in_words(scene, asha, own_storage, content, sentence):
    booking = await scene.done(asha)
    here = f"/bookings/{booking}/help"
    refused = await sends(asha, here, [("tap.heic", content)], topic="quality", message=STORY)
    assert (refused.status, sentence in refused.text.replace("&#39;", "'")) == (422, True), refused.text
    assert STORY in refused.text, "what was typed is still there"
    case = await asks_for_help(asha, f"/bookings/{booking}")
    refused = await sends(asha, f"/cases/{case}/messages", [("tap.heic", content)], message="Look.")
    assert (refused.status, sentence in refused.text.replace("&#39;", "'")) == (422, True), refused.text
    assert await scene.scalar("SELECT count(*) FROM case_messages") == 1
    assert on_disk(own_storage) == []


async def test_a_photo_has_to_be_chosen_again_when_something_else_is_wrong(scene, asha):
    booking = await scene.done(asha)
    refused = await sends(asha, f"/bookings/{booking}/help", [("a.png", a_picture())], topic="quality", message="")
    assert (refused.status, "Choose the file again." in refused.text) == (422, True)


async def test_a_message_has_at_most_five_photos_and_a_person_so_many_a_case(scene, asha, monkeypatch):
    booking = await scene.done(asha)
    case = await asks_for_help(asha, f"/bookings/{booking}")
    photos = [(f"{n}.png", a_picture(size=(100 + n, 90))) for n in range(MAX_PHOTOS_AT_ONCE + 1)]
    refused = await sends(asha, f"/cases/{case}/messages", photos, message="")
    assert (refused.status, "Send at most 5 photos at once." in refused.text) == (422, True)
    monkeypatch.setattr("app.cases.cases.MAX_PHOTOS_PER_CASE", 5)
    assert (await sends(asha, f"/cases/{case}/messages", photos[:5], message="")).status == 303
    widths = await scene.rows("SELECT width FROM photos ORDER BY position")
    assert widths == [(100,), (101,), (102,), (103,), (104,)]
    refused = await sends(asha, f"/cases/{case}/messages", photos[:1], message="")
    assert (refused.status, "in this case." in refused.text) == (422, True)


async def test_a_form_with_photos_in_a_case_of_others_is_not_found(scene, asha):
    booking = await scene.done(asha)
    case = await asks_for_help(asha, f"/bookings/{booking}")
    async with scene.database.work() as db:
        user = await a_customer(db, "Omar Sheriff")
    omar = await scene.browser(user)
    for path in (f"/cases/{case}/messages", f"/bookings/{booking}/help"):
        for content in (a_picture(), b"hello"):
            assert (await sends(omar, path, [("a.png", content)], topic="quality", message="Hi.")).status == 404


async def test_photos_go_180_days_after_the_decision_and_the_words_stay(scene, asha, admin, own_storage):
    booking = await scene.done(asha)
    opened = await sends(
        asha, f"/bookings/{booking}/help", [("a.png", a_picture())], topic="quality", message="It leaks."
    )
    here = opened.location
    async with scene.database.work() as db:
        assert await delete_old_photos(db, own_storage) == 0
    await decides(admin, here.split("/")[2], "none")
    for days, left in ((179, 1), (181, 0)):
        with later(days=days):
            async with scene.database.work() as db:
                assert await delete_old_photos(db, own_storage) == 1 - left
        assert await scene.scalar("SELECT count(*) FROM photos") == left
        assert len(on_disk(own_storage)) == 2 * left
    page = await asha.visit(here)
    assert ("It leaks." in page.text, "1 photo, deleted 180 days" in page.text) == (True, True)


async def test_own_photos_are_in_the_archive_and_gone_with_the_account(scene, asha, ravi, own_storage):
    booking = await scene.done(asha)
    opened = await sends(
        asha, f"/bookings/{booking}/help", [("a.png", a_picture())], topic="quality", message="It leaks."
    )
    await sends(ravi, f"{opened.location}/messages", [("b.png", a_picture())], message="Let me see.")
    async with scene.database.work() as db:
        with await build_archive(db, own_storage, scene.asha) as file, zipfile.ZipFile(file) as archive:
            data = json.loads(archive.read("your-data.json"))
            (name,) = [name for name in archive.namelist() if name.startswith("photos/")]
            assert Image.open(io.BytesIO(archive.read(name))).format == "JPEG"
    assert [(photo["file"], photo["sent_with"]) for photo in data["photos_sent"]] == [(name, "case")]
    assert [line["photos"] for line in data["messages_in_cases"]] == [1]
    async with scene.database.work() as db:
        await delete_account(db, own_storage, Sessions(scene.database), scene.asha)
    assert await scene.rows("SELECT uploader_id FROM photos") == [(scene.ravi.id,)]
    assert len(on_disk(own_storage)) == 2
    async with scene.database.work() as db:
        assert await find_violations(db, own_storage) == []
