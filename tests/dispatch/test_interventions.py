"""What an admin does to a booking by hand: cancel, move, reassign, note; the figures first, and both sides told."""

import asyncio

import pytest

from app.bookings.code import CodePhase
from app.bookings.completion import complete_booking
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.check.run import find_violations
from app.core.errors import Missing, Refused
from app.dispatch import interventions
from tests.bookings.scenes import START, Scene, later
from tests.factories import a_professional, a_start, an_admin

REASON = "The professional is ill."


@pytest.fixture
async def scene(own_app):
    scene = await Scene.set(own_app)
    yield scene
    await scene.close()


@pytest.fixture
async def meena(scene):
    async with scene.database.work() as db:
        return await an_admin(db)


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def admin(scene, meena):
    return await scene.browser(meena)


def place(reference, action):
    return f"/admin/bookings/{reference}/{action}"


async def kinds(scene) -> list[str]:
    """Of the messages about the last event."""
    return sorted(
        kind
        for (kind,) in await scene.rows(
            "SELECT kind FROM outbox WHERE channel = 'email'"
            " AND created_at = (SELECT max(at) FROM events WHERE subject LIKE 'booking-%') ORDER BY id"
        )
    )


async def sound(scene):
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_an_admin_cancels_without_a_fee_and_both_sides_are_notified(scene, asha, admin):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    page = await admin.visit(place(reference, "cancellation"))
    assert "Without a fee the customer gets ₹149 back" in page.text
    assert "By the rules there is no fee now" in page.text
    sent = await admin.submit(page, "/cancellation", fee="none", reason=REASON)
    assert (sent.status, sent.location) == (303, f"/admin/bookings/{reference}")
    booking = await scene.booking(reference)
    assert (booking.state, booking.cancelled_as, booking.fee) == (State.CANCELLED, "platform", 0)
    assert await scene.money(reference) == {}
    assert REASON in (await asha.visit(f"/bookings/{reference}")).text
    assert await kinds(scene) == ["booking_cancelled", "job_cancelled"]
    await sound(scene)


async def test_late_the_fee_of_the_rules_is_shown_and_taken_only_if_it_is_chosen(scene, asha, admin, meena):
    reference = await scene.paid(asha, a_start(hour=10))
    await scene.accepted(reference)
    booking = await scene.booking(reference)
    with later(seconds=int((booking.starts_at - booking.created_at).total_seconds()) - 3600):
        admin = await scene.browser(meena)
        page = await admin.visit(place(reference, "cancellation"))
        assert "the customer pays ₹100: ₹49 goes back" in " ".join(page.text.split())
        assert "Ravi Kumar gets ₹70" in page.text
        assert (await admin.submit(page, "/cancellation", fee="rule", reason=REASON)).status == 303
    assert await scene.money(reference) == {"gateway": 100_00, "commission": -30_00, "earnings": -70_00}
    await sound(scene)


async def test_a_hold_is_cancelled_too(scene, asha, admin):
    reference = await scene.held(asha)
    page = await admin.visit(place(reference, "cancellation"))
    assert (await admin.submit(page, "/cancellation", reason=REASON)).status == 303
    assert (await scene.booking(reference)).state == State.CANCELLED


async def test_a_started_job_is_ended_by_a_case(scene, asha, admin):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    page = await admin.visit(place(reference, "cancellation"))
    await scene.started(reference)
    for answer in (
        await admin.submit(page, "/cancellation", reason=REASON),
        await admin.visit(place(reference, "cancellation")),
    ):
        assert answer.status == 409
        assert "It is ended by a case" in answer.text
    assert (await scene.booking(reference)).state == State.STARTED


@pytest.mark.parametrize("reason", ["", " ", "x" * 1001])
async def test_a_cancellation_has_a_reason(scene, asha, admin, reason):
    reference = await scene.paid(asha)
    page = await admin.visit(place(reference, "cancellation"))
    assert (await admin.submit(page, "/cancellation", reason=reason)).status == 422


async def test_an_admin_moves_a_booking_for_nothing_even_late(scene, asha, admin):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    page = await admin.visit(place(reference, "reschedule"))
    assert "There is no fee, and the price stays ₹149" in page.text
    wanted = a_start(days=2, hour=11).strftime(START)
    sent = await admin.submit(page, "/reschedule", having="start", start=wanted)
    assert sent.status == 303
    booking = await scene.booking(reference)
    assert (booking.state, booking.starts_at) == (State.REQUESTED, a_start(days=2, hour=11))
    assert booking.requested_professional_id == scene.ravi.id
    assert await kinds(scene) == ["booking_moved", "job_asked", "job_moved"] or await kinds(scene) == [
        "booking_moved",
        "job_moved",
    ]
    assert (await admin.submit(page, "/reschedule", having="start", start="2026-01-01T10:00")).status == 422
    await sound(scene)


async def test_an_accepted_job_goes_to_another_professional_with_a_new_code(scene, asha, admin):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    before = (await asha.visit(f"/bookings/{reference}")).data["start-code"]
    page = await admin.visit(place(reference, "reassignment"))
    assert "Ravi Kumar loses the job" in page.text
    assert "Kumar Raja" in page.text
    sent = await admin.submit(page, "/reassignment", professional_id=str(scene.kumar.id), reason=REASON)
    assert sent.status == 303, sent.text
    booking = await scene.booking(reference)
    assert (booking.state, booking.professional_id) == (State.ASSIGNED, scene.kumar.id)
    assert (await asha.visit(f"/bookings/{reference}")).data["start-code"] != before
    assert await scene.reserved_for(reference) == scene.kumar.id
    assert await kinds(scene) == ["booking_assigned", "job_given", "job_taken_away"]
    assert (await (await scene.browser(scene.ravi)).visit(f"/jobs/{reference}")).status == 404
    again = await admin.submit(page, "/reassignment", professional_id=str(scene.kumar.id), reason=REASON)
    assert again.status == 303
    await sound(scene)


