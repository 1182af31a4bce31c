"""/help: topics folded, contact on top, and the newest booking of who is signed in."""

from tests.bookings.scenes import Scene
from tests.factories import a_start
from tests.person import Person


async def test_answers_are_folded_under_their_topics(app):
    async with Person(app) as visitor:
        page = await visitor.visit("/help")
    topics = ("booking", "codes", "money", "cancelling", "wrong", "reviews", "account", "professionals")
    for topic in topics:
        assert f"#{topic}" in page.links
        assert f'<h2 class="t3" id="{topic}">' in page.text
    assert page.text.count("<details") >= 18
    assert "About your newest" not in page.text


async def test_a_customer_and_a_professional_find_their_newest_booking(app):
    scene = await Scene.set(app)
    asha, ravi, omar = [await scene.browser(user) for user in (scene.asha, scene.ravi, scene.omar)]
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    held = await scene.held(asha, a_start(days=2))
    assert f"/bookings/{reference}" in (await asha.visit("/help")).links
    assert f"/bookings/{held}" not in (await asha.visit("/help")).links
    assert f"/jobs/{reference}" in (await ravi.visit("/help")).links
    page = await omar.visit("/help")
    assert "About your newest" not in page.text
    await scene.close()
