"""Messages, photos and the phone of a booking in the API."""

import io

import pytest
from PIL import Image

from tests.api_client import ApiClient
from tests.factories import PASSWORD
from tests.vetting.samples import a_pdf, a_picture


@pytest.fixture
async def clients(scene):
    """The API clients of Asha, Ravi and Omar."""
    opened = []
    for user in (scene.asha, scene.ravi, scene.omar):
        client = ApiClient(scene.app)
        assert (await client.sign_in(user.email, PASSWORD)).status_code == 200
        opened.append(client)
    yield opened
    for client in opened:
        await client.aclose()


async def test_both_sides_write_and_read(clients, ref):
    asha, ravi, omar = clients
    booking, job = f"/api/bookings/{ref}/messages", f"/api/jobs/{ref}/messages"
    empty = (await asha.get(booking)).json()
    assert empty == {"items": [], "earlier": None, "may_write": True, "share_phone": True}
    sent = await asha.post(booking, json={"text": "The gate is open."})
    assert (sent.status_code, sent.json()["author"], sent.json()["read_at"]) == (201, "customer", None)
    (line,) = (await ravi.get(job)).json()["items"]
    assert (line["text"], line["photos"]) == ("The gate is open.", [])
    assert (await asha.get(booking)).json()["items"][0]["read_at"] is not None
    assert (await asha.get(f"{booking}?before={line['id']}")).json()["items"] == []
    assert (await omar.get(booking)).status_code == 404
    for bad in ({}, {"text": " "}, {"text": "x" * 2_001}, {"text": "x", "to": "Ravi"}):
        assert (await asha.post(booking, json=bad)).status_code == 422, bad
    assert (await asha.post(booking, data={"text": "x"})).status_code == 415


async def test_photos_are_sent_as_multipart_and_the_same_key_sends_once(clients, ref):
    asha, ravi, omar = clients
    path, key = f"/api/jobs/{ref}/messages", {"Idempotency-Key": "b0e7-4f3a"}
    files = [("photos", (f"{n}.png", a_picture(size=(300 + n, 200)), "image/png")) for n in range(2)]
    sent = await ravi.post(path, data={"text": "Which one?"}, files=files, headers=key)
    assert sent.status_code == 201, sent.text
    again = await ravi.post(path, data={"text": "Which one?"}, files=files, headers=key)
    assert (again.status_code, again.json()) == (201, sent.json())
    assert (await ravi.post(path, data={"text": "This one?"}, files=files, headers=key)).status_code == 422
    (line,) = (await asha.get(f"/api/bookings/{ref}/messages")).json()["items"]
    assert [(photo["width"], photo["height"]) for photo in line["photos"]] == [(300, 200), (301, 200)]
    photo = await asha.get(line["photos"][0]["url"])
    assert Image.open(io.BytesIO(photo.content)).size == (300, 200)
    assert (await omar.get(line["photos"][0]["url"])).status_code == 404
    refused = await ravi.post(path, files={"photos": ("x.pdf", a_pdf(), "application/pdf")})
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["photos"])
    alone = await ravi.post(path, files=files[:1])
    assert (alone.status_code, alone.json()["text"]) == (201, "")


async def test_the_phone_is_hidden_for_one_booking_or_in_the_profile(scene, clients, ref):
    asha, ravi, _omar = clients

    async def phones():
        own = (await asha.get(f"/api/request/service/{asha.number}")).json()["items"][0]
        job = (await ravi.get(f"/api/servicerequest/{ravi.number}")).json()["items"][0]
        return own["professional"]["phone"], job["customer"]["phone"]

    assert await phones() == (scene.ravi.phone, scene.asha.phone)
    hidden = await asha.post(f"/api/bookings/{ref}/messages/phone", json={"share_phone": False})
    assert (hidden.status_code, hidden.json()) == (200, {"share_phone": False})
    assert (await asha.get(f"/api/bookings/{ref}/messages")).json()["share_phone"] is False
    edited = await ravi.post(f"/api/profile/edit/{ravi.number}", json={"share_phone": False})
    assert (edited.status_code, edited.json()["share_phone"]) == (200, False)
    assert await phones() == (None, None)
    await ravi.post(f"/api/jobs/{ref}/messages/phone", json={"share_phone": True})
    assert await phones() == (scene.ravi.phone, None)
