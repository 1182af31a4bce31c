"""Money given back by an admin (W29): how much, from what, who bears it, and who confirms it."""

import pytest
from sqlalchemy import text

from app.bookings.cancellation import cancel_booking
from app.bookings.completion import complete_booking
from app.bookings.repository import Bookings
from app.check.run import find_violations
from app.core.errors import Invalid, Refused
from app.core.events import PLATFORM
from app.jobs.acceptance import accept
from app.payments import charges
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.refund import BorneBy, RefundState
from app.payments.refunds import confirm_refund, preview_refund, refund_booking, retry_refund
from app.payments.repository import Charges
from tests.factories import a_customer, a_hold, a_professional, a_service, an_admin
from tests.payments.test_charges import sums

VISA, FAILING = Instrument("card", "Visa", "4242"), Instrument("card", "Visa", "5126")
REASON = "The tap drips again."


class Scene:
    """Asha's booking of Ravi, paid by card; Meena is the only admin until Lekha comes."""

    def __init__(self, db, encryption, asha, meena):
        self.db, self.encryption, self.asha, self.meena = db, encryption, asha, meena

    async def paid(self, price=149_00, card=VISA):
        service = await a_service(self.db, price=price)
        self.ravi = await a_professional(self.db, services=[service])
        booking = await a_hold(self.db, self.asha, service)
        booking.pay(self.asha, "card")
        await charges.authorise(self.db, booking.id, self.asha.id, price, "booking", Authorisation("authorised", card))
        self.reference = booking.reference
        return booking

    async def assigned(self, **more):
        await self.paid(**more)
        return await accept(self.db, self.ravi, self.reference, self.encryption)

    async def done(self, *, automatically=False, **more):
        booking = await self.assigned(**more)
        booking.start(self.ravi, booking.live_code("start"), self.encryption)
        await self.db.flush()
        return await self.complete(booking, automatically=automatically)

    async def complete(self, booking, *, automatically=False):
        code = None if automatically else booking.live_code("finish")
        await complete_booking(self.db, booking, PLATFORM if automatically else self.ravi, code)
        return booking

    async def refund(self, amount, borne_by=BorneBy.DOORSTEP, by=None, reason=REASON):
        booking = await Bookings(self.db).by_reference(self.reference, lock=True)
        return await refund_booking(self.db, booking, by or self.meena, amount, borne_by=borne_by, reason=reason)

    async def sums(self):
        booking = await Bookings(self.db).by_reference(self.reference)
        return await sums(self.db, booking.id)


@pytest.fixture
async def scene(db, app_encryption):
    return Scene(db, app_encryption, await a_customer(db), await an_admin(db))


async def violations(db) -> set[str]:
    return {violation.rule for violation in await find_violations(db)}


async def test_doorstep_bears_a_refund_and_the_earning_stays_as_it_was(scene):
    await scene.done()
    refund = await scene.refund(49_00)
    assert (refund.state, refund.released, refund.done_at is not None) == (RefundState.DONE, 0, True)
    assert await scene.sums() == {"gateway": 100_00, "commission": 26_65, "earnings": -126_65}
    assert await violations(scene.db) == set()


async def test_shares_bear_a_refund_pro_rata_and_the_last_paisa_is_taken_once(scene):
    await scene.done()
    await scene.refund(33_33, BorneBy.SHARES)
    assert await scene.sums() == {"gateway": 115_67, "commission": -17_35, "earnings": -98_32}
    await scene.refund(115_67, BorneBy.SHARES)
    assert await scene.sums() == {}
    booking = await Bookings(scene.db).by_reference(scene.reference)
    assert [charge.state for charge in await Charges(scene.db).of_booking(booking.id)] == ["refunded"]
    assert await violations(scene.db) == set()


async def test_what_doorstep_bore_before_is_not_taken_from_the_professional_later(scene):
    await scene.done()
    await scene.refund(49_00)
    await scene.refund(100_00, BorneBy.SHARES)
    assert await scene.sums() == {"commission": 41_65, "earnings": -41_65}


