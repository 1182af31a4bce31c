"""What coupons and credit are in the month of a customer, in the ledger's revenue, in files and in own data."""

import json
import zipfile

from app.billing.ledger_repository import Ledger
from app.core import clock
from app.exports.queries import compile_export_query
from app.privacy.own_data import DATA_FILE, build_archive
from app.reports.monthly_statement_repository import MonthlySummaryQueries
from tests.bookings.scenes import VISA
from tests.factories import a_start


async def spent(scene):
    async with scene.database.work() as db:
        month = clock.today().replace(day=1)
        return (await MonthlySummaryQueries(db).summary(scene.asha.id, month, clock.now())).spent


async def cancel_as_credit(asha, reference):
    await asha.submit(await asha.visit(f"/bookings/{reference}/cancellation"), "/cancellation", as_credit="yes")


async def test_money_that_became_credit_is_spent_when_it_pays_for_work(scene):
    asha = await scene.browser(scene.asha)
    await cancel_as_credit(asha, await scene.paid(asha, **VISA))
    assert await spent(scene) == 0
    reference = await scene.held(asha, a_start(days=2))
    await scene.pay(asha, reference, use_credit="yes", method="upi")
    await scene.accepted(reference)
    await scene.started(reference)
    await scene.completed(reference)
    assert await spent(scene) == 149_00
    async with scene.database.work() as db:
        ledger = Ledger(db)
        revenue = await ledger.listed({"account": "revenue"}, descending=True, after="")
    assert revenue.total == 149_00 == await scene.scalar("SELECT sum(revenue) FROM bookings")
    receipt = await asha.visit(f"/bookings/{reference}/receipt")
    assert "Paid: Credit" in receipt.text


async def test_a_coupon_is_no_revenue_and_stands_in_the_file_of_bookings(scene, coupon):
    await coupon()
    asha = await scene.browser(scene.asha)
    await scene.done(asha, coupon="WELCOME50", **VISA)
    assert await scene.scalar("SELECT revenue FROM bookings") == 99_00
    async with scene.database.work() as db:
        query = await compile_export_query(db, "bookings", {}, scene.asha.id)
        raw = await (await db.connection()).get_raw_connection()
        row = await raw.driver_connection.fetchrow(query.rows_sql, *query.rows_values)
        count = await raw.driver_connection.fetchval(query.count_sql, *query.count_values)
    assert (row["coupon"], str(row["paid by coupon"]), str(row["paid with credit"]), count) == (
        "WELCOME50",
        "50.00",
        "0.00",
        1,
    )


async def test_own_data_has_credit_and_coupons(scene, coupon, credit, own_storage):
    await coupon()
    await credit(scene.asha)
    asha = await scene.browser(scene.asha)
    await scene.paid(asha, coupon="WELCOME50", use_credit="yes", **VISA)
    assert "Credit" in (await asha.visit("/profile")).text
    async with scene.database.work() as db:
        with zipfile.ZipFile(await build_archive(db, own_storage, scene.asha)) as archive:
            data = json.loads(archive.read(DATA_FILE))
    assert [line["amount_paise"] for line in data["credit"]] == [100_00, -99_00]
    assert [line["code"] for line in data["coupons_used"]] == ["WELCOME50"]
    assert data["referrals"] == []
