"""People by API: read by those who may, with contact only where looking is recorded; decided about by admins."""

from itertools import count

import pytest
from sqlalchemy import text

from tests.api.booking import an_order, assigned, move, own
from tests.factories import a_customer, a_professional
from tests.program import PASSWORD, Program
from tests.vetting.samples import a_picture

REASON = "Three complaints in a week."
_numbers = count(1)


async def one(app, question, **given):
    async with app.state.database.work() as db:
        return await db.scalar(text(question), given)


async def somebody(app, people, make, name, **given):
    """With the password that everybody here has."""
    async with app.state.database.work() as db:
        user = await make(db, name, **given)
        user.password_hash = people["asha"].password_hash
        return user


def a_form(service, **differently):
    given = {
        "full_name": "Mani Velu",
        "email": f"mani.{next(_numbers)}@example.com",
        "phone": "+91 00000 00417",
        "password": PASSWORD,
        "address": "12 Beach Road",
        "pincode": "600020",
        "experience_years": "8",
        "service_ids": [str(service.id)],
    }
    return given | differently


def a_paper(name="permit.png", content=None):
    return {"document": (name, content or a_picture(), "image/png")}


async def test_lists_of_people_go_page_by_page_without_their_contact(comes, people):
    meena = await comes("meena")
    for path in ("customers", "professional", "user?name=a"):
        sign = "&" if "?" in path else "?"
        whole = (await meena.get(f"/api/{path}{sign}limit=100")).json()
        first = (await meena.get(f"/api/{path}{sign}limit=1")).json()
        rest = (await meena.get(f"/api/{path}{sign}limit=99&after={first['next']}")).json()
        assert [one["id"] for one in first["items"] + rest["items"]] == [one["id"] for one in whole["items"]]
        assert {(one["phone"], one["address"]) for one in whole["items"]} == {(None, None)}


async def test_professionals_are_found_by_name(comes, people):
    meena = await comes("meena")
    found = (await meena.get("/api/user?name=kumar raj")).json()["items"]
    assert people["kumar"].id in [one["id"] for one in found]
    assert people["balu"].id not in [one["id"] for one in found]
    assert (await meena.get("/api/user")).status_code == 422


@pytest.mark.parametrize(("who", "path"), [("asha", "customer"), ("ravi", "professional")])
async def test_a_person_reads_themselves_and_an_admin_reads_them_on_record(app, comes, people, who, path):
    me, meena = await comes(who), await comes("meena")
    looks = "SELECT count(*) FROM events WHERE subject = :s AND name = 'person.contact_seen'"
    before = await one(app, looks, s=f"user-{me.number}")
    mine = (await me.get(f"/api/{path}/{me.number}")).json()
    assert (mine["id"], mine["phone"], mine["active"]) == (me.number, people[who].phone, True)
    assert await one(app, looks, s=f"user-{me.number}") == before
    assert (await meena.get(f"/api/{path}/{me.number}")).json() == mine
    assert await one(app, looks, s=f"user-{me.number}") == before + 1
    other = people["omar" if who == "asha" else "kumar"].id
    assert (await me.get(f"/api/{path}/{other}")).status_code == 404
    for number in (people["meena"].id, 987654321, 2**63):
        assert (await meena.get(f"/api/{path}/{number}")).status_code == 404


async def test_blocking_a_customer_ends_their_token_and_what_is_open(app, comes, people, service):
    vimala = await somebody(app, people, a_customer, "Vimala Devi")
    meena = await comes("meena")
    async with Program(app) as hers:
        await hers.sign_in(vimala.email)
        made = await hers.post("/api/request/service", json=an_order(service))
        blocked = await meena.post(f"/api/status/customer/{vimala.id}", json={"blocked": True, "reason": REASON})
        assert (blocked.status_code, blocked.json()["active"]) == (200, False)
        assert (await hers.get(f"/api/customer/{vimala.id}")).status_code == 401
        again = await hers.sign_in(vimala.email)
        assert (again.status_code, again.json()["active"]) == (200, False)
        refused = await hers.post("/api/request/service", json=an_order(service))
        assert (refused.status_code, refused.json()["title"]) == (403, REASON)
        state = await one(app, "SELECT cancelled_as FROM bookings WHERE id = :id", id=made.json()["id"])
        assert state == "platform"
        twice = await meena.post(f"/api/status/customer/{vimala.id}", json={"blocked": True, "reason": REASON})
        assert twice.status_code == 409
        free = await meena.post(f"/api/status/customer/{vimala.id}", json={"blocked": False, "reason": "A mistake."})
        assert (free.status_code, free.json()["active"]) == (200, True)
        await hers.sign_in(vimala.email)
        assert (await hers.get(f"/api/customer/{vimala.id}")).status_code == 200
    wrong_table = await meena.post(f"/api/status/professional/{vimala.id}", json={"blocked": True, "reason": REASON})
    assert wrong_table.status_code == 404


async def test_a_blocked_professional_finishes_what_has_started_and_does_nothing_else(app, comes, people, service):
    siva = await somebody(app, people, a_professional, "Siva Prakash", services=[service])
    asha, meena = await comes("asha"), await comes("meena")
    async with Program(app) as his:
        await his.sign_in(siva.email)
        later = await assigned(asha, his, service, professional_id=siva.id)
        made = await assigned(asha, his, service, professional_id=siva.id)
        assert (await move(his, made["id"], "start", code=made["start_code"])).status_code == 200
        sent = {"blocked": True, "reason": REASON}
        assert (await meena.post(f"/api/status/professional/{siva.id}", json=sent)).json()["active"] is False
        assert (await own(asha, later["id"]))["state"] == "requested"
        await his.sign_in(siva.email)
        listed = (await his.get(f"/api/servicerequest/{siva.id}")).json()["items"]
        assert [one["id"] for one in listed] == [made["id"]]
        assert (await move(his, made["id"], "return", reason="No time.")).status_code == 403
        assert (await his.get(f"/api/professional/{siva.id}")).status_code == 403
        code = (await own(asha, made["id"]))["finish_code"]
        assert (await move(his, made["id"], "complete", code=code)).json()["state"] == "completed"


