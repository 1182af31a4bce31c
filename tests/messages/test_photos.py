"""Photos of messages: written anew in the sandbox, small, upright and without a place; what is none is refused."""

import io

import pytest
from PIL import Image

from app.photos.photo_upload import MAX_PHOTOS_AT_ONCE, thumbnail_size
from tests.messages.sending import says, sends
from tests.vetting.samples import PHOTOS, a_pdf, a_photo, a_picture, on_disk

ORIENTATION, GPS_IFD, LATITUDE = 0x0112, 0x8825, 2


def a_located_photo(size):
    """A JPEG that was taken with the phone on its side, and says where."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif.get_ifd(GPS_IFD)[LATITUDE] = (13.0, 0.0, 23.4)
    return a_picture("JPEG", size, exif=exif)


async def last_photo(scene, person):
    """The stored photo and its thumbnail, as the other side gets them."""
    number = await scene.scalar("SELECT max(id) FROM photos")
    whole, small = [await person.get(f"/messages/photos/{number}{part}") for part in ("", "/thumbnail")]
    return Image.open(io.BytesIO(whole.content)), Image.open(io.BytesIO(small.content))


async def test_a_photo_is_made_small_and_turned_upright_and_loses_its_place(scene, asha, ravi, ref):
    await says(asha, f"/bookings/{ref}", "", [("../tap.jpg", a_located_photo((3200, 2400)))])
    photo, thumbnail = await last_photo(scene, ravi)
    assert (photo.format, photo.size, dict(photo.getexif())) == ("JPEG", (1200, 1600), {})
    assert (thumbnail.size, dict(thumbnail.getexif())) == ((240, 320), {})
    assert await scene.rows("SELECT width, height FROM photos") == [(1200, 1600)]
    page = await ravi.visit(f"/jobs/{ref}/messages")
    assert 'width="120" height="160" loading="lazy"' in page.text


@pytest.mark.parametrize("name", sorted(path.name for path in PHOTOS.glob("*.heic")))
async def test_photos_of_an_iphone_are_taken(scene, asha, ravi, ref, name):
    await says(asha, f"/bookings/{ref}", "Here.", [(name, a_photo(name))])
    photo, _thumbnail = await last_photo(scene, ravi)
    assert (photo.format, max(photo.size)) == ("JPEG", 96)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "JPEG"])
async def test_the_usual_kinds_are_taken_whatever_their_name(scene, asha, ravi, ref, form):
    await says(asha, f"/bookings/{ref}", "", [("photo.txt", a_picture(form, (700, 500)))])
    photo, _thumbnail = await last_photo(scene, ravi)
    assert photo.size == (700, 500)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (a_pdf(), "This isn't a photo"),
        (b"hello", "This isn't a photo"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"x" * 4_000, "We can't read this photo."),
        (a_picture("PNG", (10_000, 6_000)), "more than 50 megapixels"),
        (a_picture("JPEG")[:900], "We can't read this photo."),
        (b"\xff" * (10 * 1024 * 1024 + 1), "A photo is larger than 10 MB."),
    ],
    ids=["a PDF", "a text", "a HEIC that is none", "60 megapixels", "half a photo", "11 MB"],
)
async def test_what_is_no_usable_photo_is_refused_in_words(scene, asha, ref, own_storage, content, sentence):
    refused = await sends(asha, f"/bookings/{ref}", "Look.", [("tap.heic", content)])
    assert (refused.status, sentence in refused.text.replace("&#39;", "'")) == (422, True), refused.text
    assert "Look." in refused.text, "what was typed is still there"
    assert await scene.scalar("SELECT count(*) FROM booking_messages") == 0
    assert on_disk(own_storage) == []


async def test_five_photos_are_sent_at_once_in_their_order_and_not_six(scene, asha, ravi, ref):
    photos = [(f"{n}.png", a_picture(size=(100 + n, 90))) for n in range(MAX_PHOTOS_AT_ONCE + 1)]
    refused = await sends(asha, f"/bookings/{ref}", "", photos)
    assert (refused.status, "Send at most 5 photos at once." in refused.text) == (422, True)
    page = await says(asha, f"/bookings/{ref}", "", photos[:MAX_PHOTOS_AT_ONCE])
    assert page.text.count("/thumbnail") == MAX_PHOTOS_AT_ONCE
    widths = await scene.rows("SELECT width FROM photos ORDER BY position")
    assert widths == [(100,), (101,), (102,), (103,), (104,)]


async def test_each_side_has_so_many_photos_a_booking(scene, asha, ravi, ref, monkeypatch):
    monkeypatch.setattr("app.messages.thread.MAX_PHOTOS_PER_BOOKING", 2)
    picture = a_picture()
    await says(asha, f"/bookings/{ref}", "", [("1.png", picture), ("2.png", picture)])
    refused = await sends(asha, f"/bookings/{ref}", "", [("3.png", picture)])
    assert (refused.status, "for this booking." in refused.text) == (422, True)
    await says(ravi, f"/jobs/{ref}", "", [("3.png", picture)])


@pytest.mark.parametrize(
    ("size", "shown"),
    [((1600, 1200), (160, 120)), ((100, 50), (100, 50)), ((1600, 1), (160, 1)), ((160, 160), (160, 160))],
)
def test_a_page_has_room_for_a_thumbnail_before_it_is_loaded(size, shown):
    assert thumbnail_size(*size) == shown
