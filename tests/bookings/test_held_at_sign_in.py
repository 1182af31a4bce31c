"""W21: what a visitor chose is held as soon as the account exists or is signed in to, by the rules of every hold."""

import asyncio
import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import update

from app.accounts.user import User
from app.bookings.chosen_start import hold_chosen_start, read_chosen_start
from app.core import clock
from app.core.errors import Invalid
from tests.bookings.scenes import START, VISA, Scene, later
from tests.emailed_codes import emailed_codes
from tests.factories import ADYAR, BESANT_NAGAR, PASSWORD, a_start
from tests.person import Page, Person

WHO = {"full_name": "Divya Menon", "phone": "+91 00000 00431", "address": "12 Canal Bank Road", "pincode": ADYAR}
HELD = "SELECT count(*) FROM bookings WHERE customer_id = :id AND state = 'held'"
ID_OF = "SELECT id FROM users WHERE email = :email"


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    hashed = await app.state.services.passwords.hash(PASSWORD)
    async with scene.database.work() as db:
        await db.execute(update(User).where(User.id == scene.asha.id).values(password_hash=hashed))
    yield scene
    await scene.close()


@pytest.fixture
async def divya(app):
    async with Person(app) as person:
        yield person


def address_of(scene: Scene, name: str) -> str:
    return f"{name}-{scene.service.id}@example.com"


async def enters_code(scene: Scene, person: Person, chosen: str, email: str) -> Page:
    """From what was chosen by way of the code; the answer to the code."""
    page = await person.visit(chosen)
    sent = await person.post_fields("/login/code", {**page.form("/login").fields, "email": email})
    page = await person.visit(sent.location)
    code = (await emailed_codes(scene.app, email))[-1]
    return await person.submit(page, "/login/code", having="code", code=code)


async def by_code(scene: Scene, person: Person, chosen: str) -> str:
    email = address_of(scene, "divya.code")
    welcome = await person.visit((await enters_code(scene, person, chosen, email)).location)
    assert (await person.submit(welcome, "/welcome", **WHO)).location == chosen
    return email


async def by_password(scene: Scene, person: Person, chosen: str) -> str:
    email = address_of(scene, "divya.password")
    register = next(link for link in (await person.visit(chosen)).links if link.startswith("/register?"))
    form = await person.visit(register)
    assert form.form("/register").fields["pincode"] == ADYAR
    login = await person.submit_and_follow(form, "/register", **WHO, email=email, password=PASSWORD)
    assert (await person.submit(login, "/login", email=email, password=PASSWORD)).location == chosen
    return email


async def by_sign_in(scene: Scene, person: Person, chosen: str) -> str:
    page = await person.visit(chosen)
    assert (await person.submit(page, "/login", email=scene.asha.email, password=PASSWORD)).location == chosen
    return scene.asha.email


@pytest.mark.parametrize("arrives", [by_code, by_password, by_sign_in])
async def test_the_start_is_held_once_signed_in_and_the_form_continues_the_hold(scene, divya, arrives):
    when = a_start(2, 11)
    chosen = scene.new_booking_url(when, professional=scene.ravi.id)
    email = await arrives(scene, divya, chosen)
    [(reference, pincode)] = await scene.rows(
        "SELECT b.reference, b.pincode FROM bookings b JOIN users u ON u.id = b.customer_id"
        " WHERE u.email = :email AND b.state = 'held'",
        email=email,
    )
    assert (pincode, await scene.reserved_for(reference)) == (ADYAR, scene.ravi.id)
    omar = await scene.browser(scene.omar)
    taken = await omar.visit(chosen)
    assert "That time has been taken." in taken.text
    page = await divya.visit(chosen)
    assert "holding this time until" in page.text
    assert "has been taken" not in page.text
    sent = await divya.submit(page, "/bookings", note="Ring twice.")
    assert sent.location == f"/bookings/{reference}/payment"
    booking = await scene.booking(reference)
    assert (booking.note, booking.starts_at) == ("Ring twice.", when)
    paid = await scene.pay(divya, reference, **VISA)
    assert paid.location == f"/bookings/{reference}"


async def test_opening_the_page_holds_nothing(scene):
    asha = await scene.browser(scene.asha)
    for _ in range(2):
        assert (await asha.visit(scene.new_booking_url(a_start(2, 11)))).status == 200
    assert await scene.scalar(HELD, id=scene.asha.id) == 0


async def test_signing_in_twice_holds_once(scene):
    chosen = scene.new_booking_url(a_start(2, 11))
    async with Person(scene.app) as first, Person(scene.app) as second:
        pages = [await person.visit(chosen) for person in (first, second)]
        answers = await asyncio.gather(
            *(
                person.submit(page, "/login", email=scene.asha.email, password=PASSWORD)
                for person, page in zip((first, second), pages, strict=True)
            )
        )
    assert [answer.location for answer in answers] == [chosen] * 2
    assert await scene.scalar(HELD, id=scene.asha.id) == 1


