"""Payout runs: what is due and what is held, one run for a day, what the bank paid and what it could not."""

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.accounts.repository import Users
from app.billing.bank_account import BankAccount
from app.billing.bank_accounts import TypedAccount, change_bank_account
from app.billing.payout import Payout, PayoutRun, PayoutState
from app.billing.payout_repository import Payouts
from app.billing.payouts import bank_file, make_run, make_weekly_run, mark_failed, mark_paid
from app.billing.personal_data import BILLING_PERSONAL_DATA
from app.core import clock
from app.core.csv_cells import safe_cell
from app.core.errors import Invalid, Missing, Refused
from tests.billing.money import ACCOUNT, an_account, earned, owed
from tests.factories import a_block, a_customer, a_professional, a_request, a_service, an_admin


class Town:
    """Ravi with an account and a booking that his earnings are posted for."""

    def __init__(self, db, encryption):
        self.db, self.encryption = db, encryption

    async def set(self):
        service = await a_service(self.db)
        self.meena, asha = await an_admin(self.db), await a_customer(self.db)
        self.ravi = await a_professional(self.db, services=[service])
        self.booking = await a_request(self.db, asha, service)
        self.account = await an_account(self.db, self.encryption, self.ravi)
        return self

    async def earned(self, amount, *, days_ago=2, account="earnings", owner=None):
        at = clock.now() - timedelta(days=days_ago)
        await earned(self.db, self.booking.id, owner or self.ravi, amount, at, account)

    async def run(self, days_ago=1):
        return await make_run(self.db, self.meena, clock.today() - timedelta(days=days_ago))

    async def payouts(self, run):
        return list(await self.db.scalars(select(Payout).where(Payout.run_id == run.id).order_by(Payout.id)))

    async def file(self, run):
        @asynccontextmanager
        async def open_session():
            yield self.db

        return "".join([piece async for piece in await bank_file(
            self.db, open_session, self.encryption, self.meena, run.id)])  # fmt: skip

    async def owed(self):
        return await owed(self.db, self.ravi)


@pytest.fixture
async def town(db, app_encryption):
    return await Town(db, app_encryption).set()


async def test_a_run_takes_earnings_and_tips_and_puts_them_on_their_way(town):
    await town.earned(126_65)
    await town.earned(50_00, account="tips")
    run = await town.run()
    (payout,) = await town.payouts(run)
    assert (payout.amount, payout.earnings, payout.tips) == (176_65, 126_65, 50_00)
    assert (payout.state, payout.bank_account_id) == (PayoutState.PENDING, town.account.id)
    assert await town.owed() == {"payouts": 176_65}


async def test_what_was_earned_after_the_day_waits_for_the_next_run(town):
    await town.earned(100_00, days_ago=3)
    await town.earned(30_00, days_ago=0)
    (payout,) = await town.payouts(await town.run())
    assert payout.amount == 100_00
    assert await town.owed() == {"earnings": 30_00, "payouts": 100_00}


async def test_the_same_day_is_the_same_run(town):
    await town.earned(100_00)
    first = await town.run()
    await town.earned(20_00)
    assert (await town.run()).id == first.id
    assert len(await town.payouts(first)) == 1


async def test_runs_of_other_days_never_pay_the_same_paise_twice(town):
    await town.earned(100_00, days_ago=4)
    await town.earned(20_00, days_ago=2)
    await town.run(days_ago=1)
    with pytest.raises(Refused) as caught:
        await town.run(days_ago=3)
    assert (caught.value.reason, caught.value.about) == ("nothing", "payout")
    assert await town.owed() == {"payouts": 120_00}


async def test_a_negative_balance_is_set_off_against_later_payouts_only(town):
    await town.earned(100_00, days_ago=6)
    await mark_paid(town.db, town.meena, (await town.run(days_ago=5)).id, town.ravi.id, "UTR1")
    await earned(town.db, town.booking.id, town.ravi, -40_00, clock.now() - timedelta(days=4))
    with pytest.raises(Refused):
        await town.run(days_ago=3)
    await town.earned(60_00, days_ago=2)
    (payout,) = await town.payouts(await town.run())
    assert payout.amount == 20_00


