"""A customer's monthly statements in the app: as in the email, and only one's own."""

from datetime import date, timedelta

from app.core import clock
from app.reports.monthly_statement import MonthBooking, MonthlyStatement, MonthlySummary, to_facts
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
