"""Payouts on the admins' pages and in the API: due and held, the run, the file, paid and failed."""

import re
from datetime import timedelta

import pytest

from app.bookings.repository import Bookings
from app.check.run import find_violations
from app.core import clock
from tests.billing.money import an_account, earned
from tests.bookings.scenes import later
from tests.factories import a_professional, a_request, a_service, an_admin


@pytest.fixture
async def done(scene, asha):
    """The reference of a job that was done two days ago."""
    with clock.freeze(clock.now() - timedelta(days=2)):
        reference = await scene.done(await scene.browser(scene.asha))
        async with scene.database.work() as db:
            await an_account(db, scene.encryption, scene.ravi)
            await Bookings(db).by_reference(reference)
    return reference


def rows(page, name):
    return [int(row) for row in re.findall(rf'id="{name}-(\d+)"', page.text)]


async def make_run(admin):
    page = await admin.visit("/admin/payouts")
    return await admin.submit(page, "/admin/payouts")


async def test_what_is_due_and_held_is_listed_with_the_reason(scene, meena, done):
    page = await meena.visit("/admin/payouts")
    assert "Due now: ₹126.65 to 1 professional<" in " ".join(page.text.split()).replace(" <", "<")
    assert f'id="due-{scene.ravi.id}"' in page.text
    await scene.scalar("UPDATE bank_accounts SET effective_at = now() + interval '1 hour' RETURNING 1")
    held = await meena.visit("/admin/payouts")
    assert f'id="held-{scene.ravi.id}"' in held.text
    assert "the account was changed in the last 24 hours" in held.text


async def test_a_professional_is_listed_once_with_what_is_due_and_what_is_on_hold(scene, meena, done):
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(done)
        await earned(db, booking.id, scene.ravi, 50_00, clock.now(), "payout_held")
    page = await meena.visit("/admin/payouts")
    assert page.text.count(f"/admin/professionals/{scene.ravi.id}") == 1
    assert "₹50 on hold" in page.text
    assert "On hold besides: ₹50" in page.text
    await scene.scalar("UPDATE bank_accounts SET effective_at = now() + interval '1 hour' RETURNING 1")
    page = await meena.visit("/admin/payouts")
    assert page.text.count(f"/admin/professionals/{scene.ravi.id}") == 1
    assert "Held: ₹126.65 of 1" in page.text
    assert "the account was changed in the last 24 hours" in page.text
    assert "₹50 on hold" in page.text


@pytest.fixture
async def many(scene, admin):
    """45 professionals who are owed ₹1 to ₹45 since two days; every third has no account."""
    people = []
    async with scene.database.work() as db:
        service = await a_service(db)
        await a_professional(db, "Mani Raj", services=[service])
        booking = (await a_request(db, scene.asha, service)).id
        for number in range(1, 46):
            person = await a_professional(db, f"Mani {number}")
            if number % 3:
                await an_account(db, scene.encryption, person)
            await earned(db, booking, person, number * 100, clock.now() - timedelta(days=2))
            people.append(person.id)
    return people


async def test_due_and_held_are_paged_with_the_sums_of_the_whole(meena, many):
    payable, held = [id for n, id in enumerate(many, 1) if n % 3], [id for n, id in enumerate(many, 1) if not n % 3]
    first = await meena.visit("/admin/payouts")
    amount = sum(n for n in range(1, 46) if n % 3)
    assert f"Due now: ₹{amount} to 30" in first.text
    assert f"Held: ₹{sum(n for n in range(1, 46) if not n % 3)} of 15" in first.text
    assert (rows(first, "due"), rows(first, "held")) == (payable[:20], held)
    following = next(link for link in first.links if "?due=" in link)
    second = await meena.visit(following)
    assert (rows(second, "due"), rows(second, "held")) == (payable[20:], held)
    assert f"Due now: ₹{amount} to 30" in second.text
    assert "/admin/payouts#due" in second.links
    assert (await meena.visit("/admin/payouts?due=x")).status == 404


async def test_a_run_and_the_api_are_paged(scene, meena, admin, client_of, many):
    run = (await make_run(meena)).location
    first = await meena.visit(run)
    assert "to 30" in first.text
    assert first.text.count('id="payout-') == 20
    second = await meena.visit(next(link for link in first.links if "?after=" in link))
    assert second.text.count('id="payout-') == 10
    client = await client_of(admin)
    body = (await client.get("/api/admin/payouts?limit=10")).json()
    assert (len(body["due"]), body["people"], body["held_people"]) == (10, 0, 15)
    rest = (await client.get(f"/api/admin/payouts?limit=10&after={body['next']}")).json()
    assert (len(rest["due"]), rest["next"]) == (5, None)
    payouts = (await client.get(f"/api{run}?limit=25")).json()
    assert (payouts["people"], len(payouts["payouts"])) == (30, 25)
    assert len((await client.get(f"/api{run}?after={payouts['next']}")).json()["payouts"]) == 5
    assert len((await meena.visit(f"{run}/file")).text.splitlines()) == 31


