"""W16 and W17: account deletion by plain forms. Open bookings end first; no personal data remains."""

from datetime import timedelta

import pytest

from app.accounts.session import Sessions
from app.accounts.user import User
from app.check.run import find_violations
from app.core import clock
from app.core.errors import Refused
from app.privacy.deletion import delete_account
from tests.factories import PASSWORD, a_block, a_start, an_admin
from tests.person import Person
from tests.privacy.conftest import find_traces, rename_user
from tests.vetting.samples import a_pdf, on_disk

PERSONAL_TERMS = ("zaphira", "quillon", "9840067676", "canary")


async def zaphira(scene) -> tuple[User, Person]:
    """A customer whose personal values are unique search terms."""
    number = scene.asha.id
    user = await rename_user(scene, scene.asha, "Zaphira Quillon", f"zaphira.{number}@example.com", "+919840067676")
    return user, await scene.browser(user)


async def lives(scene, me: Person) -> str:
    """Books, moves, cancels, objects, reviews, changes her details: the reference of the job that was done."""
    await me.submit_and_follow(
        await me.visit("/profile/addresses/new"), "/addresses", address="12 Canary Street", pincode="600090"
    )
    done = await scene.paid(me)
    await me.submit_and_follow(
        await me.visit(f"/bookings/{done}"), done, having="note", address="7 Canary Lane", note="Canary bites."
    )
    await scene.accepted(done)
    await scene.started(done)
    await scene.completed(done)
    await me.submit_and_follow(await me.visit(f"/bookings/{done}/review"), "/review", rating="5", comment="Good work.")
    cancelled = await scene.paid(me, a_start(days=2))
    await me.submit_and_follow(
        await me.visit(f"/bookings/{cancelled}/cancellation"), "/cancellation", reason="My canary is ill."
    )
    await me.submit_and_follow(
        await me.visit("/profile/email"), "/email", email="canary.new@example.com", current_password=PASSWORD
    )
    await me.submit_and_follow(
        await me.visit("/profile"), "/profile", having="full_name", full_name="Zaphira Quillon Iyer"
    )
    await Person(scene.app).post_fields("/password/forgotten", {"email": f"zaphira.{scene.asha.id}@example.com"})
    return done


async def leaves(me: Person, **fields: str):
    return await me.submit(await me.visit("/profile/leaving"), "/leaving", current_password=PASSWORD, **fields)


async def test_w16_nothing_personal_of_a_customer_is_left_anywhere(scene):
    user, me = await zaphira(scene)
    await lives(scene, me)
    async with scene.database.work() as db:
        assert set(await find_traces(db, *PERSONAL_TERMS)) >= {
            "users",
            "addresses",
            "bookings",
            "event_values",
            "email_links",
        }
    sent = await leaves(me)
    assert (sent.status, sent.location) == (303, "/"), sent.text
    async with scene.database.work() as db:
        assert await find_traces(db, *PERSONAL_TERMS) == {}
        assert await find_violations(db) == []


async def test_w16_money_and_history_of_a_customer_stay_whole_without_a_name(scene):
    user, me = await zaphira(scene)
    done = await lives(scene, me)
    money, events = await scene.money(done), "SELECT count(*) FROM events WHERE subject = :s"
    before = await scene.scalar(events, s=f"booking-{done}")
    await leaves(me)
    assert await scene.money(done) == money
    assert await scene.scalar(events, s=f"booking-{done}") == before
    rows = await scene.rows(
        "SELECT address, note, price, pincode, customer_id FROM bookings WHERE reference = :r", r=done
    )
    assert rows == [("–", "", 149_00, "600020", user.id)]
    charge = "SELECT brand, last4, captured FROM charges c JOIN bookings b ON b.id = c.booking_id WHERE reference = :r"
    assert await scene.rows(charge, r=done) == [(None, None, 149_00)]


async def test_w16_an_open_booking_must_end_first_and_the_page_leads_to_it(scene):
    _, me = await zaphira(scene)
    open_booking = await scene.paid(me)
    page = await me.visit("/profile/leaving")
    assert f"/bookings/{open_booking}" in page.links
    assert not [form for form in page.forms if form.action.endswith("/leaving")]
    sent = await me.post_fields("/profile/leaving", {"current_password": PASSWORD})
    assert sent.status == 409
    assert "must end first" in sent.text
    assert (await me.visit("/profile")).status == 200, "refused is refused: the account is as it was"


