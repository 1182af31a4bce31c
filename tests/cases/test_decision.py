"""W27, W28: the decision of a case is one act, with its money, its second visit and its words."""

import pytest
from sqlalchemy import select

from app.bookings.repository import Bookings
from app.core import clock
from app.notifications.messages import MessageRenderer, OutOfDate
from app.notifications.repository import OutboxRepository
from app.payments.refund import Refund
from app.payments.refunds import confirm_refund
from tests.bookings.scenes import later
from tests.cases.steps import WORDS, asks_for_help, decides, done_later, is_sound, missed
from tests.factories import ADYAR


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def admin(scene, meena):
    return await scene.browser(meena)


async def a_case(scene, asha, topic="quality"):
    booking = await scene.done(asha)
    return booking, await asks_for_help(asha, f"/bookings/{booking}", topic)


async def test_money_back_is_given_and_both_sides_read_the_same_words(scene, asha, admin):
    booking, case = await a_case(scene, asha)
    sent = await decides(admin, case, "refund", amount="₹100", borne_by="doorstep")
    assert (sent.status, sent.location) == (303, "/admin/cases")
    ravi = await scene.browser(scene.ravi)
    for person in (asha, ravi):
        page = await person.visit(f"/cases/{case}")
        assert (WORDS in page.text, "Money back" in page.text, "₹100" in page.text) == (True, True, True)
        assert not [form for form in page.forms if form.action.endswith("/messages")]
        refused = await person.post_fields(f"/cases/{case}/messages", {"message": "But."})
        assert refused.status == 409
    assert await scene.rows("SELECT amount, refunded FROM charges") == [(149_00, 100_00)]
    assert await scene.rows("SELECT outcomes, amount, borne_by, reason FROM cases") == [
        (["refund"], 100_00, "doorstep", WORDS)
    ]
    kinds = "SELECT recipient_id, kind FROM outbox WHERE kind = 'case_decided' ORDER BY recipient_id"
    assert await scene.rows(kinds) == [(user, "case_decided") for user in sorted((scene.asha.id, scene.ravi.id))]
    await is_sound(scene)


@pytest.mark.parametrize(
    ("outcome", "fields", "field"),
    [
        ([], {}, "outcome"),
        (["none", "redo"], {}, "outcome"),
        (["refund", "fee_returned"], {"amount": "10"}, "outcome"),
        (["perhaps"], {}, "outcome"),
        (["refund"], {"amount": ""}, "amount"),
        (["refund"], {"amount": "150"}, "amount"),
        (["refund"], {"amount": "ten"}, "amount"),
        (["redo"], {"amount": "10"}, "amount"),
        (["none"], {"reason": " "}, "reason"),
        (["none"], {"borne_by": "customer"}, "borne_by"),
    ],
)
async def test_a_decision_that_does_not_fit_changes_nothing(scene, asha, admin, outcome, fields, field):
    booking, case = await a_case(scene, asha)
    place = f"/admin/cases/{case}"
    pairs = {"reason": WORDS, "borne_by": "doorstep", **fields, "outcome": outcome}
    sent = await admin.post_fields(f"{place}/decision", pairs, referer=place)
    assert sent.status == 422
    assert f'id="{field}-error"' in sent.text
    assert await scene.rows("SELECT state, outcomes FROM cases") == [("open", None)]
    assert await scene.scalar("SELECT sum(refunded)::int FROM charges") == 0


async def test_a_field_that_comes_twice_where_it_may_not_is_refused(scene, asha, admin):
    _booking, case = await a_case(scene, asha)
    place = f"/admin/cases/{case}"
    for fields in (
        {"outcome": ["none", "none"], "reason": WORDS},
        {"outcome": "refund", "amount": ["1", "2"], "reason": WORDS},
        {"outcome": "none", "reason": [WORDS, "No."]},
    ):
        assert (await admin.post_fields(f"{place}/decision", fields, referer=place)).status == 422
    assert await scene.scalar("SELECT state FROM cases") == "open"


