"""The API of reviews."""

import asyncio
from datetime import datetime

import pytest

from tests.programs import AFTER, VISA, a_time, an_order, assigned, booked, done, move, own, scalar


async def test_a_review_is_written_by_its_customer_once_the_work_is_done(program_of, api_service):
    asha, ravi = await program_of("asha"), await program_of("ravi")
    open_one = await booked(asha, api_service)
    assert (await asha.post(f"/api/request/close/{open_one['id']}", json={"rating": 5})).status_code == 409
    made = await done(asha, ravi, api_service)
    assert (await ravi.post(f"/api/request/close/{made['id']}", json={"rating": 5})).status_code == 403
    for rating in (0, 6, "5", 4.5, None):
        answer = await asha.post(f"/api/request/close/{made['id']}", json={"rating": rating})
        assert (answer.status_code, set(answer.json()["errors"])) == (422, {"rating"})
    assert (await asha.post(f"/api/request/close/{made['id']}", json={"rating": 4})).status_code == 200
    changed = await asha.post(f"/api/request/close/{made['id']}", json={"rating": 5, "comment": "Better."})
    assert (changed.status_code, changed.json()["rating"]) == (200, 5)
