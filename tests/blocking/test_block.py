"""W1–W4 and W18: blocking has exactly the announced effects; unblocking restores nothing."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.accounts.user import Role, User
from app.blocking.block import block_impact
from app.bookings.commitments_repository import OpenCommitments
from app.check.run import find_violations
from app.core import clock
from app.jobs.repository import Jobs
from app.reviews.review import Review
from tests.bookings.scenes import later
from tests.factories import (
    PASSWORD,
    a_customer,
    a_hold,
    a_professional,
    a_request,
    a_service,
    a_start,
    an_admin,
)
from tests.person import Person

REASON = "Requested more money at the door, three times."


@pytest.fixture
async def meena(scene):
    async with scene.database.work() as db:
        user = await an_admin(db)
        await an_admin(db, "Lekha Narayanan")
    person = await scene.browser(user)
    person.user = user
    return person


@pytest.fixture
async def me(scene):
    return await scene.browser(scene.asha)


def place(user: User) -> str:
    return f"/admin/{'professionals' if user.role == Role.PROFESSIONAL else 'customers'}/{user.id}"


async def blocks(meena, user, reason=REASON):
    page = await meena.visit(f"{place(user)}/block")
    assert page.status == 200, page.text
    return await meena.submit(page, "/block", reason=reason)


async def unblocks(meena, user, reason="She explained it."):
    return await meena.submit(await meena.visit(f"{place(user)}/unblock"), "/unblock", reason=reason)


async def ravis_job(scene, me, **start):
    reference = await scene.paid(me, a_start(**start))
    await scene.accepted(reference)
    return reference


async def test_w1_a_blocked_professionals_accepted_job_goes_to_others_and_waits_or_ends_without_a_fee(scene, meena, me):
    reference = await ravis_job(scene, me)
    page = await meena.visit(f"{place(scene.ravi)}/block")
    assert "Offers 1 accepted job to others" in page.text
    assert (await meena.submit(page, "/block", reason=REASON)).status == 303
    booking = await scene.booking(reference)
    assert (booking.state, booking.professional_id) == ("requested", None)
    assert await scene.reserved_for(reference) == scene.kumar.id
    rows = await scene.rows("SELECT kind, recipient_id FROM outbox WHERE kind = 'booking_looking_again'")
    assert ("booking_looking_again", scene.asha.id) in rows
    with clock.freeze(booking.starts_at - timedelta(hours=1, minutes=30)):
        left = await me.visit(f"/bookings/{reference}/cancellation")
        assert "₹100" not in left.text
    await scene.accepted(reference, scene.kumar)
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_w1_what_was_held_or_requested_of_them_moves_on(scene, meena, me):
    anyone = await scene.paid(me, a_start(days=2))
    named = await scene.held(me, a_start(days=3), professional=scene.ravi.id)
    requested = await scene.held(me, a_start(days=4), professional=scene.ravi.id)
    await scene.pay(me, requested)
    page = await meena.visit(f"{place(scene.ravi)}/block")
    assert "Offers 2 bookings waiting for their answer to other professionals." in page.text
    assert "1 customer is paying to book them" in page.text
    assert (await meena.submit(page, "/block", reason=REASON)).status == 303
    assert await scene.reserved_for(anyone) == scene.kumar.id
    handed_back, requesting = await scene.booking(named), await scene.booking(requested)
    assert (handed_back.state, handed_back.cancelled_as) == ("cancelled", "platform")
    assert requesting.priority_professional_id(clock.now()) is None
    assert await scene.reserved_for(requested) == scene.kumar.id


async def test_w2_a_started_job_stays_with_them_and_only_that_can_be_done(scene, meena, me):
    reference = await ravis_job(scene, me)
    await scene.started(reference)
    browser = Person(scene.app)
    scene.people.append(browser)
    page = await meena.visit(f"{place(scene.ravi)}/block")
    assert "1 job in progress will be finished as agreed" in page.text
    assert (await meena.submit(page, "/block", reason=REASON)).status == 303
    assert (await scene.booking(reference)).professional_id == scene.ravi.id

    entered = await browser.sign_in(scene.ravi.email, PASSWORD)
    assert (entered.status, entered.location) == (303, "/blocked")
    restricted = await browser.visit("/blocked")
    assert REASON in restricted.text
    for address in ("/jobs", "/earnings", "/availability", "/profile", "/notices", "/documents"):
        assert (await browser.get(address)).status_code == 403, address
    job = await browser.visit(f"/jobs/{reference}")
    assert job.status == 200
    code = (await me.visit(f"/bookings/{reference}")).data["finish-code"]
    sent = await browser.submit(job, "/completion", code=code)
    assert (sent.status, sent.location) == (303, "/blocked")
    assert (await scene.booking(reference)).state == "completed"


async def test_blocking_ends_every_session_at_once(scene, meena):
    browser = await scene.browser(scene.ravi)
    assert (await browser.get("/jobs")).status_code == 200
    assert (await blocks(meena, scene.ravi)).status == 303
    assert (await browser.get("/jobs")).headers["location"].startswith("/login")
    assert await scene.scalar("SELECT count(*) FROM sessions WHERE user_id = :id", id=scene.ravi.id) == 0


async def test_w3_a_blocked_customers_bookings_end_with_all_the_money_back_and_a_started_job_goes_on(scene, meena, me):
    started = await ravis_job(scene, me)
    await scene.started(started)
    paid, assigned = await scene.paid(me, a_start(days=2)), await ravis_job(scene, me, days=3)
    held = await scene.held(me, a_start(days=4))
    page = await meena.visit(f"{place(scene.asha)}/block")
    assert "Cancels 2 bookings, refunds ₹298" in page.text
    assert "Releases 1 time held while they pay" in page.text
    assert (await meena.submit(page, "/block", reason=REASON)).status == 303
    for reference in (paid, assigned, held):
        booking = await scene.booking(reference)
        assert (booking.state, booking.cancelled_as, booking.fee) == ("cancelled", "platform", 0)
        assert await scene.money(reference) == {}
    assert (await scene.booking(started)).state == "started"
    restricted = await scene.browser(await refreshed(scene, scene.asha))
    displayed = await restricted.visit(f"/bookings/{started}")
    assert len(displayed.data["finish-code"]) == 6
    assert (await restricted.submit(displayed, "/codes")).status == 303
    for address in (f"/bookings/{paid}", f"/bookings/{started}/receipt", "/bookings", "/profile"):
        assert (await restricted.get(address)).status_code == 403, address
    token = {"_csrf_token": displayed.form("/codes").fields["_csrf_token"]}
    assert (await restricted.post_fields(f"/bookings/{paid}/codes", token)).status == 403
    await scene.completed(started)
    assert (await restricted.get(f"/bookings/{started}")).status_code == 403
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_w3_within_the_last_hours_nothing_is_kept_either(scene, meena, me):
    reference = await ravis_job(scene, me)
    with clock.freeze((await scene.booking(reference)).starts_at - timedelta(hours=1)):
        meena_now = await scene.browser(meena.user)
        assert (await blocks(meena_now, scene.asha)).status == 303
    assert await scene.money(reference) == {}


async def test_blocking_a_customer_writes_a_5_star_review(scene, meena, me):
    """The defect: every job of a blocked customer got five stars."""
    await scene.done(me)
    open_job = await ravis_job(scene, me, days=2)
    assert (await blocks(meena, scene.asha)).status == 303
    async with scene.database.work() as db:
        assert await db.scalar(select(func.count()).select_from(Review)) == 0
    assert (await scene.booking(open_job)).state == "cancelled"


async def test_w4_unblocked_nothing_comes_back_and_everything_new_is_open(scene, meena, me):
    cancelled = await scene.paid(me)
    assert (await blocks(meena, scene.asha)).status == 303
    assert (await unblocks(meena, scene.asha)).status == 303
    assert (await scene.booking(cancelled)).state == "cancelled"
    new_browser = await scene.browser(await refreshed(scene, scene.asha))
    assert (await scene.booking(await scene.paid(new_browser))).state == "requested"
    block = await scene.rows(
        "SELECT reason, lifted_reason, lifted_by_id FROM blocks WHERE user_id = :id", id=scene.asha.id
    )
    assert block == [(REASON, "She explained it.", meena.user.id)]


async def test_an_unblocked_professional_gets_new_offers(scene, meena, me):
    assert (await blocks(meena, scene.ravi)).status == 303
    assert (await unblocks(meena, scene.ravi)).status == 303
    reference = await scene.paid(me)
    await scene.accepted(reference, scene.ravi)
    assert (await scene.booking(reference)).professional_id == scene.ravi.id


@pytest.mark.parametrize("reason", ["", "   ", "x" * 1001])
async def test_without_a_reason_nothing_happens(scene, meena, me, reason):
    reference = await ravis_job(scene, me)
    sent = await blocks(meena, scene.ravi, reason)
    assert sent.status == 422
    assert 'id="reason-error"' in sent.text
    assert (await scene.booking(reference)).state == "assigned"
    assert await scene.scalar("SELECT count(*) FROM blocks") == 0


async def test_a_long_reason_is_given_back_to_be_shortened(scene, meena):
    sent = await blocks(meena, scene.ravi, "x" * 1001)
    assert sent.form("/block").fields["reason"] == "x" * 1001


async def test_what_it_would_do_has_changed_since_it_was_shown(scene, meena, me):
    page = await meena.visit(f"{place(scene.ravi)}/block")
    reference = await ravis_job(scene, me)
    sent = await meena.submit(page, "/block", reason=REASON)
    assert sent.status == 409
    assert "Check again, then decide" in sent.text
    assert "Offers 1 accepted job to others" in sent.text
    assert (await scene.booking(reference)).state == "assigned"
    assert (await meena.submit(sent, "/block")).status == 303  # the reason stayed
    assert (await scene.booking(reference)).state == "requested"


async def test_a_script_blocks_with_the_reason_alone(scene, meena):
    assert (await meena.post_fields(f"{place(scene.ravi)}/block", {"reason": REASON})).status == 303
    assert (await meena.post_fields(f"{place(scene.ravi)}/unblock", {"reason": "Fine."})).status == 303


async def test_blocking_twice_says_who_was_first(scene, meena):
    assert (await blocks(meena, scene.ravi)).status == 303
    repeated = await meena.post_fields(f"{place(scene.ravi)}/block", {"reason": "Once more."})
    assert repeated.status == 409
    assert "Meena Iyer already blocked Ravi Kumar" in repeated.text


async def test_w18_no_one_blocks_themselves(scene, meena):
    sent = await meena.post_fields(f"/admin/admins/{meena.user.id}/block", {"reason": REASON})
    assert sent.status == 409
    assert "You can&#39;t block yourself." in sent.text
    assert (await meena.get("/admin/admins")).status_code == 200


async def test_w18_the_last_admin_who_may_act_stays(scene, meena):
    lekha = await scene.scalar("SELECT id FROM users WHERE full_name = 'Lekha Narayanan'")
    async with scene.database.work() as db:
        other = await scene.browser(await db.get(User, lekha))
    assert (await meena.post_fields(f"/admin/admins/{lekha}/block", {"reason": REASON})).status == 303
    assert (await other.get("/admin/admins")).status_code == 303  # signed out
    sent = await meena.post_fields(f"/admin/admins/{meena.user.id}/demotion", {})
    assert sent.status == 409


async def test_an_admin_is_made_of_a_customer_who_never_booked_and_unmade(scene, meena, me):
    async with scene.database.work() as db:
        new = await a_customer(db, "Banu Sekar")
        new.email_verified_at = clock.now()
    was = await scene.browser(new)
    panel = await meena.visit(f"/admin/customers/{new.id}")
    assert (await meena.submit(panel, "/promotion")).location == f"/admin/admins/{new.id}"
    assert (await was.get("/profile")).headers["location"].startswith("/login")
    now = await scene.browser(await refreshed(scene, new))
    assert (await now.get("/admin/customers")).status_code == 200
    panel = await meena.visit(f"/admin/admins/{new.id}")
    assert (await meena.submit(panel, "/demotion")).location == "/admin/admins"
    assert (await now.get("/admin/customers")).status_code in (303, 403)
    events = await scene.rows(
        "SELECT name, facts->>'before', facts->>'after' FROM events WHERE subject = :s ORDER BY seq", s=f"user-{new.id}"
    )
    assert ("person.promoted", "customer", "admin") in events
    assert ("person.demoted", "admin", "customer") in events


async def refreshed(scene, user):
    async with scene.database.work() as db:
        return await db.get(User, user.id)


async def test_who_has_booked_does_not_become_an_admin(scene, meena, me):
    await scene.paid(me)
    sent = await meena.post_fields(f"/admin/customers/{scene.asha.id}/promotion", {})
    assert sent.status == 409
    assert "has bookings" in sent.text
    assert await scene.scalar("SELECT role FROM users WHERE id = :id", id=scene.asha.id) == "customer"


async def test_who_signed_in_a_while_ago_gives_the_password_once_more(scene, meena):
    with later(minutes=16):
        response = await meena.get(f"{place(scene.ravi)}/block")
        assert response.headers["location"] == f"/login/again?next=%2Fadmin%2Fprofessionals%2F{scene.ravi.id}%2Fblock"
        panel = await meena.get(f"{place(scene.ravi)}/block", headers={"hx-request": "true", "hx-target": "div#panel"})
        assert f"next=%2Fadmin%2Fprofessionals%2F{scene.ravi.id}%2Fblock" in str(panel.headers), "the question itself"
        sent = await meena.post_fields(f"{place(scene.ravi)}/block", {"reason": REASON})
        assert sent.location.startswith("/login/again")
    assert await scene.scalar("SELECT count(*) FROM blocks") == 0


async def test_an_account_of_another_table_is_not_there(scene, meena):
    assert (await meena.get(f"/admin/customers/{scene.ravi.id}/block")).status_code == 404
    assert (await meena.get(f"/admin/professionals/{scene.asha.id}/block")).status_code == 404
    assert (await meena.get("/admin/customers/9223372036854775808/block")).status_code == 404


async def test_that_an_admin_looked_at_phone_and_address_is_written_down_once_for_each_look(scene, meena):
    view_count_query = "SELECT count(*) FROM events WHERE name = 'person.contact_seen' AND subject = :s"
    await meena.visit("/admin/customers")
    assert await scene.scalar(view_count_query, s=f"user-{scene.asha.id}") == 0
    page = await meena.visit(f"/admin/customers/{scene.asha.id}")
    assert "Kasturba Nagar" in page.text
    assert await scene.scalar(view_count_query, s=f"user-{scene.asha.id}") == 1
    history = await meena.visit(f"/admin/customers/{scene.asha.id}?tab=history")
    assert "viewed the phone and address" in history.text
    assert "Kasturba Nagar" not in history.text


async def test_every_state_before_and_after_stands_in_the_history(scene, meena):
    assert (await blocks(meena, scene.ravi)).status == 303
    rows = await scene.rows(
        "SELECT name, actor_id, facts->>'before', facts->>'after', facts->>'channel' FROM events"
        " WHERE subject = :s AND name = 'person.blocked'",
        s=f"user-{scene.ravi.id}",
    )
    assert rows == [("person.blocked", meena.user.id, "active", "blocked", "page")]


async def test_a_request_that_names_them_and_reserves_their_time_is_one_request(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    asha = await a_customer(db)
    assert await Jobs(db).relying_on(ravi.id) == []
    assert not await OpenCommitments(db, ravi.id).has_reservations()
    request = await a_request(db, asha, service, a_start(1), professional_id=ravi.id)
    hold = await a_hold(db, asha, service, a_start(2))
    impact = await block_impact(db, ravi)
    assert (impact.requests, impact.holds) == (1, 1)
    assert sorted(await Jobs(db).relying_on(ravi.id)) == [request.id, hold.id]
    assert await OpenCommitments(db, ravi.id).has_reservations()
