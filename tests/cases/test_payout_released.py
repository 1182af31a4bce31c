"""W28: a payout that the decision of a case withheld is the professional's again when the next one says otherwise."""

import asyncio

import pytest

from app.bookings.repository import Bookings
from app.cases.cases import reopen_case
from app.cases.decision import decide_case, read_decision
from app.core import clock
from app.notifications.messages import MessageRenderer, OutOfDate
from app.notifications.repository import OutboxRepository
from app.payments.refund import BorneBy
from app.payments.refunds import refund_booking
from tests.cases.steps import WORDS, asks_for_help, decides, done_later, is_sound
from tests.cases.test_case_races import RACE_ROUNDS, outcome_of
from tests.cases.test_withholding import EARNED_PAISE, balances

RELEASED = "₹126.65 of this job, withheld before, are"


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def admin(scene, meena):
    return await scene.browser(meena)


async def reopens(scene, by, case):
    async with scene.database.work() as db:
        await reopen_case(db, by, case)


async def withheld_and_reopened(scene, asha, admin, lekha, *outcomes):
    """The references of a booking and of its open case, which had withheld its payout."""
    booking = await scene.done(asha)
    case = await asks_for_help(asha, f"/bookings/{booking}")
    assert (await decides(admin, case, "payout_withheld", *outcomes)).status == 303
    await reopens(scene, lekha, case)
    await is_sound(scene)
    return booking, case


async def latest_mail(scene, user, kind):
    """The text of the latest email of this kind to the user."""
    services = scene.app.state.services
    renderer = MessageRenderer(
        services.templates, services.encryption, services.settings.base_url, services.settings.mail_from
    )
    async with scene.database.work() as db:
        for mail in await OutboxRepository(db).latest(100):
            if (mail.channel, mail.recipient_id, mail.kind) == ("email", user.id, kind):
                try:
                    return " ".join((await renderer.render(db, mail)).text.split())
                except OutOfDate:
                    continue
    return ""


async def test_decided_otherwise_the_payout_is_released_and_both_are_notified(scene, asha, admin, lekha):
    _booking, case = await withheld_and_reopened(scene, asha, admin, lekha)
    page = await admin.visit(f"/admin/cases/{case}")
    assert "₹126.65 of the professional's payout are withheld" in page.text.replace("&#39;", "'")
    assert (await decides(admin, case, "none")).status == 303
    assert await balances(scene) == {"earnings": EARNED_PAISE, "commission": 22_35}
    assert await scene.rows("SELECT outcomes, withheld, payout_released FROM cases") == [(["none"], None, EARNED_PAISE)]
    assert RELEASED in await latest_mail(scene, scene.ravi, "case_decided")
    mail = await latest_mail(scene, scene.asha, "case_decided")
    assert (WORDS in mail, "126.65" in mail) == (True, False)
    ravi = await scene.browser(scene.ravi)
    assert RELEASED in (await ravi.visit(f"/cases/{case}")).text
    assert "126.65" not in (await asha.visit(f"/cases/{case}")).text
    await is_sound(scene)


async def test_earnings_and_statement_show_both(scene, asha, admin, lekha):
    _booking, case = await withheld_and_reopened(scene, asha, admin, lekha)
    assert (await decides(admin, case, "none")).status == 303
    ravi = await scene.browser(scene.ravi)
    earnings = (await ravi.visit("/earnings")).text
    assert ("Withheld, as decided in a case" in earnings, "Withheld before, yours again" in earnings) == (True, True)
    week = clock.today().isocalendar()
    statement = (await ravi.visit(f"/earnings/statements/{week.year}-W{week.week:02}")).text
    assert "Withheld payout released" in statement
    assert statement.count("Price ₹") == 1


async def test_withheld_again_nothing_moves(scene, asha, admin, lekha):
    _booking, case = await withheld_and_reopened(scene, asha, admin, lekha)
    assert (await decides(admin, case, "payout_withheld")).status == 303
    assert await balances(scene) == {"commission": 149_00}
    assert await scene.rows("SELECT withheld, payout_released FROM cases") == [(EARNED_PAISE, None)]
    assert await scene.scalar("SELECT count(*) FROM ledger_transactions WHERE kind LIKE 'withh%'") == 1
    await is_sound(scene)