async def test_a_decided_case_is_not_decided_again(scene, asha, admin):
    _booking, case = await a_case(scene, asha)
    assert (await decides(admin, case, "none")).status == 303
    place = f"/admin/cases/{case}"
    for path, fields in (
        ("decision", {"outcome": "refund", "amount": "10", "reason": WORDS}),
        ("messages", {"message": "One more."}),
        ("assignment", {}),
    ):
        sent = await admin.post_fields(f"{place}/{path}", fields, referer=place)
        assert sent.status == 409, path
        assert "This case has been decided" in sent.text
    assert await scene.scalar("SELECT sum(refunded)::int FROM charges") == 0


async def test_after_a_decision_comes_the_next_open_case(scene, asha, meena):
    _booking, first = await a_case(scene, asha)
    with later(hours=1):
        second = await asks_for_help(asha, f"/bookings/{await done_later(scene, asha)}")
        admin = await scene.browser(meena)
        assert (await decides(admin, first, "none")).location == f"/admin/cases/{second}"
        assert (await decides(admin, second, "none")).location == "/admin/cases"


async def test_a_fee_is_returned(scene, asha, meena):
    booking = await scene.paid(asha)
    await scene.accepted(booking)
    starts_at = (await scene.booking(booking)).starts_at
    with clock.freeze(starts_at):
        async with scene.database.work() as db:
            (await db.merge(await scene.booking(booking))).arrived_at = clock.now()
    with later(days=2):
        await missed(scene, booking)
        asha = await scene.browser(scene.asha)
        await asha.submit(await asha.visit(f"/bookings/{booking}"), "/dispute", text="I was at home all day.")
        case = await scene.scalar("SELECT reference FROM cases")
        admin = await scene.browser(meena)
        assert (await decides(admin, case, "fee_returned")).status == 303
        assert await scene.rows("SELECT captured, refunded FROM charges") == [(100_00, 100_00)]
        assert await scene.rows("SELECT amount FROM cases") == [(100_00,)]
        assert await scene.scalar("SELECT settled_at IS NOT NULL FROM disputes")
        assert "The fee is returned" in (await asha.visit(f"/cases/{case}")).text
    await is_sound(scene)


async def test_a_fee_that_is_due_is_waived(scene, asha, meena):
    booking = await scene.paid(asha, method="after")
    await scene.accepted(booking)
    starts_at = (await scene.booking(booking)).starts_at
    with clock.freeze(starts_at):
        async with scene.database.work() as db:
            (await db.merge(await scene.booking(booking))).arrived_at = clock.now()
    with later(days=2):
        await missed(scene, booking)
        asha = await scene.browser(scene.asha)
        case = await asks_for_help(asha, f"/bookings/{booking}", "no_show_fee", "I was at home all day.")
        admin = await scene.browser(meena)
        refused = await decides(admin, case, "fee_returned", amount="20")
        assert refused.status == 422
        assert (await decides(admin, case, "fee_returned")).status == 303
        assert await scene.rows("SELECT state, amount FROM charges") == [("released", 100_00)]
        assert "aren't charged" in (await asha.visit(f"/cases/{case}")).text
    await is_sound(scene)


async def test_without_a_fee_none_is_returned(scene, asha, admin):
    _booking, case = await a_case(scene, asha, "no_show_fee")
    refused = await decides(admin, case, "fee_returned")
    assert refused.status == 409
    assert "No fee was charged" in refused.text


async def test_a_visit_that_never_began_is_cancelled_and_everything_refunded(scene, asha, meena):
    booking = await scene.paid(asha)
    await scene.accepted(booking)
    starts_at = (await scene.booking(booking)).starts_at
    with clock.freeze(starts_at):
        async with scene.database.work() as db:
            (await db.merge(await scene.booking(booking))).arrived_at = clock.now()
    with later(days=2):
        asha = await scene.browser(scene.asha)
        await asha.submit(await asha.visit(f"/bookings/{booking}"), "/absence", answer="refund")
        case = await scene.scalar("SELECT reference FROM cases")
        admin = await scene.browser(meena)
        assert (await decides(admin, case, "refund", amount="20")).status == 422
        assert (await decides(admin, case, "refund")).status == 303
        row = await scene.booking(booking)
        assert (row.state, row.cancelled_as, row.fee) == ("cancelled", "professional_absent", 0)
        assert await scene.money(booking) == {}
        assert await scene.rows("SELECT amount FROM cases") == [(149_00,)]
    await is_sound(scene)


