"""/admin/reviews: reviews filtered by stars, pincode and people."""

import pytest

from app.reviews.submission import submit_review
from tests.bookings.scenes import Scene
from tests.factories import ADYAR, an_admin


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    yield scene
    await scene.close()


async def test_reviews_are_listed_with_their_words_and_found_by_stars_place_and_person(scene):
    asha = await scene.browser(scene.asha)
    reference = await scene.done(asha)
    async with scene.database.work() as db:
        await submit_review(db, scene.asha, reference, 4, "Quick and clean.")
        admin = await an_admin(db)
    meena = await scene.browser(admin)
    for query in ("", "rating=4", f"pincode={ADYAR}", f"professional={scene.ravi.id}", f"customer={scene.asha.id}"):
        page = await meena.visit(f"/admin/reviews?{query}")
        assert page.status == 200
        assert "Quick and clean." in page.text, query
        assert f"/admin/bookings/{reference}" in page.text
    for query in ("rating=5", "pincode=600090", f"professional={scene.kumar.id}", "to=2020-01-01", "rating=banana"):
        assert "Quick and clean." not in (await meena.visit(f"/admin/reviews?{query}")).text, query
