"""Writing while the job changes hands: each message belongs to who had the job, or is refused."""

import asyncio
from pathlib import Path

import pytest

from app.check.run import find_violations
from app.core.errors import Missing, Refused
from app.core.storage import Storage
from app.jobs.acceptance import accept, hand_back
from app.messages.thread import send_message


@pytest.mark.parametrize("round_number", range(3))
async def test_a_message_never_meets_another_assignment(scene, ref, tmp_path, round_number):
    storage = Storage(tmp_path)

    async def writes(user):
        async with scene.database.work() as db:
            try:
                await send_message(db, storage, user, ref, "Hello.")
            except (Refused, Missing):
                return 0
            return 1

    async def changes_hands():
        async with scene.database.work() as db:
            await hand_back(db, scene.ravi, ref, "The van broke down.")
        async with scene.database.work() as db:
            await accept(db, scene.kumar, ref, scene.encryption)

    *sent, _none = await asyncio.gather(
        *(writes(user) for user in (scene.asha, scene.ravi, scene.kumar) for _ in range(3)), changes_hands()
    )
    assert await scene.scalar("SELECT count(*) FROM booking_messages") == sum(sent)
    query = "SELECT count(*) FROM booking_messages WHERE author_id NOT IN (:asha, professional_id)"
    assert await scene.scalar(query, asha=scene.asha.id) == 0
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_two_windows_mark_the_same_messages_at_once(scene, ref, asha, ravi):
    async with scene.database.work() as db:
        for _ in range(5):
            await send_message(db, Storage(Path("unused")), scene.ravi, ref, "Hello.")
    answers = await asyncio.gather(*(asha.get(f"/bookings/{ref}/messages") for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert await scene.scalar("SELECT count(*) FROM booking_messages WHERE read_at IS NULL") == 0
