"""Photos in appeals: for who appealed, though blocked, and for admins; gone 180 days after the decision."""

import pytest

from app.blocking.appeal import Outcome
from app.blocking.appeals import decide_appeal, delete_old_photos
from app.check.run import find_violations
from tests.blocking.test_appeals import ANSWER, APPEAL, blocked, lekha, meena
from tests.bookings.scenes import later
from tests.cases.test_photos import sends
from tests.factories import a_customer
from tests.vetting.samples import a_pdf, a_picture, on_disk

__all__ = ["lekha", "meena"]


def photos_in(page):
    return [link for link in page.links if link.startswith("/appeals/photos/")]


async def test_an_appeal_has_photos_that_admins_see(scene, meena, lekha, own_storage):
    asha = await blocked(scene, meena)
    sent = await sends(asha, "/blocked/appeal", [("a.png", a_picture()), ("b.png", a_picture())], message=APPEAL)
    assert (sent.status, sent.location) == (303, "/blocked"), sent.text
    photos = photos_in(await asha.visit("/blocked"))
    number = await scene.scalar("SELECT id FROM appeals")
    admin = await scene.browser(lekha)
    assert photos_in(await admin.visit(f"/admin/appeals/{number}")) == photos
    async with scene.database.work() as db:
        user = await a_customer(db, "Omar Sheriff")
    omar = await scene.browser(user)
    for photo in photos:
        for path in (photo, f"{photo}/thumbnail"):
            assert [(await person.get(path)).status_code for person in (asha, admin, omar)] == [200, 200, 404]
    async with scene.database.work() as db:
        assert await find_violations(db, own_storage) == []


async def test_what_is_no_photo_is_refused_and_the_appeal_stays_possible(scene, meena, own_storage):
    asha = await blocked(scene, meena)
    refused = await sends(asha, "/blocked/appeal", [("a.png", a_pdf())], message=APPEAL)
    assert (refused.status, APPEAL in refused.text, "a photo" in refused.text) == (422, True, True)
    assert on_disk(own_storage) == []
    assert (await sends(asha, "/blocked/appeal", [("a.png", a_picture())], message=APPEAL)).status == 303


@pytest.mark.parametrize(("days", "left"), [(179, 1), (181, 0)])
async def test_photos_go_180_days_after_the_decision(scene, meena, lekha, own_storage, days, left):
    asha = await blocked(scene, meena)
    assert (await sends(asha, "/blocked/appeal", [("a.png", a_picture())], message=APPEAL)).status == 303
    async with scene.database.work() as db:
        await decide_appeal(db, lekha, await scene.scalar("SELECT id FROM appeals"), Outcome.KEEP, ANSWER)
    with later(days=days):
        async with scene.database.work() as db:
            assert await delete_old_photos(db, own_storage) == 1 - left
    assert await scene.scalar("SELECT count(*) FROM photos") == left
    assert len(on_disk(own_storage)) == 2 * left
    if not left:
        assert "1 photo, deleted 180 days" in (await asha.visit("/blocked")).text