async def test_after_a_decision_money_moves_again(scene, asha, meena):
    booking = await scene.paid(asha)
    await scene.accepted(booking)
    starts_at = (await scene.booking(booking)).starts_at
    with clock.freeze(starts_at):
        async with scene.database.work() as db:
            (await db.merge(await scene.booking(booking))).arrived_at = clock.now()
    with later(days=2):
        asha = await scene.browser(scene.asha)
        await asha.submit(await asha.visit(f"/bookings/{booking}"), "/absence", answer="refund")
        case = await scene.scalar("SELECT reference FROM cases")
        assert (await decides(await scene.browser(meena), case, "none")).status == 303
        page = await asha.visit(f"/bookings/{booking}")
        assert "No money moves until it is settled" not in page.text
        assert "No one at your door?" not in page.text
        await missed(scene, booking)
        assert (await scene.booking(booking)).cancelled_as == "no_show"
    await is_sound(scene)


async def test_a_second_visit_is_a_booking_at_no_price(scene, asha, admin):
    booking, case = await a_case(scene, asha)
    assert (await decides(admin, case, "redo")).status == 303
    redo = await scene.scalar("SELECT reference FROM bookings WHERE redo_of_id IS NOT NULL")
    row = await scene.booking(redo)
    assert (row.price, row.state, row.requested_professional_id) == (0, "requested", scene.ravi.id)
    assert await scene.reserved_for(redo) == scene.ravi.id
    page = await asha.visit(f"/cases/{case}")
    assert f"/bookings/{redo}" in page.links
    assert f"/bookings/{redo}" in (await asha.visit(f"/bookings/{booking}")).links
    assert "This visit is free" in (await asha.visit(f"/bookings/{redo}")).text
    ravi = await scene.browser(scene.ravi)
    assert redo in (await ravi.visit("/jobs")).text
    await scene.accepted(redo)
    assert "pays nothing" in (await ravi.visit(f"/jobs/{redo}")).text
    await scene.started(redo)
    await scene.completed(redo)
    assert (await scene.booking(redo)).state == "completed"
    assert await scene.money(redo) == {}
    assert (await asha.visit(f"/bookings/{redo}/receipt")).status == 200
    await is_sound(scene)


async def test_a_second_visit_does_not_count_as_an_unpaid_booking(scene, asha, admin):
    _booking, case = await a_case(scene, asha)
    await decides(admin, case, "redo")
    async with scene.database.work() as db:
        terms = await Bookings(db).lock_terms(scene.asha.id, scene.service.id, ADYAR, clock.now())
    assert terms.unpaid == 0


async def test_a_second_visit_is_promised_for_14_days(scene, asha, meena):
    booking = await scene.done(asha)
    with later(days=14, minutes=1):
        asha = await scene.browser(scene.asha)
        case = await asks_for_help(asha, f"/bookings/{booking}")
        refused = await decides(await scene.browser(meena), case, "redo")
        assert refused.status == 409
        assert "within 14 days" in refused.text
    assert await scene.scalar("SELECT count(*) FROM bookings WHERE redo_of_id IS NOT NULL") == 0


async def test_there_is_one_second_visit_for_a_job(scene, asha, admin):
    booking, case = await a_case(scene, asha)
    ravi = await scene.browser(scene.ravi)
    other = await asks_for_help(ravi, f"/jobs/{booking}", "other", "I want to put it right.")
    assert (await decides(admin, case, "redo")).status == 303
    refused = await decides(admin, other, "redo")
    assert refused.status == 409
    assert "arranged already" in refused.text


