"""Weekly statements: every paisa of a professional in exactly one, as a page, a CSV file and a PDF document."""

import csv
import io
import random
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from app.billing.payouts import make_run, mark_failed, mark_paid
from app.billing.statement_repository import Statements, week_name
from app.billing.statements import parse_week, statement_csv, statement_data
from app.billing.trial_balance_repository import trial_balance
from app.core import clock
from app.core.errors import Missing, Refused
from app.payments import charges
from app.payments.ledger import new_transaction
from app.payments.refund import BorneBy
from app.payments.repository import Charges
from tests.billing.money import an_account, earned
from tests.factories import a_customer, a_professional, a_request, a_service, an_admin
from tests.promotions.test_credit_money import a_scene

GENERATED_WEEKS = 52


def post(db, booking_id, kind, lines, at):
    """Add it; everything of a week is written at once, before its run."""
    db.add(new_transaction(kind, booking_id, None, lines, at=at))


async def generate_months(db, encryption, booking_id, ravi, meena, today):
    """Jobs, fees, refunds, holds and tips of a year, with a run every Monday: paid, failed or in progress."""
    dice = random.Random(7)
    first = today - timedelta(weeks=GENERATED_WEEKS)
    await an_account(db, encryption, ravi, days_ago=GENERATED_WEEKS * 7 + 10)
    for number in range(GENERATED_WEEKS * 7):
        at = clock.at(first + timedelta(days=number), dice.choice([0, 1, 600, 1439]))
        amount = dice.randrange(100_00, 900_00)
        share = amount - amount * 15 // 100
        kind = dice.choice(["capture", "capture", "fee", "refund", "held"])
        sign = -1 if kind == "refund" else 1
        account = "payout_held" if kind == "held" else "earnings"
        lines = [
            ("gateway", None, sign * amount),
            (account, ravi.id, -sign * share),
            ("commission", None, -sign * (amount - share)),
        ]
        post(db, booking_id, "capture" if kind == "held" else kind, lines, at)
        if kind == "held":
            freed = [("payout_held", ravi.id, share), ("earnings", ravi.id, -share)]
            post(db, booking_id, "payout_free", freed, at + timedelta(days=7))
        if number % 5 == 0:
            await earned(db, booking_id, ravi, dice.randrange(1_00, 90_00), at, "tips")
        if (first + timedelta(days=number)).weekday() == 0:
            with clock.freeze(at + timedelta(hours=12)):
                await pay_out(db, ravi, meena, dice)
    await db.flush()


async def pay_out(db, ravi, meena, dice):
    await db.flush()
    try:
        run = await make_run(db, meena, clock.today() - timedelta(days=1))
    except Refused:
        return
    answer = dice.choice(["paid", "failed", "pending"])
    if answer == "paid":
        await mark_paid(db, meena, run.id, ravi.id, f"UTR{run.id}")
    if answer == "failed":
        await mark_failed(db, meena, run.id, ravi.id, "The account is closed.")


@pytest.fixture
async def months(db, app_encryption):
    """(session, Ravi) after generated months."""
    service = await a_service(db)
    meena, asha, ravi = await an_admin(db), await a_customer(db), await a_professional(db, services=[service])
    booking = await a_request(db, asha, service)
    await generate_months(db, app_encryption, booking.id, ravi, meena, clock.today())
    return db, ravi


async def test_every_paisa_is_in_exactly_one_statement(months):
    db, ravi = months
    statements = Statements(db, ravi.id)
    weeks = await statements.weeks(100)
    query = (
        "SELECT e.transaction_id, e.account, sum(-e.amount)::bigint FROM ledger_entries e"
        " WHERE e.person_id = :id AND e.account IN ('earnings', 'payout_held', 'tips', 'payouts') GROUP BY 1, 2"
    )
    ledger = list(await db.execute(text(query), {"id": ravi.id}))
    found, balance = [], 0
    for week in reversed(weeks):
        statement = await statements.statement(week.first)
        assert statement.opening == balance
        assert (statement.earned, statement.week) == (week.earned, week.week)
        balance = statement.closing
        found += [line.transaction_id for line in statement.lines]
        assert all(week.first <= line.at.astimezone(clock.IST).date() <= statement.last for line in statement.lines)
        owed = [(line.earning, line.tip, line.payout) for line in statement.lines]
        assert sum(map(sum, owed)) == sum(
            amount for transaction, _account, amount in ledger if transaction in found[-len(owed) :]
        )
    assert len(found) == len(set(found))
    assert set(found) == {transaction for transaction, _account, _amount in ledger}
    assert balance == sum(amount for _transaction, account, amount in ledger if account != "payouts")


