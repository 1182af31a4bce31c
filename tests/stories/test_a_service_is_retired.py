"""A service leaves the catalogue while one job is accepted, one waits, one is being paid for, one form is open (W5);
its price changes during a payment (W6)."""

import re

import pytest

from tests.factories import an_admin
from tests.person import Page, Person
from tests.story_app import SLOT_VALUE_FORMAT, at, contains_code, frozen_at
from tests.town import LEAKS, NOTE, VISA

HTMX = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.fixture
async def meena(story):
    async with story.database.work() as db:
        admin = await an_admin(db)
    story.people[admin.email] = await Person(story.app).signed_in_as(admin, story.database)
    return story.people[admin.email]


@pytest.fixture
async def admin_url(story):
    """The URL of the service's admin page."""
    return f"/admin/services/{story.town.service.id}"


def plain(page):
    """What people read of it: without the tokens of its forms."""
    return re.sub(r'value="[^"]{40,}"|x-csrf-token[^}]+', "", page.text)


async def sign_up_as(story, name):
    return await story.sign_up(full_name=name, email=f"{name.split()[0].lower()}@example.com")


async def booking_form(me, start):
    """The form of a new booking, not sent yet."""
    page = await me.visit(f"/services/{LEAKS}?pincode=600020")
    return await me.submit_and_follow(page, "/bookings/new", start=start.strftime(SLOT_VALUE_FORMAT))


async def test_a_service_is_retired_with_open_bookings_and_no_one_is_let_down(story, meena, admin_url):
    asha, lakshmi = await story.sign_up(), await sign_up_as(story, "Lakshmi Narayanan")
    kavya, john = await sign_up_as(story, "Kavya Iyer"), await sign_up_as(story, "John Peter")
    ravi, kumar = await story.sign_in_professionals()
    accepted = await story.book(asha, at(15), named=story.town.ravi)
    await story.accept(ravi, reference(accepted))
    waiting = await story.book(lakshmi, at(17), method="after")
    paying = await kavya.submit_and_follow(await booking_form(kavya, at(18)), "/bookings", note=NOTE)
    form = await booking_form(john, at(19))

    confirmation = await meena.visit(f"{admin_url}/retirement")
    assert "2 open bookings" in re.sub(r"</?b[^>]*>", "", confirmation.text)
    assert "1 customer is paying" in re.sub(r"</?b[^>]*>", "", confirmation.text)
    assert "3 professionals offer it" in re.sub(r"</?b[^>]*>", "", confirmation.text)
    done = await meena.submit_and_follow(confirmation, "/retirement")
    assert "Service retired." in done.text

    await booking_is_refused(story, john, form)
    await payer_is_informed(story, kavya, paying)
    await meena.submit_and_follow(
        await meena.visit(f"{admin_url}/edit"), "/edit", price="999", name="Leaks and everything", minutes="120"
    )
    await every_page_still_renders(asha, lakshmi, ravi, accepted, waiting)

    await story.start(asha, ravi, reference(accepted))
    assert "you earned ₹126.65" in (await story.finish(asha, ravi, reference(accepted))).text
    receipt = await asha.visit(f"{accepted.path}/receipt")
    assert "₹149" in receipt.text
    assert "Fixing leaks and pipes" in receipt.text
    assert "No longer offered" in (await asha.visit(f"/bookings/new?again={reference(accepted)}")).text

    moved = await lakshmi.visit(f"{waiting.path}/reschedule")
    await lakshmi.submit_and_follow(moved, "/reschedule", start=f"{at(11, days=1):%Y-%m-%dT%H:%M}")
    await story.accept(kumar, reference(waiting))
    assert "₹149" in (await lakshmi.visit(waiting.path)).text

    await meena.submit_and_follow(await meena.visit(admin_url), "/return")
    repeated = await story.book(john, at(13, days=1))
    assert "₹999" in repeated.text
    assert plain(await asha.visit(f"{accepted.path}/receipt")) == plain(receipt)
    only_their_own_codes(asha, lakshmi, kavya, john)


def only_their_own_codes(asha: Person, *others: Person) -> None:
    """The check after each story searches Asha's codes in others' messages; here others have codes too."""
    hers = {code for page in asha.pages for name, code in page.data.items() if name.endswith("-code")}
    for other in others:
        assert not [code for code in hers if contains_code(code, "\n".join(other.page_texts))]
        other.pages.clear()


async def booking_is_refused(story, john: Person, form: Page) -> None:
    refused = await john.submit(form, "/bookings", note=NOTE)
    assert refused.status == 409
    assert "This service is no longer offered" in refused.text
    async with Person(story.app) as visitor:
        displayed = await visitor.visit(f"/services/{LEAKS}?pincode=600020")
        assert "No longer offered" in displayed.text
        assert 'name="start"' not in displayed.text
        for page in ("/services?q=leak&pincode=600020", "/services?pincode=600020", "/"):
            assert f"/services/{LEAKS}" not in (await visitor.visit(page)).text, page
        assert (await visitor.visit(f"/professionals/{story.town.ravi.id}")).status == 200


