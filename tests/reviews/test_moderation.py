"""W31: a review is answered once by its professional, reported by readers, hidden and shown by an admin."""

from datetime import timedelta

import pytest

from app.check.run import find_violations
from app.core import clock
from app.reviews.moderation_repository import prune_reports
from app.reviews.report import REPORT_RETENTION
from app.reviews.submission import submit_review
from tests.bookings.scenes import later
from tests.factories import an_admin

COMMENT, ANSWER, REPORT, REASON = "Quick, but rude.", "I am sorry to hear that.", "It insults him.", "It is an insult."


@pytest.fixture
async def review(scene):
    """Asha's public review of Ravi's work: the browser, the booking's reference and the review's id."""
    asha = await scene.browser(scene.asha)
    reference = await scene.done(asha)
    async with scene.database.work() as db:
        written = await submit_review(db, scene.asha, reference, 2, COMMENT)
    return asha, reference, written.id


@pytest.fixture
async def meena(scene):
    async with scene.database.work() as db:
        admin = await an_admin(db)
    return await scene.browser(admin)


def public_pages(scene):
    return (
        f"/services/{scene.service.slug}",
        f"/services/{scene.service.slug}/reviews",
        f"/professionals/{scene.ravi.id}",
    )


async def decides(meena, review_id, act, reason=REASON):
    page = await meena.visit(f"/admin/reviews/{review_id}")
    token = page.form("/logout").fields["_csrf_token"]
    return await meena.post_fields(f"/admin/reviews/{review_id}/{act}", {"reason": reason, "_csrf_token": token})


async def sound(scene):
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_a_professional_answers_once_and_edits_for_48_hours(scene, review):
    asha, reference, review_id = review
    ravi = await scene.browser(scene.ravi)
    job = await ravi.visit(f"/jobs/{reference}")
    assert COMMENT in job.text
    form = await ravi.visit(next(link for link in job.links if link.endswith("/answer")))
    sent = await ravi.submit(form, "/answer", text=ANSWER)
    assert (sent.status, sent.location) == (303, f"/jobs/{reference}")
    for browser, paths in ((ravi, [f"/jobs/{reference}"]), (asha, [f"/bookings/{reference}", *public_pages(scene)])):
        for path in paths:
            assert ANSWER in (await browser.visit(path)).text, path
    assert ("review_answered",) in await scene.rows(
        "SELECT kind FROM outbox WHERE recipient_id = :id", id=scene.asha.id
    )
    with later(hours=47):
        assert (
            await ravi.submit(await ravi.visit(f"/reviews/{review_id}/answer"), "/answer", text="Sorry.")
        ).status == 303
    with later(hours=49):
        late = await ravi.post_fields(f"/reviews/{review_id}/answer", {"text": "No."})
        assert late.status == 409
        assert "48 hours" in late.text
    assert await scene.scalar("SELECT answer FROM reviews WHERE id = :id", id=review_id) == "Sorry."


@pytest.mark.parametrize("text", ["", "  ", "x" * 2_001])
async def test_an_answer_has_words_and_not_too_many(scene, review, text):
    ravi = await scene.browser(scene.ravi)
    sent = await ravi.submit(await ravi.visit(f"/reviews/{review[2]}/answer"), "/answer", text=text)
    assert sent.status == 422


