"""The earnings page: weeks, days, the next payout, and lines of price, commission and net."""

from datetime import timedelta

from app.billing.payouts import make_run
from app.billing.statement_repository import week_name
from app.bookings.repository import Bookings
from app.core import clock
from tests.billing.money import an_account, earned


async def test_every_line_says_price_commission_and_net(scene, asha, ravi):
    await scene.done(asha)
    page = await ravi.visit("/earnings")
    for words in ("Price ₹149", "commission ₹22.35", "₹126.65", "None yet", "Add a bank account or a UPI ID"):
        assert words in page.text, words
    assert 'id="weeks"' in page.text
    assert f'href="/earnings/statements/{week_name(clock.today())}"' in page.text  # the whole row of a week
    assert 'id="days"' in page.text


async def test_with_an_account_the_next_payout_has_a_day_and_an_amount(scene, asha, ravi):
    reference = await scene.done(asha)
    async with scene.database.work() as db:
        await an_account(db, scene.encryption, scene.ravi)
        booking = await Bookings(db).by_reference(reference)
        await earned(db, booking.id, scene.ravi, 50_00, clock.now(), "tips")
    page = await ravi.visit("/earnings")
    assert "₹176.65 on Mon" in " ".join(page.text.split())
    assert "Tip, all of it yours" in page.text


async def test_what_is_on_its_way_is_no_longer_available(scene, asha, ravi, admin):
    await scene.done(asha)
    async with scene.database.work() as db:
        await an_account(db, scene.encryption, scene.ravi)
    with clock.freeze(clock.now() + timedelta(days=1)):
        async with scene.database.work() as db:
            await make_run(db, admin, clock.today() - timedelta(days=1))
        page = " ".join((await ravi.visit("/earnings")).text.split())
    assert "On the way to your bank</dt><dd>₹126.65" in page
    assert '<dd id="available">₹0</dd>' in page


async def test_programs_read_weeks_the_next_payout_and_statements(scene, asha, client_of):
    reference = await scene.done(asha)
    client = await client_of(scene.ravi)
    earnings = (await client.get("/api/earnings")).json()
    week = earnings["weeks"][-1]
    assert (week["earned_paise"], earnings["next_payout"]["amount_paise"]) == (126_65, 126_65)
    assert earnings["next_payout"]["held"] == "account"
    assert (await client.get("/api/earnings/statements")).json()["items"] == [week]
    statement = (await client.get(f"/api/earnings/statements/{week['week']}")).json()
    (line,) = statement["lines"]
    assert (line["booking"], line["price_paise"], line["commission_paise"], line["net_paise"]) == (
        reference,
        149_00,
        22_35,
        126_65,
    )
    assert (statement["opening_paise"], statement["closing_paise"]) == (0, 126_65)
    assert (await client.get("/api/earnings/statements/2026-W99")).status_code == 404
