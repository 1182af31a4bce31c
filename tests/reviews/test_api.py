"""The API of reviews."""

from tests.api_client import booked, done


async def test_a_review_is_written_by_its_customer_once_the_work_is_done(api_client_for, api_service):
    asha, ravi = await api_client_for("asha"), await api_client_for("ravi")
    open_booking = await booked(asha, api_service)
    assert (await asha.post(f"/api/request/close/{open_booking['id']}", json={"rating": 5})).status_code == 409
    made = await done(asha, ravi, api_service)
    assert (await ravi.post(f"/api/request/close/{made['id']}", json={"rating": 5})).status_code == 403
    for rating in (0, 6, "5", 4.5, None):
        answer = await asha.post(f"/api/request/close/{made['id']}", json={"rating": rating})
        assert (answer.status_code, set(answer.json()["errors"])) == (422, {"rating"})
    assert (await asha.post(f"/api/request/close/{made['id']}", json={"rating": 4})).status_code == 200
    changed = await asha.post(f"/api/request/close/{made['id']}", json={"rating": 5, "comment": "Better."})
    assert (changed.status_code, changed.json()["rating"]) == (200, 5)
