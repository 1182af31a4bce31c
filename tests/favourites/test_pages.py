"""A customer's favourites, and "don't book again", on the pages (W41)."""

from urllib.parse import quote

import pytest
from sqlalchemy import text

from app.accounts.session import Sessions
from app.blocking.block import block
from app.favourites.favourite import MAX_FAVOURITES
from app.favourites.repository import Favourites
from tests.factories import ADYAR, a_professional, a_start, an_admin
from tests.statements import count_statements

FREE_STARTS = 'name="start" value='


async def choose(me, professional, what, on, then="/favourites"):
    sent = await me.post_fields(f"/professionals/{professional.id}/{what}", {"on": on}, referer=then)
    assert (sent.status, sent.location) == (303, then), sent.text


async def run(scene, statement, **params):
    async with scene.database.work() as db:
        await db.execute(text(statement), params)


async def exclude_customer(scene, reference):
    ravi = await scene.browser(scene.ravi)
    page = await ravi.visit(f"/jobs/{reference}")
    sent = await ravi.submit(page, "/exclusion")
    assert (sent.status, sent.location) == (303, f"/jobs/{reference}"), sent.text
    return await ravi.visit(f"/jobs/{reference}")


def service_page(scene, **query):
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return f"/services/{scene.service.slug}?pincode={ADYAR}{more}"


async def test_without_favourites_the_page_says_how_to_add_one(scene):
    page = await (await scene.browser(scene.asha)).visit("/favourites")
    assert "No favourites yet" in page.text
    assert "Not to be booked again" not in page.text


async def test_a_favourite_is_added_on_their_page_and_booked_from_the_list_and_from_home(scene):
    asha = await scene.browser(scene.asha)
    await scene.paid(asha)
    card = await asha.visit(f"/professionals/{scene.ravi.id}")
    assert "Don't book again" not in card.text  # they had no booking with each other
    await asha.submit_and_follow(card, "/favourite")
    assert "Remove from favourites" in (await asha.visit(f"/professionals/{scene.ravi.id}")).text
    booking_url = f"/services/{scene.service.slug}?professional={scene.ravi.id}"
    for address in ("/favourites", "/"):
        page = await asha.visit(address)
        assert booking_url in page.links, address
    assert FREE_STARTS in (await asha.visit(booking_url)).text
    removed = await asha.submit_and_follow(await asha.visit("/favourites"), "/favourite")
    assert "No favourites yet" in removed.text
    assert booking_url not in (await asha.visit("/")).links


async def test_a_visitor_and_other_roles_have_no_buttons(scene):
    ravi = await scene.browser(scene.ravi)
    for page in (await (await scene.browser(scene.asha)).get("/favourites"), await ravi.get("/favourites")):
        assert page.status_code in (200, 403)
    assert "/favourite" not in (await ravi.visit(f"/professionals/{scene.kumar.id}")).text


@pytest.mark.parametrize("why", ["blocked", "left", "excluded by me", "excluded me", "offers nothing"])
async def test_a_favourite_who_cannot_come_is_not_available_and_nothing_says_why(scene, why):
    asha = await scene.browser(scene.asha)
    reference = await scene.done(asha)
    for professional in (scene.ravi, scene.kumar):
        await choose(asha, professional, "favourite", "yes")
    if why == "blocked":
        async with scene.database.work() as db:
            await block(db, Sessions(scene.database), await an_admin(db), scene.ravi.id, "Rude at the door.")
    elif why == "left":
        await run(scene, "UPDATE users SET deleted_at = now() WHERE id = :id", id=scene.ravi.id)
        await run(
            scene,
            "UPDATE professionals SET approval_status = 'denied', approved_at = NULL WHERE user_id = :id",
            id=scene.ravi.id,
        )
    elif why == "excluded by me":
        await choose(asha, scene.ravi, "exclusion", "yes")
    elif why == "excluded me":
        await exclude_customer(scene, reference)
    else:
        await run(scene, "DELETE FROM offered_services WHERE professional_id = :id", id=scene.ravi.id)
    page = await asha.visit("/favourites")
    assert page.text.count("Not available") == 1
    assert [link for link in page.links if "professional=" in link] == [
        f"/services/{scene.service.slug}?professional={scene.kumar.id}"
    ]
    assert f"professional={scene.ravi.id}" not in (await asha.visit("/")).text
    for word in ("blocked", "left", "deleted", "denied"):
        assert word not in page.text.casefold()
    if why != "excluded by me":
        assert "Not to be booked again" not in page.text
    refused = await asha.post_fields(
        "/bookings",
        {
            "service_id": str(scene.service.id),
            "start": a_start(2).strftime("%Y-%m-%dT%H:%M"),
            "address": "Flat 3B",
            "pincode": ADYAR,
            "professional_id": str(scene.ravi.id),
        },
    )
    assert refused.status == 422
    assert "Choose any available professional" in refused.text


