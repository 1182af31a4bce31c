"""Appeals in the API: from a restricted session, and for admins."""

from tests.api_client import ApiClient, sign_up
from tests.factories import a_customer, an_admin

REASON, APPEAL = "Three complaints in a week.", "The receipts show the agreed price."


async def test_a_block_is_appealed_and_decided_by_programs(api_app, api_client_for, api_people):
    deepa = await sign_up(api_app, api_people, a_customer, "Deepa Nair")
    lekha = await sign_up(api_app, api_people, an_admin, "Lekha Narayanan")
    meena = await api_client_for("meena")
    async with ApiClient(api_app) as hers, ApiClient(api_app) as other:
        await other.sign_in(lekha.email)
        await meena.post(f"/api/status/customer/{deepa.id}", json={"blocked": True, "reason": REASON})
        await hers.sign_in(deepa.email)
        state = (await hers.get("/api/blocked/appeal")).json()
        assert (state["block_reason"], state["message"], state["outcome"]) == (REASON, None, None)
        for bad in ({}, {"message": " "}, {"message": "x" * 2_001}, {"message": APPEAL, "photos": []}):
            assert (await hers.post("/api/blocked/appeal", json=bad)).status_code == 422, bad
        sent = await hers.post("/api/blocked/appeal", json={"message": APPEAL})
        assert (sent.status_code, sent.json()["message"]) == (201, APPEAL)
        assert (await hers.post("/api/blocked/appeal", json={"message": APPEAL})).status_code == 409
        (row,) = (await other.get("/api/admin/appeals?limit=100")).json()["items"]
        assert (row["person_id"], row["message"], row["outcome"]) == (deepa.id, APPEAL, None)
        place, decision = f"/api/admin/appeals/{row['id']}", {"outcome": "lift", "reason": "It was proven."}
        refused = await meena.post(f"{place}/decision", json=decision)
        assert refused.status_code == 409
        assert "another admin decides" in refused.json()["detail"]
        for bad in ({"outcome": "lift"}, {**decision, "outcome": "perhaps"}, {**decision, "reason": ""}):
            assert (await other.post(f"{place}/decision", json=bad)).status_code == 422, bad
        decided = await other.post(f"{place}/decision", json=decision)
        assert (decided.status_code, decided.json()["decided_by"]) == (200, "Lekha Narayanan")
        assert (await other.post(f"{place}/decision", json=decision)).status_code == 409
        assert (await other.get(place)).json()["outcome"] == "lift"
        listed = (await other.get("/api/admin/appeals?state=decided")).json()["items"]
        assert [item["id"] for item in listed] == [row["id"]]
        assert (await hers.get("/api/blocked/appeal")).status_code == 404
        assert (await other.get("/api/admin/appeals/999999")).status_code == 404
