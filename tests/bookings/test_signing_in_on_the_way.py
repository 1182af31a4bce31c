"""What a visitor chose is there after signing in, and the nearest free starts where it was taken meanwhile."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from app.accounts.session import Sessions
from tests.bookings.scenes import START, VISA, Scene
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


async def test_a_taken_start_sent_again_without_a_choice_is_refused_with_the_nearest_free_ones(scene):
    when = a_start(2, 11)
    asha, omar = await scene.browser(scene.asha), await scene.browser(scene.omar)
    await scene.held(asha, when, professional=scene.ravi.id)
    page = await omar.visit(scene.new_booking_url(when, professional=scene.ravi.id))
    assert page.form("/bookings", having="professional_id").fields["taken"] == when.strftime(START)
    for _again in range(2):
        page = await omar.submit(page, "/bookings", having="professional_id", address="7 Lake View", pincode=ADYAR)
        assert page.status == 409
        assert "That time has been taken." in page.text
        offered = re.findall(r'name="start"\s+value="([^"]+)"', page.text)
        assert len(offered) == 3
        assert when.strftime(START) not in offered
        assert "7 Lake View" in page.text
    bad = await omar.submit(page, "/bookings", having="professional_id", taken="soon", address="7 Lake View")
    assert bad.status == 422
    sent = await omar.submit(page, "/bookings", having="professional_id", start=offered[0])
    assert sent.status == 303


async def test_the_own_hold_of_a_start_is_not_called_taken(scene):
    asha = await scene.browser(scene.asha)
    await scene.held(asha, a_start(2, 11), professional=scene.ravi.id)
    page = await asha.visit(scene.new_booking_url(a_start(2, 11), professional=scene.ravi.id))
    assert "holding this time until" in page.text
    assert "has been taken" not in page.text


async def session_ends(scene, user) -> None:
    async with scene.database.work() as db:
        await Sessions(scene.database).close_all(db, user.id)


async def goes_on(scene, person, sent, user):
    """Sent to the sign-in page, signs in again and follows where it leads."""
    assert sent.status == 303
    assert sent.location.startswith("/login?next=")
    await person.signed_in_as(user, scene.database)
    return await person.visit(parse_qs(urlsplit(sent.location).query)["next"][0])


async def test_a_booking_that_was_typed_while_the_session_ended_is_there_again(scene):
    asha = await scene.browser(scene.asha)
    page = await asha.visit(scene.new_booking_url(a_start(2, 15), professional=scene.ravi.id))
    await session_ends(scene, scene.asha)
    typed = {"address_id": "", "address": '7 Lake View <Road>\nbehind the "temple"', "note": "The dog's name is Pongal"}
    sent = await asha.submit(page, "/bookings", **typed, pincode=ADYAR)
    assert "Lake" not in sent.location + str(sent.response.headers)
    assert "Pongal" not in sent.location + str(sent.response.headers)
    page = await goes_on(scene, asha, sent, scene.asha)
    form = page.form("/bookings", having="note")
    assert "What you typed is here again" in page.text
    assert {name: form.fields[name].strip() for name in typed} == typed
    assert (form.fields["start"], form.fields["professional_id"]) == (
        a_start(2, 15).strftime(START),
        str(scene.ravi.id),
    )
    assert "Lake View" not in (await asha.visit(page.path)).text, "once"
    assert (await asha.submit(page, "/bookings", having="note")).status == 303


async def test_another_person_in_the_same_browser_does_not_read_it(scene):
    person = await scene.browser(scene.asha)
    page = await person.visit(scene.new_booking_url(a_start(2, 15)))
    await session_ends(scene, scene.asha)
    sent = await person.submit(page, "/bookings", address_id="", address="7 Lake View Road", note="Ring twice")
    page = await goes_on(scene, person, sent, scene.omar)
    assert "Lake View" not in page.text
    assert "Ring twice" not in page.text
    assert "What you typed" not in page.text


async def test_card_data_and_codes_are_not_kept(scene):
    asha = await scene.browser(scene.asha)
    reference = await scene.held(asha, a_start(2, 15))
    page = await asha.visit(f"/bookings/{reference}/payment")
    await session_ends(scene, scene.asha)
    sent = await asha.submit(page, "/payment", **VISA, upi_id="asha@bank", code="123456")
    page = await goes_on(scene, asha, sent, scene.asha)
    assert page.path == f"/bookings/{reference}/payment"
    fields = page.form("/payment").fields
    assert [fields[name] for name in ("card_number", "expiry", "cvv", "upi_id")] == ["", "", "", ""]
    assert "asha@bank" not in page.text


async def test_a_reason_typed_while_the_session_ended_is_there_again(scene):
    asha = await scene.browser(scene.asha)
    reference = await scene.paid(asha, a_start(2, 15))
    page = await asha.visit(f"/bookings/{reference}/cancellation")
    await session_ends(scene, scene.asha)
    sent = await asha.submit(page, "/cancellation", reason="We found the spanner.")
    page = await goes_on(scene, asha, sent, scene.asha)
    assert page.form("/cancellation").fields["reason"].strip() == "We found the spanner."


async def test_an_address_typed_while_the_session_ended_is_there_again(scene):
    asha = await scene.browser(scene.asha)
    page = await asha.visit("/profile/addresses/new")
    await session_ends(scene, scene.asha)
    sent = await asha.submit(page, "/profile/addresses", address="A new home", pincode="600041")
    page = await goes_on(scene, asha, sent, scene.asha)
    fields = page.form("/profile/addresses", having="address").fields
    assert (fields["address"].strip(), fields["pincode"]) == ("A new home", "600041")
