"""Reviews: once, by the customer, after the work; the ratings follow at once."""

import asyncio

import pytest
from sqlalchemy import text

from app.bookings.expiry import close_unreviewed
from tests.bookings.scenes import Scene, later
from tests.factories import a_start


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    yield scene
    await scene.close()


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def omar(scene):
    return await scene.browser(scene.omar)


async def rating_counts(scene):
    """The stored ratings, and a recount of the reviews."""
    columns = "one, two, three, four, five"
    stored = await scene.rows(f"SELECT {columns} FROM service_ratings WHERE service_id = :id", id=scene.service.id)
    ravis = await scene.rows(
        f"SELECT {columns}, jobs FROM professional_ratings WHERE professional_id = :id", id=scene.ravi.id
    )
    counts = ", ".join(f"count(*) FILTER (WHERE rating = {stars})::int" for stars in range(1, 6))
    recount = await scene.rows(f"SELECT {counts} FROM reviews WHERE service_id = :id", id=scene.service.id)
    return stored, ravis, recount


async def test_a_review_closes_the_booking_and_the_averages_follow_at_once(scene, asha):
    reference = await scene.done(asha)
    page = await asha.visit(f"/bookings/{reference}")
    assert "How was Ravi's work?" in page.text
    assert "Shown as Asha R., Adyar" in page.text
    after = await asha.submit_and_follow(page, "/review", rating="4", comment="Found the leak quickly.")
    assert "Found the leak quickly." in after.text
    assert (await scene.booking(reference)).state == "closed"
    stored, ravis, recount = await rating_counts(scene)
    assert stored == recount == [(0, 0, 0, 1, 0)]
    assert ravis == [(0, 0, 0, 1, 0, 1)]


async def test_it_may_be_changed_for_two_days_and_counts_once(scene, asha):
    reference = await scene.done(asha)
    await asha.submit(await asha.visit(f"/bookings/{reference}"), "/review", rating="4")
    with later(hours=47):
        page = await asha.visit(f"/bookings/{reference}/review")
        assert (await asha.submit(page, "/review", rating="2", comment="It drips again.")).status == 303
        assert (await asha.submit(page, "/review", rating="2", comment="It drips again.")).status == 303
    stored, ravis, recount = await rating_counts(scene)
    assert stored == recount == [(0, 1, 0, 0, 0)]
    assert ravis[0][:5] == (0, 1, 0, 0, 0)
    with later(hours=49):
        late = await asha.submit(page, "/review", rating="5")
        assert late.status == 409
        assert "48 hours" in late.text
    assert (await rating_counts(scene))[0] == [(0, 1, 0, 0, 0)]


async def test_pressed_twice_at_once_it_is_one_review(scene, asha):
    reference = await scene.done(asha)
    page = await asha.visit(f"/bookings/{reference}")
    sent = await asyncio.gather(*(asha.submit(page, "/review", rating="5") for _ in range(4)))
    assert {item.status for item in sent} == {303}
    stored, _ravis, recount = await rating_counts(scene)
    assert stored == recount == [(0, 0, 0, 0, 1)]


@pytest.mark.parametrize(
    ("field", "typed"),
    [("rating", ""), ("rating", "0"), ("rating", "6"), ("rating", "4.5"), ("rating", "x"), ("comment", "c" * 2001)],
)
async def test_a_review_without_stars_or_too_long_is_shown_beside_its_field(scene, asha, field, typed):
    reference = await scene.done(asha)
    form = {"rating": "4", "comment": "Good."} | {field: typed}
    rejected = await asha.post_fields(f"/bookings/{reference}/review", form)
    assert rejected.status == 422
    assert f'id="{field}-error"' in rejected.text
    assert await scene.scalar("SELECT count(*) FROM reviews WHERE service_id = :id", id=scene.service.id) == 0


async def test_no_one_reviews_before_the_work_is_done_or_when_it_was_cancelled(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    assert (await asha.post_fields(f"/bookings/{reference}/review", {"rating": "5"})).status == 409
    await scene.started(reference)
    assert (await asha.post_fields(f"/bookings/{reference}/review", {"rating": "5"})).status == 409
    cancelled = await scene.paid(asha, a_start(days=2))
    await asha.submit(await asha.visit(f"/bookings/{cancelled}/cancellation"), "/cancellation")
    assert (await asha.post_fields(f"/bookings/{cancelled}/review", {"rating": "5"})).status == 409


async def test_only_the_customer_reviews(scene, asha, omar):
    reference = await scene.done(asha)
    assert (await omar.post_fields(f"/bookings/{reference}/review", {"rating": "1"})).status == 404
    ravi = await scene.browser(scene.ravi)
    assert (await ravi.post_fields(f"/bookings/{reference}/review", {"rating": "5"})).status == 403
    assert (await rating_counts(scene))[0] == []


async def test_after_seven_days_it_is_too_late(scene, asha):
    reference = await scene.done(asha)
    with later(days=7, minutes=1):
        async with scene.database.work() as db:
            await close_unreviewed(db)
        late = await asha.post_fields(f"/bookings/{reference}/review", {"rating": "5"})
        assert late.status == 409
        assert "The 7 days to write a review are over" in late.text


async def test_the_database_keeps_one_review_per_booking(scene, asha):
    reference = await scene.done(asha)
    await asha.submit(await asha.visit(f"/bookings/{reference}"), "/review", rating="4")
    with pytest.raises(Exception, match="reviews_booking_id_key"):
        async with scene.database.work() as db:
            await db.execute(
                text(
                    "INSERT INTO reviews (booking_id, customer_id, professional_id, service_id, rating, created_at)"
                    " SELECT r.booking_id, r.customer_id, r.professional_id, r.service_id, 1, now() FROM reviews r"
                    " JOIN bookings b ON b.id = r.booking_id WHERE b.reference = :ref"
                ),
                {"ref": reference},
            )