async def test_from_the_run_to_the_notification(scene, ravi, meena, done):
    sent = await make_run(meena)
    assert sent.status == 303
    assert (await make_run(meena)).location == sent.location
    run = await meena.visit(sent.location)
    assert "₹126.65" in run.text
    file = await meena.visit(f"{sent.location}/file")
    assert file.response.headers["content-type"].startswith("text/csv")
    assert "001234567890,SBIN0000300,126.65" in file.text
    paid = await meena.submit(run, "/paid", reference="UTR123")
    assert (paid.status, paid.location) == (303, sent.location)
    assert "Paid, reference UTR123" in (await meena.visit(sent.location)).text
    assert await scene.scalar("SELECT count(*) FROM outbox WHERE kind = 'payout_paid'") == 1
    assert (await meena.submit(run, "/paid", reference="UTR124")).status == 409
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_a_failed_payout_is_due_again(scene, ravi, meena, done):
    run = await meena.visit((await make_run(meena)).location)
    failed = await meena.submit(run, "/failed", reason="The account is closed.")
    assert failed.status == 303
    assert "The account is closed." in (await meena.visit(failed.location)).text
    assert "Due now: ₹126.65 to 1" in (await meena.visit("/admin/payouts")).text
    assert await scene.scalar("SELECT count(*) FROM outbox WHERE kind = 'payout_failed'") == 1
    async with scene.database.work() as db:
        assert await find_violations(db) == []


@pytest.mark.parametrize("until", ["", "tomorrow", "2999-01-01", "1999-01-01"])
async def test_a_day_that_is_not_over_is_refused_beside_its_field(scene, meena, done, until):
    page = await meena.visit("/admin/payouts")
    refused = await meena.submit(page, "/admin/payouts", until=until)
    assert refused.status == 422
    assert 'id="until-error"' in refused.text
    assert await scene.scalar("SELECT count(*) FROM payout_runs") == 0


async def test_nothing_due_makes_no_run(scene, meena):
    assert (await make_run(meena)).status == 409
    assert await scene.scalar("SELECT count(*) FROM payout_runs") == 0


async def test_money_moves_with_a_fresh_password_only(scene, meena, done):
    page = await meena.visit("/admin/payouts")
    run = (await make_run(meena)).location
    with later(minutes=16):
        for address, fields in (("/admin/payouts", {"until": "2026-11-01"}), (f"{run}/paid", {"reference": "x"})):
            sent = await meena.post_fields(address, fields)
            assert sent.location.startswith("/login/again"), address
        assert "/login/again" in (await meena.visit(f"{run}/file")).path
    assert page.status == 200


async def test_programs_make_and_settle_runs(scene, admin, client_of, done):
    client = await client_of(admin)
    due = (await client.get("/api/admin/payouts")).json()
    assert (due["due"][0]["professional_id"], due["due"][0]["amount_paise"]) == (scene.ravi.id, 126_65)
    until = (clock.today() - timedelta(days=1)).isoformat()
    made = await client.post("/api/admin/payouts", json={"until": until})
    assert made.status_code == 201
    run = made.json()
    assert [payout["state"] for payout in run["payouts"]] == ["pending"]
    assert (await client.post("/api/admin/payouts", json={"until": until})).json()["id"] == run["id"]
    place = f"/api/admin/payouts/{run['id']}"
    assert "001234567890" in (await client.get(f"{place}/file")).text
    fields = {"professional_id": scene.ravi.id, "reference": "UTR1"}
    paid = await client.post(f"{place}/paid", json=fields)
    assert (paid.status_code, paid.json()["payouts"][0]["state"]) == (200, "paid")
    failed = await client.post(f"{place}/failed", json={"professional_id": scene.ravi.id, "reason": "Closed."})
    assert failed.status_code == 409
    assert (await client.get(place)).json()["payouts"][0]["reference"] == "UTR1"
    for bad in ({}, {"until": "soon"}, {"until": "2999-01-01"}, {"until": 5}):
        assert (await client.post("/api/admin/payouts", json=bad)).status_code == 422


async def test_an_admin_without_the_right_sees_no_links_that_refuse(scene):
    async with scene.database.work() as db:
        support = await an_admin(db, "Padma Iyer", admin_right="support")
    page = await (await scene.browser(support)).visit("/admin/payouts")
    assert page.status == 200
    assert "/admin/refunds" in page.links
    assert not {"/admin/coupons", "/admin/invoices", "/admin/tax"} & set(page.links)