async def test_w16_what_is_owed_must_be_paid_first(scene):
    _, me = await zaphira(scene)
    done = await scene.done(me, method="after")
    page = await me.visit("/profile/leaving")
    assert f"/bookings/{done}/payment" in page.links
    assert (await me.post_fields("/profile/leaving", {"current_password": PASSWORD})).status == 409
    await scene.pay(me, done, method="upi", upi_id="success@doorstep")
    assert (await leaves(me)).status == 303


async def test_w16_the_booking_that_bound_them_ends_by_the_clock_and_they_may_go(scene):
    """Under a stopped clock: assigned, started, completed by its code, and only then."""
    with clock.freeze(clock.at(clock.today() + timedelta(days=1), 9 * 60)):
        _, me = await zaphira(scene)
        reference = await scene.paid(me, a_start(days=1))
        for step in (scene.accepted, scene.started, scene.completed):
            assert (await me.post_fields("/profile/leaving", {"current_password": PASSWORD})).status == 409
            await step(reference)
        assert (await leaves(me)).status == 303
        left = await scene.scalar("SELECT deleted_at FROM users WHERE id = :id", id=scene.asha.id)
        assert left == clock.now()


async def test_a_time_that_is_only_kept_is_given_up_with_the_account(scene):
    _, me = await zaphira(scene)
    held = await scene.held(me)
    assert (await leaves(me)).status == 303
    assert await scene.rows("SELECT state, cancelled_as FROM bookings WHERE reference = :r", r=held) == [
        ("cancelled", "customer")
    ]


async def test_the_wrong_password_changes_nothing(scene):
    user, me = await zaphira(scene)
    page = await me.visit("/profile/leaving")
    sent = await me.submit(page, "/leaving", current_password="not the one")
    assert sent.status == 422
    assert "not your current password" in sent.text
    assert await scene.scalar("SELECT deleted_at FROM users WHERE id = :id", id=user.id) is None


async def test_every_session_ends_and_signing_in_fails_like_any_wrong_password(scene):
    user, me = await zaphira(scene)
    elsewhere, email = await scene.browser(user), user.email
    await leaves(me)
    for browser in (me, elsewhere):
        assert (await browser.get("/profile")).status_code == 303
    stranger = Person(scene.app)
    rejected = await stranger.sign_in(email, PASSWORD)
    never = await stranger.sign_in("never.was@example.com", PASSWORD)
    placeholder = await stranger.sign_in(f"left-{user.id}", PASSWORD)
    assert (rejected.status, never.status, placeholder.status) == (422, 422, 422)
    assert "That email and password don&#39;t match." in rejected.text
    assert "That email and password don&#39;t match." in placeholder.text
    await stranger.aclose()


async def test_the_address_is_free_for_a_new_account_which_is_another_person(scene):
    user, me = await zaphira(scene)
    email = user.email
    await leaves(me)
    new = Person(scene.app)
    form = {"full_name": "Zaphira Quillon", "email": email, "phone": "+91 00000 00412", "password": PASSWORD}
    page = await new.visit("/register")
    await new.submit(page, "/register", **form, address="Gate 5, Beach Road", pincode="600020")
    assert (await new.sign_in(email, PASSWORD)).status == 303
    assert await scene.scalar("SELECT id FROM users WHERE email = :e", e=email) != user.id
    assert "No bookings" in (await new.visit("/bookings")).text or (await new.visit("/bookings")).status == 200
    await new.aclose()


async def test_a_review_stays_under_former_customer_and_its_words_go_if_they_want_it(scene):
    _, me = await zaphira(scene)
    await lives(scene, me)
    await leaves(me)
    card = await Person(scene.app).visit(f"/professionals/{scene.ravi.id}")
    assert "Former customer" in card.text
    assert "Good work." in card.text


async def test_the_words_of_reviews_go_too_when_that_is_ticked_and_the_stars_stay(scene):
    user, me = await zaphira(scene)
    await lives(scene, me)
    assert (await leaves(me, reviews="yes")).status == 303
    rows = await scene.rows("SELECT rating, comment FROM reviews WHERE customer_id = :id", id=user.id)
    assert rows == [(5, "")]
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_the_professionals_pages_still_draw_when_their_customer_has_left(scene):
    _, me = await zaphira(scene)
    done = await lives(scene, me)
    await leaves(me)
    ravis = await scene.browser(scene.ravi)
    for path in (f"/jobs/{done}", "/jobs", "/jobs/history", "/earnings"):
        page = await ravis.visit(path)
        assert page.status == 200, path
        assert "Zaphira" not in page.text, path