async def test_refusals_read_the_same_for_those_who_excluded_or_withdrew_the_service(scene):
    """The answers about a professional, with the own choice left out: nothing tells who excluded whom."""
    asha = await scene.browser(scene.asha)
    reference = await scene.done(asha)
    urls = (
        service_page(scene, professional=scene.ravi.id),
        scene.new_booking_url(a_start(2), professional=scene.ravi.id),
        f"/bookings/new?again={reference}",
    )

    async def answers():
        pages = [await asha.visit(url) for url in urls]
        return [(page.status, page.text.count(FREE_STARTS), page.text.count("Ravi")) for page in pages]

    await exclude_customer(scene, reference)
    by_professional = await answers()
    await (await scene.browser(scene.ravi)).post_fields(f"/jobs/{reference}/exclusion", {"on": "no"})
    assert await answers() != by_professional
    await choose(asha, scene.ravi, "exclusion", "yes")
    assert await answers() == by_professional
    await choose(asha, scene.ravi, "exclusion", "no")
    await run(scene, "DELETE FROM offered_services WHERE professional_id = :id", id=scene.ravi.id)
    assert await answers() == by_professional


async def test_pages_that_visitors_share_are_never_those_of_a_customer_with_exclusions(scene):
    """The visitor's page is cached; the customer's is drawn without the excluded professional, before and after."""
    asha, visitor = await scene.browser(scene.asha), await scene.browser(scene.omar)
    visitor.cookies.clear()
    reference = await scene.done(asha)
    await exclude_customer(scene, reference)
    for _ in range(2):
        assert "Ravi K." in (await visitor.visit(service_page(scene))).text
        own = await asha.visit(service_page(scene))
        assert "Ravi K." not in own.text
        assert "Kumar R." in own.text
    piece = {"hx-request": "true", "hx-request-type": "partial"}
    his_slots = service_page(scene, professional=scene.ravi.id).replace("?", "/slots?")
    for _ in range(2):
        assert (await visitor.visit(his_slots, **piece)).status == 200
        own = await asha.visit(his_slots, **piece)
        assert (own.status, "Choose any available professional" in own.text) == (422, True)
    card = f"/professionals/{scene.ravi.id}"
    for _ in range(2):
        assert "Next free" in (await visitor.visit(card)).text
        assert "No free times this week" in (await asha.visit(card)).text


async def test_earliest_starts_are_those_of_whom_the_customer_may_meet(scene):
    asha, omar = await scene.browser(scene.asha), await scene.browser(scene.omar)
    await scene.done(asha)
    await run(scene, "DELETE FROM offered_services WHERE professional_id = :id", id=scene.kumar.id)
    results = f"/services?q={quote(scene.service.name)}&pincode={ADYAR}"  # other tests leave services
    await choose(asha, scene.ravi, "exclusion", "yes")
    assert "earliest" in (await omar.visit(results)).text.casefold()
    own = await asha.visit(results)
    assert scene.service.name in own.text
    assert "no free time" in own.text.casefold() or "earliest" not in own.text.casefold()


