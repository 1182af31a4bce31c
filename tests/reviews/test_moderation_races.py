"""A review is hidden while it is edited, on real connections: the ratings are right whoever is first."""

import asyncio

from app.check.run import find_violations
from app.core.errors import Refused
from app.reviews.moderation import answer_review, hide_review, report_review, show_review
from app.reviews.submission import submit_review
from tests.factories import an_admin

RACE_ROUNDS = 6


async def outcome_of(database, act) -> str:
    try:
        async with database.work() as db:
            await act(db)
    except Refused as refusal:
        return refusal.reason
    return "done"


async def test_hiding_while_the_review_is_edited_reported_and_answered(scene):
    asha = await scene.browser(scene.asha)
    reference = await scene.done(asha)
    async with scene.database.work() as db:
        meena, review = await an_admin(db), await submit_review(db, scene.asha, reference, 5, "Quick.")
    for n in range(RACE_ROUNDS):

        async def edits(db, n=n):
            await submit_review(db, scene.asha, reference, 1 + n % 5, f"Quick, {n}.")

        async def hides(db):
            await hide_review(db, meena, review.id, "It is an insult.")

        outcomes = await asyncio.gather(
            outcome_of(scene.database, edits), *(outcome_of(scene.database, hides) for _ in range(2))
        )
        assert (outcomes[0], sorted(outcomes[1:])) == ("done", ["done", "state"])
        async with scene.database.work() as db:
            assert await find_violations(db) == []
            await show_review(db, meena, review.id, "It was changed.")

    async def reports(db):
        await report_review(db, scene.omar, review.id, "It insults him.")

    assert sorted(await asyncio.gather(*(outcome_of(scene.database, reports) for _ in range(4)))) == [
        "already",
        "already",
        "already",
        "done",
    ]

    async def answers(db):
        await answer_review(db, scene.ravi, review.id, "Thank you.")

    assert set(await asyncio.gather(*(outcome_of(scene.database, answers) for _ in range(3)))) == {"done"}
    assert await scene.scalar("SELECT count(*) FROM events WHERE name = 'booking.review_answered'") == 1
    async with scene.database.work() as db:
        assert await find_violations(db) == []