async def test_withheld_again_for_a_second_visit_it_pays_for_that(scene, asha, admin, lekha):
    _booking, case = await withheld_and_reopened(scene, asha, admin, lekha)
    assert (await decides(admin, case, "payout_withheld", "redo")).status == 303
    assert await balances(scene) == {"commission": 22_35, "guarantee": EARNED_PAISE}
    assert await scene.rows("SELECT withheld, payout_released FROM cases") == [(EARNED_PAISE, None)]
    await is_sound(scene)


async def test_what_paid_for_a_second_visit_is_released_from_the_guarantee(scene, asha, admin, lekha):
    _booking, case = await withheld_and_reopened(scene, asha, admin, lekha, "redo")
    assert (await decides(admin, case, "none")).status == 303
    assert await balances(scene) == {"earnings": EARNED_PAISE, "commission": 22_35}
    await is_sound(scene)


async def test_withheld_released_and_withheld_once_more(scene, asha, admin, lekha):
    _booking, case = await withheld_and_reopened(scene, asha, admin, lekha)
    assert (await decides(admin, case, "none")).status == 303
    await reopens(scene, lekha, case)
    assert (await decides(admin, case, "payout_withheld")).status == 303
    assert await balances(scene) == {"commission": 149_00}
    await reopens(scene, lekha, case)
    assert (await decides(admin, case, "refund", amount="100", borne_by="shares")).status == 303
    assert await balances(scene) == {"earnings": 41_65, "commission": 7_35}
    await is_sound(scene)


async def test_another_case_of_the_booking_releases_nothing(scene, asha, admin, lekha):
    booking, case = await withheld_and_reopened(scene, asha, admin, lekha)
    ravi = await scene.browser(scene.ravi)
    other = await asks_for_help(ravi, f"/jobs/{booking}", "unpaid")
    assert (await decides(admin, other, "none")).status == 303
    assert await balances(scene) == {"commission": 149_00}
    assert (await decides(admin, case, "none")).status == 303
    assert await balances(scene) == {"earnings": EARNED_PAISE, "commission": 22_35}
    await is_sound(scene)


async def test_releasing_takes_the_right_for_money(scene, asha, admin, lekha):
    _booking, case = await withheld_and_reopened(scene, asha, admin, lekha)
    await scene.scalar("UPDATE users SET admin_right = 'support' WHERE id = :id RETURNING id", id=lekha.id)
    support = await scene.browser(lekha)
    assert (await decides(support, case, "none")).status == 403
    assert await balances(scene) == {"commission": 149_00}
    assert await scene.scalar("SELECT state FROM cases") == "open"


async def test_of_two_decisions_at_once_one_releases(scene, asha, meena, lekha):
    for number in range(RACE_ROUNDS):
        booking = await done_later(scene, asha, number + 1)
        case = await asks_for_help(asha, f"/bookings/{booking}")

        def deciding(by, *outcomes, reference=case):
            decision = read_decision(outcomes, "", "doorstep", WORDS)

            async def act(db):
                await decide_case(db, by, reference, decision)

            return outcome_of(scene.database, act)

        assert await deciding(meena, "payout_withheld") == "done"
        await reopens(scene, lekha, case)
        decisions = (deciding(meena, "none"), deciding(lekha, "none"), deciding(lekha, "payout_withheld"))
        outcomes = await asyncio.gather(*decisions)
        assert sorted(outcomes) == ["decided", "decided", "done"]
        await is_sound(scene)


async def test_a_release_and_a_shared_refund_at_once(scene, asha, admin, meena, lekha):
    """The refund is before the release and refused, or after it and borne by the share."""
    booking, case = await withheld_and_reopened(scene, asha, admin, lekha)

    async def release(db):
        await decide_case(db, meena, case, read_decision(["none"], "", "doorstep", WORDS))

    async def refund(db):
        found = await Bookings(db).by_reference(booking, lock=True)
        await refund_booking(db, found, meena, 20_00, borne_by=BorneBy.SHARES, reason="It drips.")

    released, refunded = await asyncio.gather(outcome_of(scene.database, release), outcome_of(scene.database, refund))
    assert released == "done"
    earned = {"done": 109_65, "state": EARNED_PAISE}[refunded]
    assert (await balances(scene))["earnings"] == earned
    await is_sound(scene)