async def test_money_back_and_a_second_visit_go_together(scene, asha, admin):
    _booking, case = await a_case(scene, asha)
    assert (await decides(admin, case, "refund", "redo", amount="20", borne_by="shares")).status == 303
    assert await scene.rows("SELECT outcomes, amount FROM cases") == [(["refund", "redo"], 20_00)]
    await is_sound(scene)


async def test_another_admin_reopens_a_decided_case(scene, asha, admin, lekha):
    _booking, case = await a_case(scene, asha)
    await decides(admin, case, "none", reason="Nothing was wrong.")
    place = f"/admin/cases/{case}"
    page = await admin.visit(place)
    assert not [form for form in page.forms if form.action.endswith("/reopening")]
    assert (await admin.post_fields(f"{place}/reopening", {}, referer=place)).status == 409
    other = await scene.browser(lekha)
    sent = await other.submit(await other.visit(place), "/reopening")
    assert (sent.status, sent.location) == (303, place)
    assert await scene.rows("SELECT state, only_admin, reason FROM cases") == [("open", False, None)]
    thread = await asha.visit(f"/cases/{case}")
    assert ("Nothing was wrong." in thread.text, "Decided on" in thread.text) == (True, False)
    assert (await other.post_fields(f"{place}/reopening", {}, referer=place)).status == 409
    assert (await decides(other, case, "refund", amount="149")).status == 303
    await is_sound(scene)


async def test_the_only_admin_reopens_and_it_is_marked(scene, asha, admin):
    _booking, case = await a_case(scene, asha)
    await decides(admin, case, "none")
    place = f"/admin/cases/{case}"
    assert (await admin.submit(await admin.visit(place), "/reopening")).status == 303
    assert await scene.rows("SELECT state, only_admin FROM cases") == [("open", True)]
    assert "because there was no other one" in (await admin.visit(place)).text
    await is_sound(scene)


async def test_a_case_is_not_reopened_beside_a_newer_one(scene, asha, admin, lekha):
    booking, case = await a_case(scene, asha)
    await decides(admin, case, "none")
    await asks_for_help(asha, f"/bookings/{booking}", "price", "And the price was wrong.")
    place = f"/admin/cases/{case}"
    other = await scene.browser(lekha)
    assert (await other.submit(await other.visit(place), "/reopening")).status == 409


async def rendered_kinds(scene, user):
    """The emails to this user that would be sent now."""
    services = scene.app.state.services
    renderer = MessageRenderer(
        services.templates, services.encryption, services.settings.base_url, services.settings.mail_from
    )
    kinds = []
    async with scene.database.work() as db:
        for mail in await OutboxRepository(db).latest(100):
            if mail.channel == "email" and mail.recipient_id == user.id:
                try:
                    await renderer.render(db, mail)
                except OutOfDate:
                    continue
                kinds.append(mail.kind)
    return kinds


async def test_a_refund_that_a_case_decides_sends_each_side_one_email(scene, asha, admin):
    _booking, case = await a_case(scene, asha)
    assert (await decides(admin, case, "refund", amount="100", borne_by="shares")).status == 303
    for user in (scene.asha, scene.ravi):
        kinds = await rendered_kinds(scene, user)
        assert kinds.count("case_decided") == 1
        assert not [kind for kind in kinds if kind.endswith("_refunded")]


async def test_a_refund_that_is_confirmed_later_is_mailed_then(scene, asha, admin, lekha, monkeypatch):
    monkeypatch.setattr("app.payments.refunds.SECOND_ADMIN_ABOVE", 1_00)
    booking, case = await a_case(scene, asha)
    assert (await decides(admin, case, "refund", amount="100")).status == 303
    assert "booking_refunded" not in await rendered_kinds(scene, scene.asha)
    async with scene.database.work() as db:
        found = await Bookings(db).by_reference(booking, lock=True)
        refund = (await db.scalars(select(Refund))).one()
        await confirm_refund(db, found, lekha, refund, yes=True)
    assert "booking_refunded" in await rendered_kinds(scene, scene.asha)