async def test_a_professional_joins_is_denied_asks_again_and_is_approved(app, comes, people, service):
    meena, given = await comes("meena"), a_form(service)
    async with Program(app) as his:
        made = await his.post("/api/professional/register", data=given, files=a_paper())
        assert (made.status_code, made.json()) == (201, {"email": given["email"]})
        assert (await his.sign_in(given["email"])).json()["role"] == "professional"
        mine, number = f"/api/professional/{his.number}", his.number
        assert (await his.get(mine)).json()["standing"] == "pending"
        early = await his.post("/api/re_verify", data={"message": "Look again."}, files=a_paper())
        assert early.status_code == 409
        assert (await meena.post(f"/api/deny/professional/{number}", json={})).status_code == 422
        denied = await meena.post(f"/api/deny/professional/{number}", json={"reason": "The photo is not clear."})
        assert (denied.json()["standing"], denied.json()["denial_reason"]) == ("denied", "The photo is not clear.")
        assert (await meena.post(f"/api/deny/professional/{number}", json={"reason": "Again."})).status_code == 409
        key = {"idempotency-key": "again-1"}
        sent = [
            await his.post("/api/re_verify", data={"message": "A clear one."}, files=a_paper(), headers=key)
            for _ in range(2)
        ]
        assert [answer.status_code for answer in sent] == [201, 201]
        assert sent[0].content == sent[1].content
        assert sent[0].json()["standing"] == "pending"
        approved = await meena.post(f"/api/verify/professional/{number}")
        assert (approved.status_code, approved.json()["standing"]) == (200, "approved")
        assert (await meena.post(f"/api/verify/professional/{number}")).status_code == 409


async def test_joining_says_the_same_of_a_known_address(program, people, service):
    given = a_form(service, email=people["ravi"].email)
    answer = await program.post("/api/professional/register", data=given, files=a_paper())
    assert (answer.status_code, answer.json()) == (201, {"email": given["email"]})


@pytest.mark.parametrize(
    ("differently", "files", "wrong"),
    [
        ({"role": "admin"}, a_paper(), {"role"}),
        ({"email": ["a@example.com", "b@example.com"]}, a_paper(), {"email"}),
        ({"email": "no", "pincode": "abcdefgh", "password": ""}, a_paper(), {"email", "pincode", "password", "phone"}),
        ({"service_ids": ["987654321"]}, a_paper(), {"service_ids"}),
        ({"experience_years": "many"}, a_paper(), {"experience_years"}),
        ({}, {}, {"document"}),
        ({}, a_paper("x.png", b"no picture"), {"document"}),
        ({}, a_paper() | {"other": ("x", b"y")}, {"other"}),
    ],
)
async def test_a_form_that_cannot_be_is_told_field_by_field(program, service, differently, files, wrong):
    given = a_form(service) | differently
    parts = [
        (name, (None, value)) for name, told in given.items() for value in (told if isinstance(told, list) else [told])
    ]
    answer = await program.post("/api/professional/register", files=[*parts, *files.items()])
    assert (answer.status_code, set(answer.json()["errors"])) == (422, wrong), answer.text


async def test_joining_is_a_form_and_no_json(program):
    assert (await program.post("/api/professional/register", json={})).status_code == 415


async def test_a_person_changes_their_own_account_and_nobody_elses(app, comes, people):
    me = await somebody(app, people, a_customer, "Hema Malini")
    async with Program(app) as hers:
        await hers.sign_in(me.email)
        address = f"/api/profile/edit/{me.id}"
        changed = await hers.post(address, json={"full_name": "Hema M", "address": "7 Lake View", "pincode": "600090"})
        told = changed.json()
        assert (changed.status_code, told["full_name"], told["phone"]) == (200, "Hema M", me.phone)
        assert (told["address"], told["pincode"]) == ("7 Lake View", "600090")
        for sent, wrong in (
            ({"full_name": "7"}, {"full_name"}),
            ({"phone": "12"}, {"phone"}),
            ({"address": "7 Lake View"}, {"pincode"}),
            ({"address": "7 Lake View", "pincode": "999999"}, {"pincode"}),
            ({"role": "admin"}, {"role"}),
            ({"email": "x@example.com"}, {"email"}),
            ({"full_name": None}, {"full_name"}),
        ):
            answer = await hers.post(address, json=sent)
            assert (answer.status_code, set(answer.json()["errors"])) == (422, wrong)
        for other in (people["omar"].id, people["ravi"].id, people["meena"].id, 987654321):
            assert (await hers.post(f"/api/profile/edit/{other}", json={"full_name": "Me"})).status_code == 404


async def test_a_professional_moves_home_and_an_admin_has_none(comes, people):
    balu, meena = await comes("balu"), await comes("meena")
    moved = await balu.post(f"/api/profile/edit/{balu.number}", json={"address": "1 Hill Road", "pincode": "600045"})
    assert (moved.status_code, moved.json()["pincode"]) == (200, "600045")
    answer = await meena.post(f"/api/profile/edit/{meena.number}", json={"address": "1 Hill Road", "pincode": "600045"})
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {"address", "pincode"})


async def test_the_last_admin_cannot_be_found_among_customers(comes, people):
    meena = await comes("meena")
    for table in ("customer", "professional"):
        sent = {"blocked": True, "reason": REASON}
        assert (await meena.post(f"/api/status/{table}/{meena.number}", json=sent)).status_code == 404
