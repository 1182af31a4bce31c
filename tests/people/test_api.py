"""The API of people: lists without contact details, records whose viewing is logged."""

from itertools import count

import pytest
from sqlalchemy import text

from tests.programs import PASSWORD, Program, an_order, assigned, move, own, scalar, sign_up
from tests.factories import a_customer, a_professional
from tests.vetting.samples import a_picture


async def test_lists_of_people_go_page_by_page_without_their_contact(program_of, api_people):
    meena = await program_of("meena")
    for path in ("customers", "professional", "user?name=a"):
        sign = "&" if "?" in path else "?"
        whole = (await meena.get(f"/api/{path}{sign}limit=100")).json()
        first = (await meena.get(f"/api/{path}{sign}limit=1")).json()
        rest = (await meena.get(f"/api/{path}{sign}limit=99&after={first['next']}")).json()
        assert [one["id"] for one in first["items"] + rest["items"]] == [one["id"] for one in whole["items"]]
        assert {(one["phone"], one["address"]) for one in whole["items"]} == {(None, None)}


async def test_professionals_are_found_by_name(program_of, api_people):
    meena = await program_of("meena")
    found = (await meena.get("/api/user?name=kumar raj")).json()["items"]
    assert api_people["kumar"].id in [one["id"] for one in found]
    assert api_people["balu"].id not in [one["id"] for one in found]
    assert (await meena.get("/api/user")).status_code == 422


@pytest.mark.parametrize(("who", "path"), [("asha", "customer"), ("ravi", "professional")])
async def test_a_person_reads_themselves_and_an_admin_reads_them_on_record(api_app, program_of, api_people, who, path):
    me, meena = await program_of(who), await program_of("meena")
    looks = "SELECT count(*) FROM events WHERE subject = :s AND name = 'person.contact_seen'"
    before = await one(api_app, looks, s=f"user-{me.number}")
    mine = (await me.get(f"/api/{path}/{me.number}")).json()
    assert (mine["id"], mine["phone"], mine["active"]) == (me.number, api_people[who].phone, True)
    assert await one(api_app, looks, s=f"user-{me.number}") == before
    assert (await meena.get(f"/api/{path}/{me.number}")).json() == mine
    assert await one(api_app, looks, s=f"user-{me.number}") == before + 1
    other = api_people["omar" if who == "asha" else "kumar"].id
    assert (await me.get(f"/api/{path}/{other}")).status_code == 404
    for number in (api_people["meena"].id, 987654321, 2**63):
        assert (await meena.get(f"/api/{path}/{number}")).status_code == 404