async def test_a_started_job_is_accepted_again_by_another_who_starts_and_finishes_it(scene, asha, admin):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    await scene.started(reference)
    page = await admin.visit(place(reference, "reassignment"))
    assert "decided by a case" in page.text
    sent = await admin.submit(page, "/reassignment", professional_id=str(scene.kumar.id), reason=REASON)
    assert sent.status == 303, sent.text
    booking = await scene.booking(reference)
    assert (booking.state, booking.started_at, booking.professional_id) == (State.ASSIGNED, None, scene.kumar.id)
    assert await scene.money(reference) == {"hold": 149_00, "hold_contra": -149_00}
    await sound(scene)
    async with scene.database.work() as db:
        booking = await Bookings(db).for_professional(scene.kumar, reference, lock=True)
        booking.start(scene.kumar, booking.live_code(CodePhase.START), scene.encryption)
        await db.flush()
        await complete_booking(db, booking, scene.kumar, booking.live_code(CodePhase.FINISH))
    assert await scene.money(reference) == {"gateway": 149_00, "commission": -22_35, "earnings": -126_65}
    await sound(scene)


async def test_a_job_goes_to_no_one_who_is_busy_or_does_not_do_it(scene, asha, admin, meena):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    other = await scene.paid(await scene.browser(scene.omar))
    await scene.accepted(other, scene.kumar)
    async with scene.database.work() as db:
        stranger = await a_professional(db, "Nila Devi")
        for professional, refusal in ((scene.kumar, Refused), (stranger, Missing), (scene.ravi, None)):
            if refusal is None:
                await interventions.reassign(db, meena, reference, professional.id, REASON, scene.encryption)
                continue
            with pytest.raises(refusal):
                await interventions.reassign(db, meena, reference, professional.id, REASON, scene.encryption)
    assert (await scene.booking(reference)).professional_id == scene.ravi.id


async def test_a_note_is_read_by_admins_alone(scene, asha, admin):
    reference = await scene.paid(asha)
    sent = await admin.submit(await admin.visit(place(reference, "note")), "/note", text="The customer called at noon.")
    assert sent.location == f"/admin/bookings/{reference}?tab=history"
    assert "The customer called at noon." in (await admin.visit(sent.location)).text
    assert "called at noon" not in (await asha.visit(f"/bookings/{reference}?steps=1")).text
    assert (await admin.submit(await admin.visit(place(reference, "note")), "/note", text=" ")).status == 422


async def test_the_record_leads_to_what_its_state_allows(scene, asha, admin):
    reference = await scene.paid(asha)
    links = (await admin.visit(f"/admin/bookings/{reference}")).links
    actions = ("cancellation", "reschedule", "reassignment", "note")
    assert [place(reference, action) in links for action in actions] == [True, True, False, True]
    await scene.accepted(reference)
    await scene.started(reference)
    links = (await admin.visit(f"/admin/bookings/{reference}")).links
    assert [place(reference, action) in links for action in actions] == [False, False, True, True]


async def outcome_of(scene, act) -> str:
    try:
        async with scene.database.work() as db:
            await act(db)
    except Missing:
        return "missing"
    except Refused:
        return "refused"
    return "done"


async def test_of_cancelling_and_starting_at_once_one_happens(scene, asha, meena):
    for hour in (10, 13, 16):
        reference = await scene.paid(asha, a_start(hour=hour))
        await scene.accepted(reference)

        async def cancel(db, reference=reference):
            await interventions.cancel(db, meena, reference, REASON, with_fee=False)

        async def start(db, reference=reference):
            booking = await Bookings(db).for_professional(scene.ravi, reference, lock=True)
            booking.start(scene.ravi, booking.live_code(CodePhase.START) or booking.codes[-1], scene.encryption)

        outcomes = await asyncio.gather(outcome_of(scene, cancel), outcome_of(scene, start))
        assert sorted(outcomes) == ["done", "refused"]
        state = (await scene.booking(reference)).state
        assert state == (State.CANCELLED if outcomes[0] == "done" else State.STARTED)
        if state == State.STARTED:
            await scene.completed(reference)
    await sound(scene)


async def test_of_cancelling_and_completing_at_once_the_job_is_done(scene, asha, meena):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    await scene.started(reference)

    async def cancel(db):
        await interventions.cancel(db, meena, reference, REASON, with_fee=False)

    async def complete(db):
        booking = await Bookings(db).for_professional(scene.ravi, reference, lock=True)
        await complete_booking(db, booking, scene.ravi, booking.live_code(CodePhase.FINISH))

    cancelled, completed = await asyncio.gather(outcome_of(scene, cancel), outcome_of(scene, complete))
    assert (cancelled, completed) == ("refused", "done")
    await sound(scene)


async def test_reassigning_and_starting_at_once_leave_one_professional(scene, asha, meena):
    reference = await scene.paid(asha)
    await scene.accepted(reference)

    async def reassign(db):
        await interventions.reassign(db, meena, reference, scene.kumar.id, REASON, scene.encryption)

    async def start(db):
        booking = await Bookings(db).for_professional(scene.ravi, reference, lock=True)
        booking.start(scene.ravi, booking.live_code(CodePhase.START), scene.encryption)

    first, second = await asyncio.gather(outcome_of(scene, reassign), outcome_of(scene, start))
    booking = await scene.booking(reference)
    # Started first, it is taken away all the same; taken away first, it is not Ravi's to start.
    assert (first, second in ("done", "missing")) == ("done", True)
    assert (booking.state, booking.professional_id) == (State.ASSIGNED, scene.kumar.id)
    await sound(scene)