async def test_each_reader_reports_a_review_once_and_admins_see_it_first(scene, review, meena):
    _asha, _reference, review_id = review
    omar, ravi = await scene.browser(scene.omar), await scene.browser(scene.ravi)
    page = await omar.visit(f"/professionals/{scene.ravi.id}")
    place = f"/reviews/{review_id}/report"
    assert place in page.links
    assert (await omar.submit(await omar.visit(place), "/report", reason=" ")).status == 422
    assert (await omar.submit(await omar.visit(place), "/report", reason=REPORT)).status == 303
    again = await omar.submit(await omar.visit(place), "/report", reason=REPORT)
    assert again.status == 409
    assert "already reported" in again.text
    assert (await ravi.submit(await ravi.visit(place), "/report", reason=REPORT)).status == 303
    for query in ("", "?state=reported"):
        queue = await meena.visit(f"/admin/reviews{query}")
        assert f"/admin/reviews/{review_id}" in queue.links, query
        chips = queue.text[queue.text.index('class="sideways filter-row"') :]
        assert chips[: chips.index("<details")].count('aria-current="true"') == 1, query
    assert REPORT in (await meena.visit(f"/admin/reviews/{review_id}")).text
    assert (await decides(meena, review_id, "show")).status == 303
    assert await scene.scalar("SELECT count(*) FROM review_reports WHERE settled_at IS NULL") == 0
    assert COMMENT in (await omar.visit(f"/professionals/{scene.ravi.id}")).text
    assert (await decides(meena, review_id, "show")).status == 409
    async with scene.database.work() as db:
        assert await prune_reports(db, clock.now() + REPORT_RETENTION - timedelta(hours=1)) == 0
        assert await prune_reports(db, clock.now() + REPORT_RETENTION + timedelta(hours=1)) == 2


async def test_a_hidden_review_is_read_by_its_author_alone_and_counts_nowhere(scene, review, meena):
    asha, reference, review_id = review
    omar, ravi = await scene.browser(scene.omar), await scene.browser(scene.ravi)
    for path in public_pages(scene):
        assert COMMENT in (await omar.visit(path)).text, path
    assert (await omar.submit(await omar.visit(f"/reviews/{review_id}/report"), "/report", reason=REPORT)).status == 303
    assert (await decides(meena, review_id, "hide", " ")).status == 422
    assert (await decides(meena, review_id, "hide")).status == 303
    assert (await decides(meena, review_id, "hide")).status == 409
    for path in public_pages(scene):
        assert COMMENT not in (await omar.visit(path)).text, path
    assert COMMENT not in (await ravi.visit(f"/jobs/{reference}")).text
    own = await asha.visit(f"/bookings/{reference}")
    assert (COMMENT in own.text, REASON in own.text) == (True, True)
    for browser, what in ((omar, "report"), (ravi, "report"), (ravi, "answer")):
        assert (await browser.visit(f"/reviews/{review_id}/{what}")).status == 404
    assert await scene.scalar("SELECT two FROM service_ratings WHERE service_id = :id", id=scene.service.id) == 0
    assert await scene.scalar("SELECT two FROM professional_ratings WHERE professional_id = :i", i=scene.ravi.id) == 0
    assert f"/admin/reviews/{review_id}" in (await meena.visit("/admin/reviews?state=hidden")).links
    kinds = set(await scene.rows("SELECT kind, recipient_id FROM outbox WHERE kind LIKE '%review%'"))
    assert {("review_hidden", scene.asha.id), ("job_review_hidden", scene.ravi.id)} <= kinds
    await sound(scene)
    assert (await decides(meena, review_id, "show")).status == 303
    for path in public_pages(scene):
        assert COMMENT in (await omar.visit(path)).text, path
    assert await scene.scalar("SELECT two FROM service_ratings WHERE service_id = :id", id=scene.service.id) == 1
    assert REASON in (await asha.visit(f"/bookings/{reference}")).text
    await sound(scene)


async def test_an_edited_hidden_review_stays_hidden_and_counts_its_new_stars_later(scene, review, meena):
    _asha, reference, review_id = review
    assert (await decides(meena, review_id, "hide")).status == 303
    async with scene.database.work() as db:
        await submit_review(db, scene.asha, reference, 5, "Quick.")
    await sound(scene)
    assert (await decides(meena, review_id, "show")).status == 303
    assert await scene.scalar("SELECT five FROM service_ratings WHERE service_id = :id", id=scene.service.id) == 1
    await sound(scene)