async def test_the_finished_visit_asks_and_the_list_takes_it_back(scene):
    asha = await scene.browser(scene.asha)
    reference = await scene.done(asha)
    page = await asha.visit(f"/bookings/{reference}")
    await asha.submit_and_follow(page, "/exclusion")
    assert "Allow bookings again" in (await asha.visit(f"/bookings/{reference}")).text
    assert (
        f'name="professional_id" value="{scene.ravi.id}"'
        not in (await asha.visit(f"/bookings/new?again={reference}")).text
    )
    listed = await asha.visit("/favourites")
    assert "Not to be booked again" in listed.text
    allowed = await asha.submit_and_follow(listed, "/exclusion")
    assert "Not to be booked again" not in allowed.text
    assert "Ravi K." in (await asha.visit(service_page(scene))).text


async def test_the_professional_sees_their_own_choice_and_may_take_it_back(scene):
    asha, ravi = await scene.browser(scene.asha), await scene.browser(scene.ravi)
    reference = await scene.done(asha)
    await choose(asha, scene.ravi, "exclusion", "yes")
    before = await ravi.visit(f"/jobs/{reference}")
    assert "No more jobs from this customer" in before.text  # nothing shows that the customer did the same
    await exclude_customer(scene, reference)
    page = await ravi.visit(f"/jobs/{reference}")
    assert "You get no offers from this customer any more" in page.text
    again = await ravi.submit_and_follow(page, "/exclusion")
    assert "No more jobs from this customer" in again.text
    assert await scene.scalar("SELECT count(*) FROM exclusions") == 1


async def test_only_a_job_that_is_over_shows_the_form(scene):
    asha = await scene.browser(scene.asha)
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    assert "/exclusion" not in (await (await scene.browser(scene.ravi)).visit(f"/jobs/{reference}")).text
    assert "/exclusion" not in (await asha.visit(f"/bookings/{reference}")).text


async def test_admins_see_who_excluded_whom_and_since_when(scene):
    asha = await scene.browser(scene.asha)
    reference = await scene.done(asha)
    await choose(asha, scene.ravi, "exclusion", "yes")
    await exclude_customer(scene, reference)
    async with scene.database.work() as db:
        admin = await an_admin(db)
    meena = await scene.browser(admin)
    customer = await meena.visit(f"/admin/customers/{scene.asha.id}?tab=history")
    professional = await meena.visit(f"/admin/professionals/{scene.ravi.id}?tab=history")
    for page, other in ((customer, "Ravi Kumar"), (professional, "Asha Raman")):
        assert other in page.text
        assert page.text.count("Excluded by this person") == page.text.count("Excluded by them") == 1
        assert "wants no more bookings with this person" in page.text


async def test_a_hundred_favourites_are_enough(scene):
    asha = await scene.browser(scene.asha)
    async with scene.database.work() as db:
        for number in range(MAX_FAVOURITES):
            worker = await a_professional(db, f"Worker {number}")
            await Favourites(db, scene.asha).add(worker.id)
    refused = await asha.post_fields(f"/professionals/{scene.ravi.id}/favourite", {"on": "yes"})
    assert refused.status == 409
    assert "You have too many favourites" in refused.text
    await choose(asha, worker, "favourite", "yes")


async def test_a_list_of_favourites_is_one_statement_however_long(scene):
    asha = await scene.browser(scene.asha)

    async def count():
        with count_statements(scene.database) as sent:
            await asha.visit("/favourites")
        return len(sent)

    await choose(asha, scene.ravi, "favourite", "yes")
    statements = await count()
    await choose(asha, scene.kumar, "favourite", "yes")
    assert await count() == statements


@pytest.mark.parametrize("on", ["", "maybe", "YES", ["yes", "no"]])
async def test_another_answer_than_yes_or_no_is_refused_and_changes_nothing(scene, on):
    asha = await scene.browser(scene.asha)
    reference = await scene.done(asha)
    for what in ("favourite", "exclusion"):
        assert (await asha.post_fields(f"/professionals/{scene.ravi.id}/{what}", {"on": on})).status == 422
    ravi = await scene.browser(scene.ravi)
    assert (await ravi.post_fields(f"/jobs/{reference}/exclusion", {"on": on})).status == 422
    assert await scene.rows("SELECT 1 FROM favourites UNION ALL SELECT 1 FROM exclusions") == []
