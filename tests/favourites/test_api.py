"""Favourites and exclusions in the JSON API; the slots of a token leave out who is excluded (W41)."""

import pytest

from tests.api_client import ApiClient
from tests.factories import ADYAR, PASSWORD


@pytest.fixture
async def clients(scene):
    """A client of each of the scene, and one without a token."""
    clients = {}
    for who in ("asha", "omar", "ravi"):
        clients[who] = ApiClient(scene.app)
        assert (await clients[who].sign_in(getattr(scene, who).email, PASSWORD)).status_code == 200
    clients["visitor"] = ApiClient(scene.app)
    yield clients
    for client in clients.values():
        await client.aclose()


async def people_of(client, scene):
    answer = await client.get(f"/api/services/{scene.service.id}/slots?pincode={ADYAR}")
    assert answer.status_code == 200, answer.text
    return {person["id"] for person in answer.json()["professionals"]}


async def test_favourites_and_exclusions_are_set_listed_and_lifted(scene, clients):
    await scene.done(await scene.browser(scene.asha))
    asha, ravi_id = clients["asha"], scene.ravi.id
    for what in ("favourite", "exclusion"):
        sent = await asha.post(f"/api/professionals/{ravi_id}/{what}", json={"on": "yes"})
        assert (sent.status_code, sent.json()) == (200, {"on": "yes"})
    listed = (await asha.get("/api/favourites")).json()
    ((favourite,), (excluded,)) = listed["favourites"], listed["excluded"]
    assert (favourite["professional_id"], favourite["available"], favourite["service_id"]) == (ravi_id, False, None)
    assert (excluded["professional_id"], excluded["name"]) == (ravi_id, "Ravi K.")
    await asha.post(f"/api/professionals/{ravi_id}/exclusion", json={"on": "no"})
    listed = (await asha.get("/api/favourites")).json()
    assert (listed["favourites"][0]["service_id"], listed["excluded"]) == (scene.service.id, [])


@pytest.mark.parametrize("body", [{"on": "maybe"}, {"on": True}, {}, {"on": "yes", "off": "no"}])
async def test_another_answer_than_yes_or_no_is_refused(scene, clients, body):
    for path in ("favourite", "exclusion"):
        refused = await clients["asha"].post(f"/api/professionals/{scene.ravi.id}/{path}", json=body)
        assert refused.status_code == 422


async def test_slots_with_a_token_are_the_customers_own_and_never_the_cached_ones(scene, clients):
    reference = await scene.done(await scene.browser(scene.asha))
    both = {scene.ravi.id, scene.kumar.id}
    for who in ("visitor", "asha", "omar", "visitor"):
        assert await people_of(clients[who], scene) == both
    sent = await clients["ravi"].post(f"/api/jobs/{reference}/exclusion", json={"on": "yes"})
    assert sent.status_code == 200
    for who, people in (("visitor", both), ("asha", {scene.kumar.id}), ("omar", both), ("visitor", both)):
        assert await people_of(clients[who], scene) == people, who
    assert await people_of(clients["asha"], scene) == {scene.kumar.id}