async def test_a_held_payout_may_leave_a_negative_balance_that_later_payouts_set_off(scene):
    await scene.done(automatically=True)
    await scene.refund(149_00, BorneBy.SHARES)
    assert await Charges(scene.db).balances_of(scene.ravi.id) == (-126_65, 126_65)
    assert await violations(scene.db) == set()


async def test_what_is_authorised_is_released_and_the_rest_is_captured_later(scene):
    booking = await scene.assigned()
    refund = await scene.refund(49_00)
    assert (refund.state, refund.released) == (RefundState.DONE, 49_00)
    assert await scene.sums() == {"hold": 100_00, "hold_contra": -100_00}
    booking.start(scene.ravi, booking.live_code("start"), scene.encryption)
    await scene.db.flush()
    await scene.complete(booking)
    # The professional earns what the whole price would have brought.
    assert await scene.sums() == {"gateway": 100_00, "commission": 26_65, "earnings": -126_65}
    assert await violations(scene.db) == set()


async def test_a_release_borne_by_shares_makes_the_earning_smaller(scene):
    booking = await scene.assigned()
    refund = await scene.refund(49_00, BorneBy.SHARES)
    assert refund.professional_id == scene.ravi.id
    booking.start(scene.ravi, booking.live_code("start"), scene.encryption)
    await scene.db.flush()
    await scene.complete(booking)
    assert await scene.sums() == {"gateway": 100_00, "commission": -15_00, "earnings": -85_00}
    assert await violations(scene.db) == set()


async def test_after_everything_was_released_nothing_is_charged_and_the_professional_is_paid(scene):
    booking = await scene.assigned()
    await scene.refund(149_00)
    booking.start(scene.ravi, booking.live_code("start"), scene.encryption)
    await scene.db.flush()
    await scene.complete(booking)
    assert await scene.sums() == {"commission": 126_65, "earnings": -126_65}
    assert await violations(scene.db) == set()


async def test_cancelling_after_a_release_gives_back_the_rest_only(scene):
    booking = await scene.assigned()
    await scene.refund(49_00)
    assert await cancel_booking(scene.db, booking, scene.asha, "customer", "", 0) == 100_00
    assert await scene.sums() == {}
    assert await violations(scene.db) == set()


async def test_before_a_professional_accepts_shares_cannot_bear_it(scene):
    await scene.paid()
    with pytest.raises(Invalid) as caught:
        await scene.refund(10_00, BorneBy.SHARES)
    assert set(caught.value.errors) == {"borne_by"}


@pytest.mark.parametrize("amount", [0, -1, 149_01])
async def test_only_what_was_taken_can_be_refunded(scene, amount):
    await scene.done()
    with pytest.raises(Invalid) as caught:
        await scene.refund(amount)
    assert set(caught.value.errors) == {"amount"}


@pytest.mark.parametrize("reason", ["", " ", "x" * 1001])
async def test_a_refund_has_a_reason(scene, reason):
    await scene.done()
    with pytest.raises(Invalid) as caught:
        await scene.refund(1_00, reason=reason)
    assert set(caught.value.errors) == {"reason"}


async def test_who_bears_it_is_doorstep_or_shares(scene):
    await scene.done()
    with pytest.raises(Invalid) as caught:
        await scene.refund(1_00, "chance")
    assert set(caught.value.errors) == {"borne_by"}


async def test_when_everything_was_given_back_there_is_nothing_left(scene):
    await scene.done()
    await scene.refund(149_00)
    with pytest.raises(Refused) as caught:
        await scene.refund(1)
    assert (caught.value.reason, caught.value.about) == ("nothing", "refund")