async def test_a_start_taken_while_the_code_is_on_its_way_leads_to_the_nearest_free_ones(scene, divya):
    when = a_start(2, 11)
    chosen = scene.new_booking_url(when, professional=scene.ravi.id)
    omar = await scene.browser(scene.omar)
    page = await divya.visit(chosen)
    email = address_of(scene, "divya.late")
    sent = await divya.post_fields("/login/code", {**page.form("/login").fields, "email": email})
    await scene.held(omar, when, professional=scene.ravi.id)
    page = await divya.visit(sent.location)
    code = (await emailed_codes(scene.app, email))[-1]
    welcome = await divya.submit_and_follow(page, "/login/code", having="code", code=code)
    page = await divya.submit_and_follow(welcome, "/welcome", **WHO)
    assert "That time has been taken." in page.text
    assert len(re.findall(r'name="start"\s+value="([^"]+)"', page.text)) == 3
    divya_id = await scene.scalar(ID_OF, email=email)
    assert await scene.scalar(HELD, id=divya_id) == 0


async def test_the_limit_of_unpaid_bookings_binds_and_never_keeps_one_out(scene, divya):
    async with scene.database.work() as db:
        await db.execute(update(User).where(User.id == scene.asha.id).values(email_verified_at=None))
    await scene.held(await scene.browser(scene.asha), a_start(3, 15))
    await by_sign_in(scene, divya, scene.new_booking_url(a_start(2, 11)))
    assert await scene.scalar(HELD, id=scene.asha.id) == 1
    assert (await divya.visit("/profile")).status == 200


@pytest.mark.parametrize(
    "next_url",
    [
        "/bookings/new",
        "/bookings/new?service={service}",
        "/bookings/new?service={service}&start=banana",
        "/bookings/new?service={service}&start=2026-02-30T10:00",
        "/bookings/new?service=no-such-service&start={start}",
        "/bookings/new?service=99999999999999999999&start={start}",
        "/bookings/new?service={service}&start={start}&start={start}",
        "/bookings/new?service={service}&start={start}&pincode=000000",
        "/bookings/new?service={service}&start={start}&pincode=" + BESANT_NAGAR,
        "/bookings/new?service={service}&start={start}&professional=999999999",
        "/bookings/new?service={service}&start={past}",
        "/bookings/new?" + "&".join(f"a{n}=1" for n in range(40)),
        "/profile?service={service}&start={start}",
        "//evil.example/bookings/new?service={service}&start={start}",
        "https://evil.example/bookings/new?service={service}&start={start}",
    ],
)
async def test_whatever_next_is_one_is_signed_in_and_nothing_wrong_is_held(scene, divya, next_url):
    next_url = next_url.format(
        service=scene.service.id,
        start=a_start(2, 11).strftime(START),
        past=(clock.now() - timedelta(days=1)).strftime(START),
    )
    page = await divya.visit("/login?next=" + quote(next_url))
    sent = await divya.submit(page, "/login", email=scene.asha.email, password=PASSWORD)
    assert sent.status == 303
    assert sent.location.startswith("/")
    assert "evil" not in sent.location
    assert await scene.scalar(HELD, id=scene.asha.id) == 0


async def test_a_hold_that_breaks_signs_in_all_the_same(scene, divya, monkeypatch):
    async def breaks(*_anything: object) -> None:
        raise RuntimeError("a disk is full")

    monkeypatch.setattr("app.bookings.chosen_start.hold", breaks)
    await by_sign_in(scene, divya, scene.new_booking_url(a_start(2, 11)))
    assert (await divya.visit("/profile")).path == "/profile"


async def test_no_one_but_a_customer_holds(scene):
    for user in (scene.ravi, scene.asha):
        await hold_chosen_start(scene.database.work, user, scene.new_booking_url(a_start(2, 11)))
        held = await scene.scalar(HELD, id=user.id)
        assert held == (1 if user is scene.asha else 0)


async def test_another_address_takes_the_hold_along_and_another_place_ends_it(scene, divya):
    when = a_start(2, 11)
    chosen = scene.new_booking_url(when, professional=scene.ravi.id)
    await by_sign_in(scene, divya, chosen)
    page = await divya.visit(chosen)
    first = page.form("/bookings", having="held").fields["held"]
    sent = await divya.submit(page, "/bookings", address_id="", address="7 Lake View Road", pincode=ADYAR)
    assert sent.location == f"/bookings/{first}/payment"
    assert (await scene.booking(first)).address == "7 Lake View Road"
    page = await divya.visit(chosen)
    moved = await divya.submit(page, "/bookings", professional_id="")
    second = moved.location.split("/")[2]
    assert second != first
    assert (await scene.booking(first)).state == "cancelled"
    assert first not in (await divya.visit("/bookings")).text, "what was never paid is no past booking"


async def test_a_lapsed_hold_is_made_again(scene, divya):
    chosen = scene.new_booking_url(a_start(2, 11))
    await by_sign_in(scene, divya, chosen)
    page = await divya.visit(chosen)
    first = page.form("/bookings", having="held").fields["held"]
    with later(minutes=8):
        sent = await divya.submit(page, "/bookings")
        assert sent.status == 303
        assert sent.location.split("/")[2] != first


async def test_the_hold_of_another_customer_is_not_found(scene):
    asha, omar = await scene.browser(scene.asha), await scene.browser(scene.omar)
    reference = await scene.held(omar, a_start(2, 15))
    page = await asha.visit(scene.new_booking_url(a_start(2, 11)))
    assert (await asha.submit(page, "/bookings", held=reference)).status == 404
    assert (await scene.booking(reference)).state == "held"


def test_only_the_page_of_a_new_booking_is_read():
    assert read_chosen_start("/bookings/new?service=7&start=2026-12-05T10:00") is not None
    assert read_chosen_start("/bookings?service=7&start=2026-12-05T10:00") is None
    with pytest.raises(Invalid):
        read_chosen_start("/bookings/new?service=7&start=soon")
