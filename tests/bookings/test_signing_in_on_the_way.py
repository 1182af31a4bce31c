"""What a visitor chose is there after signing in, and the nearest free starts where it was taken meanwhile."""

import re
from urllib.parse import urlencode

import pytest

from tests.bookings.scenes import START, Scene
from tests.factories import ADYAR, a_start
from tests.person import Person

PASSWORD = "correct horse battery"
DIVYA = {
    "full_name": "Divya Menon",
    "phone": "+91 00000 00431",
    "password": PASSWORD,
    "address": "12 Canal Bank Road",
    "pincode": ADYAR,
}


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    yield scene
    await scene.close()


@pytest.fixture
async def divya(app):
    async with Person(app) as person:
        yield person


async def signs_up(person: Person, page, email: str):
    """From the sign-in page by its link to the form, and with the new account on to what was chosen."""
    register = next(link for link in page.links if link.startswith("/register?"))
    page = await person.submit_and_follow(await person.visit(register), "/register", **DIVYA, email=email)
    return await person.submit_and_follow(page, "/login", email=email, password=PASSWORD)


async def test_a_visitor_picks_a_time_signs_up_and_books_it(scene, divya):
    start, email = a_start(2, 11).strftime(START), f"divya-{scene.service.id}@example.com"
    service = await divya.visit(f"/services/{scene.service.slug}?pincode={ADYAR}&professional={scene.ravi.id}")
    assert "/login?" + urlencode({"next": service.path}) in service.links, "the header leads back to the service too"
    login = await divya.submit(service, "/bookings/new", start=start, professional=str(scene.ravi.id))
    assert login.path.startswith("/login?next=")
    page = await signs_up(divya, login, email)
    assert page.path.startswith("/bookings/new?")
    form = page.form("/bookings", having="start")
    assert (form.fields["start"], form.fields["professional_id"]) == (start, str(scene.ravi.id))
    sent = await divya.submit(page, "/bookings", having="start")
    assert sent.status == 303
    assert (await scene.booking(sent.location.split("/")[2])).requested_professional_id == scene.ravi.id


async def test_a_start_taken_while_signing_in_leads_to_the_nearest_free_ones(scene, divya):
    when = a_start(2, 11)
    chosen = scene.new_booking_url(when, professional=scene.ravi.id)
    login = await divya.visit(chosen)
    asha = await scene.browser(scene.asha)
    await scene.held(asha, when, professional=scene.ravi.id)
    page = await signs_up(divya, login, f"divya-late-{scene.service.id}@example.com")
    assert page.status == 200
    assert "That time has been taken." in page.text
    offered = re.findall(r'name="start"\s+value="([^"]+)"', page.text)
    assert len(offered) == 3
    assert when.strftime(START) not in offered
    sent = await divya.submit(page, "/bookings", having="professional_id", start=offered[0])
    assert sent.status == 303


async def test_the_own_hold_of_a_start_is_not_called_taken(scene):
    asha = await scene.browser(scene.asha)
    await scene.held(asha, a_start(2, 11), professional=scene.ravi.id)
    page = await asha.visit(scene.new_booking_url(a_start(2, 11), professional=scene.ravi.id))
    assert "already holding this time" in page.text
    assert "has been taken" not in page.text
