"""A professional who books himself: the booking is flagged, and its review does not count until an admin looked."""

import asyncio

import pytest
from sqlalchemy import text

from app.bookings.moves import Flag
from app.check.run import find_violations
from app.core import clock
from app.core.errors import Refused
from app.reviews.submission import decide_flag, submit_review
from tests.bookings.scenes import Scene
from tests.factories import a_customer, a_start, an_admin

COUNTED = """
    SELECT (SELECT coalesce(sum(one + two + three + four + five), 0) FROM service_ratings WHERE service_id = :service),
           (SELECT coalesce(sum(one + two + three + four + five), 0) FROM professional_ratings
             WHERE professional_id = :ravi),
           (SELECT count(rating) FROM bookings WHERE reference = :reference)
"""
SHARED = {
    "phone": "UPDATE users SET phone = (SELECT phone FROM users WHERE id = :ravi) WHERE id = :asha",
    "address": "INSERT INTO addresses (user_id, line, pincode, is_main, created_at)"
    " SELECT :ravi, upper(replace(line, ',', ' ')), pincode, true, now() FROM addresses WHERE user_id = :asha",
    "payment": "INSERT INTO charges (booking_id, customer_id, purpose, method, amount, state, brand, last4, created_at,"
    " updated_at) SELECT booking_id, :ravi, purpose, method, amount, 'declined', brand, last4, now(), now()"
    " FROM charges WHERE customer_id = :asha LIMIT 1",
    "device": "INSERT INTO device_tokens (digest, user_id, created_at, last_used_at, expires_at)"
    " SELECT sha256(convert_to((SELECT email FROM users WHERE id = :ravi), 'UTF8')), id, now(), now(),"
    " now() + interval '90 days'"
    " FROM users WHERE id IN (:asha, :ravi)",
}


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    yield scene
    await scene.close()


@pytest.fixture
async def meena(scene):
    async with scene.database.work() as db:
        return await an_admin(db)


async def share(scene, sign: str) -> None:
    async with scene.database.work() as db:
        await db.execute(text(SHARED[sign]), {"asha": scene.asha.id, "ravi": scene.ravi.id})


async def counted(scene, reference: str) -> tuple[int, int, int]:
    """Stars of the service, stars of the professional, and the rating that reports read."""
    params = {"service": scene.service.id, "ravi": scene.ravi.id, "reference": reference}
    return (await scene.rows(COUNTED, **params))[0]


async def flag_of(scene, reference: str) -> tuple[str | None, list[str] | None]:
    return (await scene.rows("SELECT flag, flag_signs FROM bookings WHERE reference = :ref", ref=reference))[0]


async def review(scene, reference: str, rating: int = 5) -> None:
    async with scene.database.work() as db:
        await submit_review(db, scene.asha, reference, rating, "The best of all.")


async def decided(scene, by, reference: str, flag: Flag) -> None:
    async with scene.database.work() as db:
        await decide_flag(db, by, reference, flag)


@pytest.mark.parametrize("sign", SHARED)
async def test_what_customer_and_professional_share_flags_the_booking(scene, meena, sign):
    asha = await scene.browser(scene.asha)
    if sign == "payment":  # a card that was used before
        await scene.paid(asha, a_start(3))
    await share(scene, sign)
    reference = await scene.done(asha)
    assert await flag_of(scene, reference) == ("pending", [sign])
    await review(scene, reference)
    assert await counted(scene, reference) == (0, 0, 0)
    public = await asha.visit(f"/services/{scene.service.slug}")
    assert "The best of all." not in public.text
    recorded = "SELECT facts -> 'signs' FROM events WHERE subject = :subject AND name = 'booking.flagged'"
    assert await scene.rows(recorded, subject=f"booking-{reference}") == [([sign],)]


async def test_an_honest_booking_is_not_flagged_and_counts(scene):
    reference = await scene.done(await scene.browser(scene.asha))
    await review(scene, reference)
    assert await flag_of(scene, reference) == (None, None)
    assert await counted(scene, reference) == (1, 1, 1)


async def test_a_sign_that_shows_after_the_acceptance_counts_at_the_review(scene):
    reference = await scene.done(await scene.browser(scene.asha))
    assert await flag_of(scene, reference) == (None, None)
    await share(scene, "device")
    await review(scene, reference)
    assert await flag_of(scene, reference) == ("pending", ["device"])
    assert await counted(scene, reference) == (0, 0, 0)


async def test_another_professional_takes_the_flag_off(scene):
    asha = await scene.browser(scene.asha)
    await share(scene, "phone")
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    assert await flag_of(scene, reference) == ("pending", ["phone"])
    ravi = await scene.browser(scene.ravi)
    await ravi.post_fields(f"/jobs/{reference}/return", {"reason": "Ill."})
    await scene.accepted(reference, scene.kumar)
    assert await flag_of(scene, reference) == (None, None)