async def test_tips_pay_a_debt_of_earnings_too(town):
    await earned(town.db, town.booking.id, town.ravi, -20_00, clock.now() - timedelta(days=3))
    await town.earned(50_00, account="tips")
    (payout,) = await town.payouts(await town.run())
    assert (payout.amount, payout.earnings, payout.tips) == (30_00, -20_00, 50_00)
    assert await town.owed() == {"payouts": 30_00}


async def test_a_refund_after_the_day_lowers_the_payout(town):
    await town.earned(100_00, days_ago=3)
    await earned(town.db, town.booking.id, town.ravi, -30_00, clock.now())
    (payout,) = await town.payouts(await town.run())
    assert payout.amount == 70_00


@pytest.mark.parametrize(
    ("why", "reason"),
    [("no account", "account"), ("changed", "changed"), ("blocked", "blocked"), ("left", "left"), ("poor", "small")],
)
async def test_what_cannot_be_paid_is_held_and_says_why(town, why, reason):
    other = await a_professional(town.db, "Balu Das")
    if why != "no account":
        await an_account(town.db, town.encryption, other, days_ago=0 if why == "changed" else 2)
    await town.earned(99 if why == "poor" else 100_00, owner=other)
    if why == "blocked":
        await a_block(town.db, other, town.meena)
    if why == "left":
        (await Users(town.db).get(other.id)).deleted_at = clock.now()
        await town.db.flush()
    await town.earned(100_00)
    due = {line.professional_id: line for line in await Payouts(town.db).due(None, clock.now())}
    assert (due[other.id].reason, due[town.ravi.id].reason) == (reason, None)
    assert [payout.professional_id for payout in await town.payouts(await town.run())] == [town.ravi.id]


async def test_earnings_on_hold_are_not_due(town):
    await town.earned(126_65, account="payout_held")
    (line,) = await Payouts(town.db).due(None, clock.now())
    assert (line.amount, line.on_hold, line.reason) == (0, 126_65, "small")


@pytest.mark.parametrize("days_ago", [0, -1, 10_000])
async def test_a_run_is_for_a_day_that_is_over(town, days_ago):
    await town.earned(100_00)
    with pytest.raises(Invalid) as caught:
        await town.run(days_ago=days_ago)
    assert set(caught.value.errors) == {"until"}


async def test_what_the_bank_paid_leaves_the_ledger(town):
    await town.earned(126_65)
    run = await town.run()
    payout = await mark_paid(town.db, town.meena, run.id, town.ravi.id, " UTR 123 ")
    assert (payout.state, payout.reference, payout.decided_by_id) == (PayoutState.PAID, "UTR 123", town.meena.id)
    assert await town.owed() == {}
    for again in (mark_paid, mark_failed):
        with pytest.raises(Refused) as caught:
            await again(town.db, town.meena, run.id, town.ravi.id, "again")
        assert (caught.value.reason, caught.value.about) == ("settled", "payout")


async def test_what_the_bank_could_not_pay_is_owed_again(town):
    await town.earned(126_65)
    await town.earned(50_00, account="tips")
    before = await town.owed()
    run = await town.run()
    payout = await mark_failed(town.db, town.meena, run.id, town.ravi.id, "The account is closed.")
    assert (payout.state, payout.reason) == (PayoutState.FAILED, "The account is closed.")
    assert await town.owed() == before
    with clock.freeze(clock.now() + timedelta(days=2)):
        (second,) = await town.payouts(await town.run())
    assert second.amount == 176_65


@pytest.mark.parametrize("reference", ["", " ", "x" * 61])
async def test_a_payment_has_the_banks_reference(town, reference):
    await town.earned(100_00)
    with pytest.raises(Invalid) as caught:
        await mark_paid(town.db, town.meena, (await town.run()).id, town.ravi.id, reference)
    assert set(caught.value.errors) == {"reference"}


async def test_a_failure_has_a_reason(town):
    await town.earned(100_00)
    with pytest.raises(Invalid) as caught:
        await mark_failed(town.db, town.meena, (await town.run()).id, town.ravi.id, "")
    assert set(caught.value.errors) == {"reason"}