async def test_a_blocked_person_cannot_leave_and_reads_so(scene):
    """A block must not be shaken off by leaving and signing up anew."""
    user, me = await zaphira(scene)
    async with scene.database.work() as db:
        await a_block(db, user, await an_admin(db))
    assert (await me.get("/profile/leaving")).status_code == 403
    page = await me.visit("/blocked")
    assert "the account can't be deleted" in page.text
    token = page.form("/logout").fields["_csrf_token"]
    sent = await me.post_fields("/profile/leaving", {"current_password": PASSWORD, "_csrf_token": token})
    assert sent.status == 403


async def test_who_is_blocked_while_the_form_is_open_cannot_leave_either(scene):
    user, _ = await zaphira(scene)
    async with scene.database.work() as db:
        await a_block(db, user, await an_admin(db))
    with pytest.raises(Refused) as refused:
        await _leave(scene, user)
    assert refused.value.reason == "blocked"


async def test_what_an_earlier_block_stated_is_forgotten(scene):
    user, me = await zaphira(scene)
    async with scene.database.work() as db:
        block = await a_block(db, user, await an_admin(db), "Shouted at a canary.")
        block.lifted_at, block.lifted_by_id, block.lifted_reason = (
            clock.now(),
            block.blocked_by_id,
            "The canary forgave.",
        )
    assert (await leaves(me)).status == 303
    assert await scene.rows("SELECT reason, lifted_reason FROM blocks WHERE user_id = :id", id=user.id) == [("–", "–")]


async def test_an_admin_cannot_leave(scene):
    async with scene.database.work() as db:
        meena = await an_admin(db)
    me = await scene.browser(meena)
    assert "remove your admin role" in (await me.visit("/profile/leaving")).text
    with pytest.raises(Refused) as refused:
        await _leave(scene, meena)
    assert refused.value.reason == "admin"


async def test_w17_a_started_job_must_end_first(scene):
    me, asha = await scene.browser(scene.ravi), await scene.browser(scene.asha)
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    await scene.started(reference)
    assert f"/jobs/{reference}" in (await me.visit("/profile/leaving")).links
    assert (await me.post_fields("/profile/leaving", {"current_password": PASSWORD})).status == 409
    await scene.completed(reference)
    assert (await leaves(me)).status == 303


async def test_w17_an_accepted_job_goes_to_the_others_at_once(scene):
    me, asha = await scene.browser(scene.ravi), await scene.browser(scene.asha)
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    assert "1 accepted job is offered to others" in (await me.visit("/profile/leaving")).text
    assert (await leaves(me)).status == 303
    rows = (
        "SELECT state, b.professional_id, r.professional_id FROM bookings b JOIN reservations r ON r.booking_id = b.id"
    )
    rows += " WHERE reference = :r"
    assert await scene.rows(rows, r=reference) == [("requested", None, scene.kumar.id)]
    await scene.accepted(reference, scene.kumar)
    assert "Kumar" in (await asha.visit(f"/bookings/{reference}")).text


async def test_w17_who_was_offered_first_and_left_keeps_no_one_waiting(scene):
    me, asha = await scene.browser(scene.ravi), await scene.browser(scene.asha)
    held = await scene.held(asha, professional=scene.ravi.id)
    await scene.pay(asha, held)
    await leaves(me)
    rows = "SELECT state, exclusive_until FROM bookings WHERE reference = :r"
    assert await scene.rows(rows, r=held) == [("requested", None)]
    assert await scene.reserved_for(held) == scene.kumar.id


async def test_w17_a_time_kept_for_anyone_moves_on_and_one_kept_for_them_is_given_up(scene):
    me, asha = await scene.browser(scene.ravi), await scene.browser(scene.asha)
    their_booking = await scene.held(asha, professional=scene.ravi.id)
    anyones = [await scene.held(asha, a_start(days=2)), await scene.held(asha, a_start(days=3))]
    await leaves(me)
    assert (await scene.booking(their_booking)).state == "cancelled"
    assert {await scene.reserved_for(anyone) for anyone in anyones} == {scene.kumar.id}
    assert {(await scene.booking(anyone)).state for anyone in anyones} == {"held"}