async def test_above_5000_a_second_admin_confirms(scene):
    lekha = await an_admin(scene.db, "Lekha Nair")
    booking = await scene.done(price=9_000_00)
    small = await scene.refund(5_000_00)
    large = await scene.refund(1_00)
    assert (small.state, large.state) == (RefundState.DONE, RefundState.REQUESTED)
    with pytest.raises(Refused) as caught:
        await confirm_refund(scene.db, booking, scene.meena, large, yes=True)
    assert (caught.value.reason, caught.value.about) == ("another", "refund")
    # What waits is kept from others.
    with pytest.raises(Invalid):
        await scene.refund(4_000_00)
    await confirm_refund(scene.db, booking, lekha, large, yes=True)
    assert (large.state, large.confirmed_by_id, large.only_admin) == (RefundState.DONE, lekha.id, False)
    with pytest.raises(Refused) as caught:
        await confirm_refund(scene.db, booking, lekha, large, yes=False)
    assert caught.value.reason == "decided"
    assert await violations(scene.db) == set()


async def test_a_second_admin_may_say_no_and_no_money_moves(scene):
    lekha = await an_admin(scene.db, "Lekha Nair")
    booking = await scene.done(price=9_000_00)
    before = await scene.sums()
    refund = await scene.refund(6_000_00)
    await confirm_refund(scene.db, booking, lekha, refund, yes=False)
    assert (refund.state, refund.failure, await scene.sums()) == (RefundState.FAILED, "declined", before)
    with pytest.raises(Refused):
        await retry_refund(scene.db, booking, scene.meena, refund)


async def test_the_only_admin_does_it_at_once_and_it_is_marked(scene):
    await scene.done(price=9_000_00)
    refund = await scene.refund(6_000_00)
    assert (refund.state, refund.only_admin, refund.confirmed_by_id) == (RefundState.DONE, True, None)
    assert await violations(scene.db) == set()


async def test_a_refund_that_the_bank_does_not_take_fails_whole_and_can_be_sent_again(scene):
    booking = await scene.done(card=FAILING)
    before = await scene.sums()
    refund = await scene.refund(49_00, BorneBy.SHARES)
    assert (refund.state, await scene.sums()) == (RefundState.FAILED, before)
    await retry_refund(scene.db, booking, scene.meena, refund)
    assert (refund.state, refund.failure, refund.attempts) == (RefundState.DONE, None, 2)
    assert (await scene.sums())["gateway"] == 100_00
    with pytest.raises(Refused) as caught:
        await retry_refund(scene.db, booking, scene.meena, refund)
    assert (caught.value.reason, caught.value.about) == ("state", "refund")


async def test_sent_again_a_refund_waits_for_a_second_admin_if_others_were_made_meanwhile(scene):
    await an_admin(scene.db, "Lekha Nair")
    booking = await scene.done(price=9_000_00, card=FAILING)
    first, second = await scene.refund(3_000_00), await scene.refund(2_500_00)
    assert (first.state, second.state) == (RefundState.FAILED, RefundState.FAILED)
    await retry_refund(scene.db, booking, scene.meena, first)
    await retry_refund(scene.db, booking, scene.meena, second)
    assert (first.state, second.state) == (RefundState.DONE, RefundState.REQUESTED)


async def test_a_preview_says_what_a_refund_does(scene):
    booking = await scene.done()
    await scene.refund(49_00)
    preview = await preview_refund(scene.db, booking, 60_00)
    assert (preview.taken, preview.refunded, preview.refundable, preview.amount) == (149_00, 49_00, 100_00, 60_00)
    await scene.refund(60_00, BorneBy.SHARES)
    assert await Charges(scene.db).balances_of(scene.ravi.id) == (126_65 - preview.earning, 0)
    assert (await preview_refund(scene.db, booking)).amount == 40_00


async def test_the_trigger_refuses_a_refund_that_no_charge_shows(scene):
    await scene.done()
    await scene.refund(49_00)
    await scene.db.execute(text("UPDATE refunds SET amount = 50_00"))
    with pytest.raises(Exception, match="refunds of booking"):
        await scene.db.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
