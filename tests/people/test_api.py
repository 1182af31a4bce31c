"""The API of people: lists without contact details, records whose viewing is logged."""

import pytest

from tests.api_client import scalar


async def test_lists_of_people_go_page_by_page_without_their_contact(api_client_for, api_people):
    meena = await api_client_for("meena")
    for path in ("customers", "professional", "user?name=a"):
        sign = "&" if "?" in path else "?"
        whole = (await meena.get(f"/api/{path}{sign}limit=100")).json()
        first = (await meena.get(f"/api/{path}{sign}limit=1")).json()
        rest = (await meena.get(f"/api/{path}{sign}limit=99&after={first['next']}")).json()
        assert [item["id"] for item in first["items"] + rest["items"]] == [item["id"] for item in whole["items"]]
        assert {(item["phone"], item["address"]) for item in whole["items"]} == {(None, None)}


async def test_professionals_are_found_by_name(api_client_for, api_people):
    meena = await api_client_for("meena")
    found = (await meena.get("/api/user?name=kumar raj")).json()["items"]
    assert api_people["kumar"].id in [item["id"] for item in found]
    assert api_people["balu"].id not in [item["id"] for item in found]
    assert (await meena.get("/api/user")).status_code == 422


@pytest.mark.parametrize(("who", "path"), [("asha", "customer"), ("ravi", "professional")])
async def test_a_person_reads_themselves_and_an_admin_reads_them_on_record(
    api_app, api_client_for, api_people, who, path
):
    me, meena = await api_client_for(who), await api_client_for("meena")
    view_count_query = "SELECT count(*) FROM events WHERE subject = :s AND name = 'person.contact_seen'"
    before = await scalar(api_app, view_count_query, s=f"user-{me.number}")
    own_data = (await me.get(f"/api/{path}/{me.number}")).json()
    assert (own_data["id"], own_data["phone"], own_data["active"]) == (me.number, api_people[who].phone, True)
    assert await scalar(api_app, view_count_query, s=f"user-{me.number}") == before
    assert (await meena.get(f"/api/{path}/{me.number}")).json() == own_data
    assert await scalar(api_app, view_count_query, s=f"user-{me.number}") == before + 1
    other = api_people["omar" if who == "asha" else "kumar"].id
    assert (await me.get(f"/api/{path}/{other}")).status_code == 404
    for number in (api_people["meena"].id, 987654321, 2**63):
        assert (await meena.get(f"/api/{path}/{number}")).status_code == 404
