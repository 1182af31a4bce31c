"""A customer's monthly statements in the app: as in the email, and only one's own."""

from datetime import date, timedelta

from app.core import clock
from app.reports.monthly_statement import (
    MonthBooking,
    MonthlyStatement,
    MonthlySummary,
    UpcomingBooking,
    month_before,
    to_facts,
)
from app.reports.monthly_statement_delivery import send_batch
from tests.bookings.scenes import Scene

FEBRUARY = date(2028, 2, 1)


async def test_a_month_says_what_came_of_each_booking(scene: Scene):
    past = [
        MonthBooking(clock.at(FEBRUARY, 600), "7K3MQ9WD", "Fixing leaks", "closed", 149_00),
        MonthBooking(clock.at(FEBRUARY + timedelta(days=1), 600), "8K3MQ9WD", "Sofa shampoo", "cancelled", 100_00),
        MonthBooking(clock.at(FEBRUARY + timedelta(days=2), 600), "9K3MQ9WD", "Haircut at home", "cancelled", 0),
        MonthBooking(clock.at(FEBRUARY + timedelta(days=28), 1410), "AK3MQ9WD", "Tap repair", "closed", -49_00),
    ]
    facts = to_facts(MonthlySummary(2, 2, sum(item.paid for item in past), 0, 0.0, past, []))
    async with scene.database.work() as db:
        db.add(MonthlyStatement(user_id=scene.asha.id, month=FEBRUARY, facts=facts, created_at=clock.now()))
    asha, omar = await scene.browser(scene.asha), await scene.browser(scene.omar)
    assert {"/reports", "/profile/notices"} <= set((await asha.visit("/profile")).links)
    assert "/reports/2028-02" in (await asha.visit("/reports")).links
    page = await asha.visit("/reports/2028-02")
    for text in ("₹149", "cancelled, fee ₹100", "₹49 refunded", "29 Feb 2028", "₹200"):
        assert text in page.text
    assert "/reports/2028-02" not in (await omar.visit("/reports")).links
    assert (await omar.get("/reports/2028-02")).status_code == 404
    assert (await asha.get("/reports/2028-13")).status_code == 404


async def test_a_month_with_only_an_upcoming_booking_makes_no_report(scene: Scene):
    asha = await scene.browser(scene.asha)
    reference = await scene.paid(asha)
    async with scene.database.work() as db:
        last_month = month_before(clock.today())
        batch = await send_batch(db, last_month, clock.now(), after=scene.asha.id - 1)
        assert (batch.last_customer_id, batch.sent) == (scene.asha.id, 0)
        this_month = (await scene.booking(reference)).starts_at.astimezone(clock.IST).date().replace(day=1)
        assert (await send_batch(db, this_month, clock.now(), after=scene.asha.id - 1)).sent > 0


async def test_an_older_report_of_only_an_upcoming_booking_shows_that_alone(scene: Scene):
    upcoming = UpcomingBooking(clock.at(FEBRUARY + timedelta(days=35), 600), "7K3MQ9WD", "Fixing leaks")
    facts = to_facts(MonthlySummary(0, 0, 0, 0, 0.0, [], [upcoming]))
    async with scene.database.work() as db:
        db.add(MonthlyStatement(user_id=scene.asha.id, month=FEBRUARY, facts=facts, created_at=clock.now()))
    asha = await scene.browser(scene.asha)
    archive, page = await asha.visit("/reports"), await asha.visit("/reports/2028-02")
    assert "1 coming up" in archive.text
    assert "Monthly reports" in archive.text
    assert "Fixing leaks" in page.text
    assert "₹0" not in archive.text + page.text