async def test_an_admin_finds_it_and_says_whether_it_counts(scene, meena):
    await share(scene, "phone")
    reference = await scene.done(await scene.browser(scene.asha))
    honest = await scene.paid(await scene.browser(scene.omar), a_start(2))
    await review(scene, reference, 4)
    admin = await scene.browser(meena)
    listed = await admin.visit(f"/admin/bookings?flag=pending&service={scene.service.id}")
    assert reference in listed.text
    assert honest not in listed.text
    page = await admin.visit(f"/admin/bookings/{reference}")
    assert "The customer may be the professional" in page.text
    assert "Same phone" in page.text
    assert "The best of all." in page.text
    assert "may be the professional" not in (await admin.visit(f"/admin/bookings/{honest}")).text
    for answer, rating, flag in (("yes", (1, 1, 1), "counts"), ("no", (0, 0, 0), "excluded")):
        page = await admin.visit(f"/admin/bookings/{reference}")
        sent = await admin.submit(page, "/flag", counts=answer)
        assert (sent.status, sent.location) == (303, f"/admin/bookings/{reference}")
        assert (await flag_of(scene, reference))[0] == flag
        assert await counted(scene, reference) == rating
        again = await admin.post_fields(f"/admin/bookings/{reference}/flag", {"counts": answer})
        assert again.status == 303
        assert await counted(scene, reference) == rating
    assert reference not in (await admin.visit(f"/admin/bookings?flag=pending&service={scene.service.id}")).text
    decisions = "SELECT count(*) FROM events WHERE subject = :subject AND name = 'booking.flag_decided'"
    assert await scene.scalar(decisions, subject=f"booking-{reference}") == 2
    assert (await admin.post_fields(f"/admin/bookings/{honest}/flag", {"counts": "yes"})).status == 409
    assert (await admin.post_fields(f"/admin/bookings/{reference}/flag", {"counts": "maybe"})).status == 422


async def test_a_review_after_the_decision_follows_it(scene, meena):
    await share(scene, "phone")
    reference = await scene.done(await scene.browser(scene.asha))
    await decided(scene, meena, reference, Flag.COUNTS)
    await review(scene, reference)
    assert await counted(scene, reference) == (1, 1, 1)
    with pytest.raises(Refused):
        await decided(scene, meena, await scene.paid(await scene.browser(scene.omar), a_start(2)), Flag.COUNTS)


async def test_decisions_and_a_review_at_the_same_moment_agree(scene, meena):
    await share(scene, "phone")
    reference = await scene.done(await scene.browser(scene.asha))
    decisions = [decided(scene, meena, reference, flag) for flag in (Flag.COUNTS, Flag.EXCLUDED) * 4]
    await asyncio.gather(review(scene, reference, 3), *decisions, review(scene, reference, 4))
    flag, _signs = await flag_of(scene, reference)
    assert await counted(scene, reference) == ((1, 1, 1) if flag == "counts" else (0, 0, 0))


async def test_the_database_lets_no_flagged_review_count(scene):
    """Whatever is written to the review itself; and an acceptance past all verbs is flagged too."""
    await share(scene, "phone")
    reference = await scene.done(await scene.browser(scene.asha))
    await review(scene, reference)
    async with scene.database.work() as db:
        await db.execute(
            text(
                "UPDATE reviews SET counts = true"
                " WHERE booking_id = (SELECT id FROM bookings WHERE reference = :reference)"
            ),
            {"reference": reference},
        )
    assert await counted(scene, reference) == (0, 0, 0)
    requested = await scene.paid(await scene.browser(scene.asha), a_start(3))
    async with scene.database.work() as db:
        await db.execute(
            text(
                "UPDATE bookings SET state = 'assigned', professional_id = :ravi, assigned_at = :now"
                " WHERE reference = :reference"
            ),
            {"ravi": scene.ravi.id, "now": clock.now(), "reference": requested},
        )
    assert await flag_of(scene, requested) == ("pending", ["phone"])


async def test_twenty_accounts_of_one_professional_give_no_star(scene):
    """The same attempt by many accounts, five at a time; the honest customer's stars count beside them."""
    places = asyncio.Semaphore(5)  # all twenty at once, a slow machine tells some of them to come again
    async with scene.database.work() as db:
        before = {(item.rule, item.subject) for item in await find_violations(db, None)}  # other tests share the data
        doubles = [await a_customer(db, f"Double {n}", phone=scene.ravi.phone) for n in range(20)]

    async def book(number: int, customer) -> str:
        async with places:
            reference = await scene.paid(await scene.browser(customer), a_start(1 + number // 5, 9 + 2 * (number % 5)))
            await scene.accepted(reference)
            await scene.started(reference)
            await scene.completed(reference)
            async with scene.database.work() as db:
                await submit_review(db, customer, reference, 5, "Ravi is the best.")
            return reference

    await asyncio.gather(*(book(number, customer) for number, customer in enumerate(doubles)))
    honest = await book(20, scene.omar)
    assert await counted(scene, honest) == (1, 1, 1)
    flagged = "SELECT count(*) FROM bookings WHERE professional_id = :ravi AND flag = 'pending'"
    assert await scene.scalar(flagged, ravi=scene.ravi.id) == 20
    async with scene.database.work() as db:
        found = {(item.rule, item.subject) for item in await find_violations(db, None)}
    assert not {rule for rule, _subject in found - before} & {
        "ratings-match-reviews",
        "flagged-reviews-do-not-count",
        "booking-totals-match-ledger",
    }