async def test_w17_nothing_personal_of_a_professional_is_left_anywhere(scene, own_storage):
    me, asha = await _who_worked(scene)
    assert on_disk(own_storage)
    sent = await leaves(me)
    assert (sent.status, sent.location) == (303, "/"), sent.text
    assert on_disk(own_storage) == []
    async with scene.database.work() as db:
        assert await find_traces(db, *PERSONAL_TERMS) == {}
        assert await find_violations(db) == []


async def test_w17_the_pages_of_their_customers_still_draw_and_so_do_receipts(scene):
    me, asha = await _who_worked(scene)
    done = str(await scene.scalar("SELECT reference FROM bookings WHERE professional_id = :id", id=scene.ravi.id))
    await leaves(me)
    for path in (f"/bookings/{done}", f"/bookings/{done}?steps=1", f"/bookings/{done}/receipt", "/bookings"):
        page = await asha.visit(path)
        assert page.status == 200, path
        assert "Former professional" in page.text, path
        assert "Quillon" not in page.text, path
    repeated = await asha.visit(f"/bookings/new?again={done}")
    assert repeated.status == 200
    card = await asha.visit(f"/professionals/{scene.ravi.id}")
    assert "Former professional" in card.text
    assert "Very good." in card.text


async def test_w17_what_they_have_earned_stays_their_own(scene):
    me, _ = await _who_worked(scene)
    earned = "SELECT -sum(amount)::bigint FROM ledger_entries WHERE person_id = :id AND account = 'earnings'"
    before = await scene.scalar(earned, id=scene.ravi.id)
    assert before
    assert "₹126.65" in (await me.visit("/profile/leaving")).text
    await leaves(me)
    assert await scene.scalar(earned, id=scene.ravi.id) == before


async def test_w17_no_one_finds_or_books_them_any_more(scene):
    me, asha = await _who_worked(scene)
    await leaves(me)
    page = await asha.visit(f"/services/{scene.service.slug}?pincode=600020")
    assert f"professional={scene.ravi.id}" not in page.text
    assert "Zaphira" not in page.text
    question = await asha.visit(scene.new_booking_url(a_start(days=4), professional=scene.ravi.id))
    assert "find this professional" in question.text


async def _who_worked(scene) -> tuple[Person, Person]:
    """Ravi as Zaphira: a document, a time off, a pass and a job with a proposal, each with personal text."""
    ravi = await rename_user(
        scene, scene.ravi, "Zaphira Quillon", f"zaphira.r{scene.ravi.id}@example.com", "+919840067676"
    )
    me, asha = await scene.browser(ravi), await scene.browser(scene.asha)
    files = {"document": ("canary.pdf", a_pdf(), "application/pdf")}
    sent = await me.post("/documents", data={"kind": "identity", "_csrf_token": await me.token()}, files=files)
    assert sent.status_code == 303, sent.text
    away = {"from": "2027-03-01T08:00", "until": "2027-03-02T08:00", "reason": "My canary's wedding"}
    await me.submit_and_follow(await me.visit("/availability"), "/time-off", **away)
    passed = await scene.held(asha, a_start(days=2), professional=ravi.id)
    await scene.pay(asha, passed)
    await me.post_fields(f"/jobs/{passed}/pass", {"reason": "The canary sings."})
    await asha.submit_and_follow(await asha.visit(f"/bookings/{passed}/cancellation"), "/cancellation")
    done = await scene.paid(asha)
    await scene.accepted(done)
    await scene.started(done)
    await me.post_fields(f"/jobs/{done}/extras", {"text": "A canary cage", "price": "250"})
    await asha.post_fields(f"/bookings/{done}/extras/{await _extra(scene, done)}", {"answer": "refuse"})
    await scene.completed(done)
    await asha.submit_and_follow(
        await asha.visit(f"/bookings/{done}/review"), "/review", rating="5", comment="Very good."
    )
    return me, asha


async def _extra(scene, reference: str) -> object:
    statement = "SELECT x.id FROM extras x JOIN bookings b ON b.id = x.booking_id WHERE b.reference = :r"
    return await scene.scalar(statement, r=reference)


async def _leave(scene, user: User) -> None:
    async with scene.database.work() as db:
        await delete_account(db, scene.app.state.services.storage, Sessions(scene.database), user)
