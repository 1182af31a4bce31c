"""The API of blocking: tokens end, open bookings are resolved, started jobs go on."""

from tests.api_client import ApiClient, an_order, assigned, move, own, scalar, sign_up
from tests.factories import a_customer, a_professional

REASON = "Three complaints in a week."


async def test_blocking_a_customer_ends_their_token_and_what_is_open(api_app, api_client_for, api_people, api_service):
    vimala = await sign_up(api_app, api_people, a_customer, "Vimala Devi")
    meena = await api_client_for("meena")
    async with ApiClient(api_app) as hers:
        await hers.sign_in(vimala.email)
        made = await hers.post("/api/request/service", json=an_order(api_service))
        blocked = await meena.post(f"/api/status/customer/{vimala.id}", json={"blocked": True, "reason": REASON})
        assert (blocked.status_code, blocked.json()["active"]) == (200, False)
        assert (await hers.get(f"/api/customer/{vimala.id}")).status_code == 401
        repeated = await hers.sign_in(vimala.email)
        assert (repeated.status_code, repeated.json()["active"]) == (200, False)
        refused = await hers.post("/api/request/service", json=an_order(api_service))
        assert (refused.status_code, refused.json()["title"]) == (403, REASON)
        state = await scalar(api_app, "SELECT cancelled_as FROM bookings WHERE id = :id", id=made.json()["id"])
        assert state == "platform"
        twice = await meena.post(f"/api/status/customer/{vimala.id}", json={"blocked": True, "reason": REASON})
        assert twice.status_code == 409
        free = await meena.post(f"/api/status/customer/{vimala.id}", json={"blocked": False, "reason": "A mistake."})
        assert (free.status_code, free.json()["active"]) == (200, True)
        await hers.sign_in(vimala.email)
        assert (await hers.get(f"/api/customer/{vimala.id}")).status_code == 200
    wrong_table = await meena.post(f"/api/status/professional/{vimala.id}", json={"blocked": True, "reason": REASON})
    assert wrong_table.status_code == 404


async def test_a_blocked_professional_finishes_what_has_started_and_does_nothing_else(
    api_app, api_client_for, api_people, api_service
):
    siva = await sign_up(api_app, api_people, a_professional, "Siva Prakash", services=[api_service])
    asha, meena = await api_client_for("asha"), await api_client_for("meena")
    async with ApiClient(api_app) as his:
        await his.sign_in(siva.email)
        later = await assigned(asha, his, api_service, professional_id=siva.id)
        made = await assigned(asha, his, api_service, professional_id=siva.id)
        assert (await move(his, made["id"], "start", early=True, code=made["start_code"])).status_code == 200
        sent = {"blocked": True, "reason": REASON}
        assert (await meena.post(f"/api/status/professional/{siva.id}", json=sent)).json()["active"] is False
        assert (await own(asha, later["id"]))["state"] == "requested"
        await his.sign_in(siva.email)
        listed = (await his.get(f"/api/servicerequest/{siva.id}")).json()["items"]
        assert [item["id"] for item in listed] == [made["id"]]
        assert (await move(his, made["id"], "return", reason="No time.")).status_code == 403
        assert (await his.get(f"/api/professional/{siva.id}")).status_code == 403
        code = (await own(asha, made["id"]))["finish_code"]
        assert (await move(his, made["id"], "complete", code=code)).json()["state"] == "completed"


async def test_the_last_admin_cannot_be_found_among_customers(api_client_for, api_people):
    meena = await api_client_for("meena")
    for table in ("customer", "professional"):
        sent = {"blocked": True, "reason": REASON}
        assert (await meena.post(f"/api/status/{table}/{meena.number}", json=sent)).status_code == 404