async def test_a_payout_of_a_person_outside_the_run_does_not_exist(town):
    await town.earned(100_00)
    run = await town.run()
    for person in (town.meena.id, 0, 2**70):
        with pytest.raises(Missing):
            await mark_paid(town.db, town.meena, run.id, person, "UTR1")


async def test_the_file_names_account_and_amount_of_what_is_pending_and_is_recorded(town):
    other = await a_professional(town.db, "Balu Das")
    await an_account(town.db, town.encryption, other, TypedAccount(holder="Balu Das", upi_id="balu@okaxis"))
    await town.earned(126_65)
    await town.earned(20_00, owner=other)
    run = await town.run()
    first, second = await town.payouts(run)
    remark = f"Doorstep {run.until}"
    assert (await town.file(run)).splitlines() == [
        "payout,name,account,ifsc,amount,remark",
        f"{first.id},Ravi Kumar,001234567890,SBIN0000300,126.65,{remark}",
        f"{second.id},Balu Das,balu@okaxis,,20.00,{remark}",
    ]
    await mark_paid(town.db, town.meena, run.id, town.ravi.id, "UTR1")
    assert "Ravi" not in await town.file(run)
    names = await town.db.scalars(text("SELECT name FROM events WHERE subject = :run"), {"run": run.subject})
    assert list(names).count("payout_run.file_seen") == 2


async def test_the_file_is_read_in_pieces_with_every_payout_once(town, monkeypatch):
    for name in ("Raj", "Das", "Rao"):
        person = await a_professional(town.db, f"Mani {name}")
        await an_account(town.db, town.encryption, person)
        await town.earned(100_00, owner=person)
    whole = await town.file(run := await town.run())
    for size in (1, 2, 3):
        monkeypatch.setattr("app.billing.payouts.FILE_BATCH_SIZE", size)
        assert await town.file(run) == whole
    assert len(whole.splitlines()) == 4


@pytest.mark.parametrize("text_", ["=1+1", "+91", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_is_a_formula(text_):
    assert safe_cell(text_) == f"'{text_}"
    assert safe_cell("Ravi Kumar") == "Ravi Kumar"


async def test_a_payout_goes_to_the_account_that_counted_when_the_run_was_made(town):
    await town.earned(100_00)
    run = await town.run()
    await change_bank_account(town.db, town.encryption, town.ravi, replace(ACCOUNT, number="999999999999"))
    assert "001234567890" in await town.file(run)
    await mark_paid(town.db, town.meena, run.id, town.ravi.id, "UTR1")
    old = await town.db.get(BankAccount, town.account.id, populate_existing=True)
    assert (old.encrypted_number, old.ended_at is not None) == (None, True)


async def test_everyone_with_an_account_is_in_the_run(town):
    people = [await a_professional(town.db, f"Mani {name}") for name in ("Raj", "Das", "Rao")]
    for person in people:
        await an_account(town.db, town.encryption, person)
        await town.earned(100_00, owner=person)
    run = await town.run()
    assert len(await town.payouts(run)) == 3


async def test_the_weekly_run_is_until_the_last_sunday(town):
    await town.earned(100_00, days_ago=9)
    assert await make_weekly_run(town.db) == 1
    run = await town.db.scalar(select(PayoutRun))
    assert (run.until.weekday(), run.created_by_id) == (6, None)
    assert clock.today() - timedelta(days=7) <= run.until < clock.today()
    with clock.freeze(clock.now() + timedelta(days=7)):
        assert await make_weekly_run(town.db) == 0


async def test_who_leaves_with_a_payout_in_progress_is_erased_when_it_is_settled(town):
    await town.earned(100_00)
    run = await town.run()
    for statement in BILLING_PERSONAL_DATA.erase:
        await town.db.execute(text(statement), {"id": town.ravi.id, "now": clock.now()} if ":now" in statement
                              else {"id": town.ravi.id})  # fmt: skip
    ravi = await Users(town.db).get(town.ravi.id)
    ravi.deleted_at = clock.now()
    await town.db.flush()
    assert "001234567890" in await town.file(run)
    await mark_paid(town.db, town.meena, run.id, town.ravi.id, "UTR1")
    account = await town.db.get(BankAccount, town.account.id, populate_existing=True)
    assert (account.holder, account.masked, account.ifsc, account.encrypted_number) == ("–", "–", None, None)