async def test_the_trial_balance_of_generated_months_is_zero(months):
    db, _ravi = months
    balance = await trial_balance(db)
    assert balance.is_balanced
    assert sum(account.balance for account in balance.accounts) == 0
    assert {"tips", "payouts", "payout_held", "earnings"} <= {account.account for account in balance.accounts}


async def test_price_less_commission_is_the_net_of_a_line(months):
    db, ravi = months
    statements = Statements(db, ravi.id)
    for week in await statements.weeks(100):
        for line in (await statements.statement(week.first)).lines:
            if not line.is_move:
                assert line.price + line.fee - line.commission + line.tip == line.net


@pytest.mark.parametrize(
    "week", ["2026", "2026-W54", "2026-W00", "2026-48", "x", "1999-W01", "2999-W01", "２０２６-W48"]
)
def test_what_is_no_week_does_not_exist(week):
    with pytest.raises(Missing):
        parse_week(week)


def test_a_week_has_the_year_of_its_thursday():
    assert week_name(date(2026, 12, 28)) == "2026-W53"
    assert parse_week("2026-W01") == date(2025, 12, 29)


async def test_the_professional_reads_it_as_page_csv_and_pdf(scene, asha, ravi):
    reference = await scene.done(asha)
    week = week_name(clock.today() - timedelta(days=clock.today().weekday()))
    listed = await ravi.visit("/earnings/statements")
    assert f"/earnings/statements/{week}" in listed.links
    page = await ravi.visit(f"/earnings/statements/{week}")
    for words in ("₹149", "₹22.35", "₹126.65", reference):
        assert words in page.text, words
    file = await ravi.visit(f"/earnings/statements/{week}/statement.csv")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert [row["kind"] for row in rows] == ["opening balance", "capture", "closing balance"]
    assert (rows[1]["price"], rows[1]["commission"], rows[1]["net"], rows[2]["net"]) == (
        "149.00",
        "22.35",
        "126.65",
        "126.65",
    )
    document = await ravi.visit(f"/earnings/statements/{week}/statement.pdf")
    assert document.response.content.startswith(b"%PDF-")
    assert document.response.headers["content-type"] == "application/pdf"


async def test_a_statement_shows_the_reader_own_money_alone(scene, asha, ravi):
    await scene.done(asha)
    week = week_name(clock.today() - timedelta(days=clock.today().weekday()))
    kumar = await scene.browser(scene.kumar)
    assert "₹126.65" not in (await kumar.visit(f"/earnings/statements/{week}")).text
    for address in (week + "/statement.pdf", week + "/statement.csv", "2026-W99"):
        assert (await asha.visit(f"/earnings/statements/{address}")).status == 403
    assert (await ravi.visit("/earnings/statements/2026-W99")).status == 404


async def test_a_job_paid_with_coupon_and_credit_is_one_line(db):
    """On the earnings page, in the API and in the statement; the price is what its parts sum to."""
    first = await a_scene(db, await an_admin(db))
    await first.pay()
    await first.capture(200_00)  # ₹51 of extra work are due after the job
    await first.refund(60_00, BorneBy.SHARES)
    line, job = (await Charges(db).earnings_of(first.ravi, None)).items[:2]
    assert (job.kind, job.price, job.commission, job.amount) == ("capture", 200_00, 30_00, 170_00)
    assert (line.kind, line.price, line.amount) == ("refund", -60_00, -51_00)
    page = await Charges(db).earnings_of(first.ravi, None, 1)
    assert (await Charges(db).earnings_of(first.ravi, page.next, 1)).items == [job]
    monday = clock.today() - timedelta(days=clock.today().weekday())
    statement = await Statements(db, first.ravi).statement(monday)
    assert [(line.kind, line.price, line.commission, line.net) for line in statement.lines] == [
        ("capture", 200_00, 30_00, 170_00),
        ("refund", -60_00, -9_00, -51_00),
    ]
    rows = list(csv.DictReader(io.StringIO(statement_csv(statement))))
    assert [row["price"] for row in rows] == ["", "200.00", "-60.00", ""]
    assert [line[2] for line in statement_data(statement, "Ravi Kumar")["lines"]] == ["200.00", "−60.00"]


async def test_the_parts_of_a_fee_are_one_line_and_shared_as_a_whole(db):
    first = await a_scene(db, await an_admin(db))
    await first.pay()
    await charges.take_fee(db, first.id, first.asha, first.ravi, 75_01)
    (line,) = (await Charges(db).earnings_of(first.ravi, None)).items
    assert (line.price, line.amount, line.commission) == (75_01, 52_51, 22_50)