async def payer_is_informed(story, kavya: Person, paying: Page) -> None:
    assert "No longer offered" in (await kavya.visit(paying.path)).text
    refused = await kavya.submit(paying, "/payment", **VISA)
    assert refused.status == 409
    assert "You haven't been charged" in refused.text
    assert "/services?category=plumbing" in refused.text
    booking = await kavya.visit(paying.path)
    assert "We had to cancel your booking" in booking.text
    assert (await kavya.post_fields(paying.path, VISA)).status == 409


async def every_page_still_renders(asha: Person, lakshmi: Person, ravi: Person, accepted: Page, waiting: Page) -> None:
    for person, path in (
        (asha, "/bookings"),
        (asha, accepted.path),
        (asha, f"{accepted.path}/receipt"),
        (asha, f"{accepted.path}/cancellation"),
        (asha, f"{accepted.path}/reschedule"),
        (lakshmi, waiting.path),
        (ravi, "/jobs"),
        (ravi, "/jobs?tab=today"),
        (ravi, "/jobs/history"),
        (ravi, "/earnings"),
        (ravi, f"/jobs/{reference(accepted)}"),
    ):
        page = await person.visit(path)
        assert page.status == 200, path
        assert "Leaks and everything" not in page.text, path


async def test_a_service_is_retired_with_htmx_and_the_row_says_so(story, meena, admin_url):
    asha = await story.sign_up()
    await story.book(asha, at(15))
    panel = await meena.visit(admin_url, **HTMX)
    assert f'hx-get="{admin_url}/retirement"' in panel.text
    confirmation = await meena.visit(f"{admin_url}/retirement", **HTMX)
    form = confirmation.form("/retirement")
    done = Page(await meena.post(form.action, data=form.fields, headers=HTMX))
    assert done.status == 200
    assert "Existing bookings will go ahead" in done.text
    row = re.search(rf'<hx-partial hx-target="#service-{story.town.service.id}".*?</hx-partial>', done.text, re.S)
    assert row
    assert "Retired" in row[0]
    back = done.form("/return")
    done = Page(await meena.post(back.action, data=back.fields, headers=HTMX))
    assert "Service restored" in done.text


async def test_two_admins_retire_the_same_service_and_both_are_answered(story, meena, admin_url):
    async with story.database.work() as db:
        other = await an_admin(db, "Kiran Rao")
    kiran = await Person(story.app).signed_in_as(other, story.database)
    pages = [await item.visit(f"{admin_url}/retirement") for item in (meena, kiran)]
    for entry, page in zip((meena, kiran), pages, strict=True):
        assert "Service retired." in (await entry.submit_and_follow(page, "/retirement")).text
    assert "retired the service" in (await meena.visit(f"{admin_url}?tab=history")).text
    await kiran.aclose()


async def test_the_price_changes_while_asha_pays_and_her_old_receipt_does_not(story, meena, admin_url):
    asha, ravi = await story.sign_up(), await story.sign_in("ravi@example.com")
    first = await story.book(asha, at(15))
    await story.accept(ravi, reference(first))
    before = plain(await asha.visit(f"{first.path}/receipt"))
    payment = await asha.submit_and_follow(await booking_form(asha, at(18)), "/bookings", note=NOTE)
    assert "₹149" in payment.text
    await meena.submit_and_follow(await meena.visit(f"{admin_url}/edit"), "/edit", price="99.99")
    changed = await asha.submit(payment, "/payment", **VISA)
    assert changed.status == 409
    assert "The price changed while you were paying" in changed.text
    assert "₹99.99" in changed.text
    booked = await asha.submit_and_follow(changed, "/payment", **VISA)
    assert "₹99.99" in booked.text
    assert plain(await asha.visit(f"{first.path}/receipt")) == before


def reference(page: Page) -> str:
    return page.path.split("/")[2]


async def test_a_time_that_lapsed_is_not_offered_again_once_its_service_is_retired(story, meena, admin_url):
    asha = await story.sign_up()
    payment = await asha.submit_and_follow(await booking_form(asha, at(18)), "/bookings", note=NOTE)
    await meena.submit_and_follow(await meena.visit(f"{admin_url}/retirement"), "/retirement")
    with frozen_at(9, 8):
        for page in (await asha.visit(payment.path), await asha.submit(payment, "/payment", **VISA)):
            assert "No longer offered" in page.text
            assert not [form for form in page.forms if form.action == "/bookings"]
