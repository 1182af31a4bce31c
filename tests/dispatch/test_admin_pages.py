"""The admin pages of bookings, dispatch and ledger, by plain forms and with HTMX."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import text

from app.bookings.customer_decisions import dispute_no_show
from app.core import clock
from app.dispatch.repository import FILTERS
from app.payments import charges
from tests.bookings.scenes import Scene
from tests.factories import ADYAR, a_professional, a_start, an_admin

AS_HTMX = {"hx-request": "true", "hx-request-type": "partial"}
BOOKINGS, DISPATCH = "/admin/bookings", "/admin/dispatch"


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    yield scene
    await scene.close()


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def meena(scene):
    async with scene.database.work() as db:
        admin = await an_admin(db)
    return await scene.browser(admin)


def listed(page) -> list[str]:
    return re.findall(r'<tr id="booking-(\w+)"', page.text)


async def found(scene, meena, **fields: object) -> list[str]:
    """Of this stage's own service: other tests leave bookings of others."""
    page = await meena.visit(f"{BOOKINGS}?{urlencode({'service': scene.service.id, **fields})}")
    assert page.status == 200, page.text
    return listed(page)


async def test_every_filter_of_the_address_finds_what_it_says_and_nothing_else(scene, asha, meena):
    waits = await scene.paid(asha, a_start(hour=14))
    done = await scene.done(asha, method="upi", upi_id="success@doorstep")
    day = a_start().date().isoformat()
    async with scene.database.work() as db:
        slug = await db.scalar(
            text("SELECT c.slug FROM categories c JOIN services s ON s.category_id = c.id WHERE s.id = :id"),
            {"id": scene.service.id},
        )
    for fields in (
        {"state": "requested"},
        {"state": "requested", "category": slug, "pincode": ADYAR, "customer": scene.asha.id, "payment": "card"},
        {"state": "open", "from": day, "to": day},
    ):
        assert await found(scene, meena, **fields) == [waits], fields
    for fields in (
        {"state": "done"},
        {"accepted": "yes"},
        {"accepted_under": "5"},
        {"payment": "upi"},
        {"professional": scene.ravi.id},
        {"q": done.lower()},
        {"q": "ravi"},
    ):
        assert await found(scene, meena, **fields) == [done], fields
    for fields in (
        {"state": "cancelled"},
        {"cancelled_as": "no_show"},
        {"by_clock": "yes"},
        {"rating": "yes"},
        {"disputed": "yes"},
        {"locked": "yes"},
        {"blocked": "yes"},
        {"to": (a_start().date() - timedelta(days=1)).isoformat()},
        {"q": "nobody at all"},
    ):
        assert await found(scene, meena, **fields) == [], fields
    assert set(await found(scene, meena, q="asha raman")) == {waits, done}
    assert set(await found(scene, meena, q=scene.service.name)) == {waits, done}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("value", ["banana", "-1", "9" * 30, "%", "'; DROP TABLE bookings", "2026-02-31", "नाम"])
async def test_nonsense_in_a_filter_is_no_error(meena, name, value):
    for path in (BOOKINGS, "/admin/ledger", "/admin/reviews"):
        assert (await meena.visit(f"{path}?{urlencode({name: value})}")).status == 200


async def test_pages_by_key_show_everything_once_in_each_order(scene, asha, meena):
    async with scene.database.work() as db:
        await db.execute(
            text(
                "INSERT INTO bookings (reference, customer_id, service_id, state, service_name, price, minutes,"
                " address, pincode, starts_at, ends_at, cancelled_as, cancelled_at, created_at)"
                " SELECT 'T' || lpad(n::text, 7, '0'), :asha, :service, 'cancelled', 'Tap', 100 * (1 + n % 3), 60, 'x',"
                " '600020', s, s + interval '1 hour', 'expired', now(), now()"
                " FROM generate_series(1, 45) n, LATERAL (SELECT timestamptz '2026-01-01 10:00+05:30'"
                " + (n % 7) * interval '1 day' AS s) t"
            ),
            {"asha": scene.asha.id, "service": scene.service.id},
        )
    for sort in ("starts", "-starts", "made", "-made", "price", "-price"):
        visited, page = [], await meena.visit(f"{BOOKINGS}?service={scene.service.id}&sort={sort}")
        for _ in range(5):
            visited += listed(page)
            after = re.search(r'class="button button--next"\s+href="([^"]+)"', page.text)
            if not after:
                break
            page = await meena.visit(after[1].replace("&amp;", "&"))
        assert len(visited) == len(set(visited)) == 45, sort


async def test_the_panel_stands_beside_the_table_and_alone_for_htmx(scene, asha, meena):
    reference = await scene.done(asha)
    page = await meena.visit(f"{BOOKINGS}/{reference}?state=done&service={scene.service.id}")
    assert (page.status, listed(page)) == (200, [reference])
    alone = await meena.visit(f"{BOOKINGS}/{reference}", **AS_HTMX)
    assert "<html" not in alone.text
    assert "Asha Raman" in alone.text
    money = await meena.visit(f"{BOOKINGS}/{reference}?tab=money", **AS_HTMX)
    assert "Commission" in money.text
    assert "−₹22.35" in money.text
    history = await meena.visit(f"{BOOKINGS}/{reference}?tab=history", **AS_HTMX)
    assert "accepted the job" in history.text
    assert (await meena.visit(f"{BOOKINGS}/NOSUCH01")).status == 404


async def test_who_looks_at_address_and_phones_is_written_down_and_no_one_sees_them_before(scene, asha, meena):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    booking = await scene.booking(reference)
    for tab in ("", "money", "history"):
        page = await meena.visit(f"{BOOKINGS}/{reference}?tab={tab}")
        assert booking.address not in page.text
        assert scene.asha.phone[-5:] not in page.text
    statement = "SELECT count(*) FROM events WHERE name = 'booking.contact_seen'"
    assert await scene.scalar(statement) == 0
    page = await meena.visit(f"{BOOKINGS}/{reference}/contact")
    assert booking.address in page.text
    assert scene.asha.phone in page.text
    assert await scene.scalar(statement) == 1


async def test_no_code_is_ever_on_an_admins_screen_and_it_is_voided_with_a_reason(scene, asha, meena):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    booking = await scene.booking(reference)
    code = booking.live_code("start").reveal(scene.encryption, reference)
    page = await meena.visit(f"{BOOKINGS}/{reference}")
    refused = await meena.submit(page, "/voided-code", reason="")
    assert refused.status == 422
    assert "Give a reason" in refused.text
    done = await meena.submit_and_follow(page, "/voided-code", reason="Read out on the phone.")
    assert "Code voided" in done.text
    for tab in ("", "money", "history"):
        text_of = (await meena.visit(f"{BOOKINGS}/{reference}?tab={tab}")).text
        assert code not in text_of
        assert f"{code[:3]} {code[3:]}" not in text_of
    repeated = await meena.submit(page, "/voided-code", reason="Again.")
    assert repeated.status == 409
    assert "This code is no longer valid." in (await asha.visit(f"/bookings/{reference}")).text
    mails = "SELECT recipient_id FROM outbox WHERE kind = 'code_withdrawn' AND data ->> 'booking' = :ref"
    assert await scene.rows(mails, ref=reference) == [(scene.asha.id,)]


async def test_what_a_customer_objects_to_is_found_and_read(scene, asha, meena):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    async with scene.database.work() as db:
        await db.execute(
            text(
                "UPDATE bookings SET state = 'cancelled', cancelled_as = 'no_show', cancelled_at = :now"
                " WHERE reference = :ref"
            ),
            {"now": clock.now(), "ref": reference},
        )
    async with scene.database.work() as db:
        await dispute_no_show(db, scene.asha, reference, "I was at home all day.")
    assert await found(scene, meena, disputed="yes") == [reference]
    assert "I was at home all day." in (await meena.visit(f"{BOOKINGS}/{reference}")).text


async def test_what_waits_is_given_by_a_plain_form_to_someone_who_is_free(scene, asha, meena):
    reference = await scene.paid(asha)
    page = await meena.visit(DISPATCH)
    assert reference in listed(page)
    panel = await meena.visit(f"{DISPATCH}/{reference}")
    assert "2 professionals available" in panel.text
    values = await meena.submit_and_follow(panel, "/assignment", professional_id=str(scene.kumar.id))
    assert "Kumar Raja now has the job. Both have been notified." in values.text
    assert reference not in listed(await meena.visit(DISPATCH))
    assert (await scene.booking(reference)).professional_id == scene.kumar.id
    mails = "SELECT kind, recipient_id FROM outbox WHERE data ->> 'booking' = :ref AND kind <> 'booking_requested'"
    rows = await scene.rows(mails, ref=reference)
    assert set(rows) == {("booking_assigned", scene.asha.id), ("job_given", scene.kumar.id)}
    later = await meena.visit(f"{DISPATCH}/{reference}")
    assert later.path == f"{BOOKINGS}/{reference}"


async def test_with_htmx_the_panel_says_so_and_the_row_goes(scene, asha, meena):
    reference = await scene.paid(asha)
    fields = {"professional_id": str(scene.ravi.id), "_csrf_token": await meena.token()}
    answer = await meena.post_fields(f"{DISPATCH}/{reference}/assignment", fields, **AS_HTMX)
    assert answer.status == 200
    assert "Ravi Kumar now has the job." in answer.text
    assert f'hx-target="#booking-{reference}" hx-swap="delete"' in answer.text


async def test_who_is_not_free_is_refused_with_a_reason_and_a_job_taken_meanwhile_too(scene, asha, meena):
    reference = await scene.paid(asha)
    async with scene.database.work() as db:
        pending = await a_professional(db, "Devi Kumar", services=[scene.service], approval="pending")
    page = await meena.visit(f"{DISPATCH}/{reference}")
    assert "Not approved." in page.text
    rejected_extra = await meena.submit(page, "/assignment", professional_id=str(pending.id))
    assert rejected_extra.status == 409
    assert "Devi Kumar can&#39;t take this job. Not approved." in rejected_extra.text
    for nonsense, status in (("banana", 422), ("0", 422), ("999999", 404), (str(scene.asha.id), 404)):
        assert (await meena.submit(page, "/assignment", professional_id=nonsense)).status == status
    await scene.accepted(reference)
    late = await meena.submit(page, "/assignment", professional_id=str(scene.kumar.id))
    assert late.status == 409
    assert "This job has been accepted." in late.text


async def test_the_time_that_is_left_is_shown_until_the_customer_must_choose(scene, asha, meena):
    reference = await scene.paid(asha)
    assert "it will be cancelled and fully refunded" in (await meena.visit(f"{DISPATCH}/{reference}")).text
    with clock.freeze(a_start() + timedelta(minutes=1)):
        assert reference in listed(await meena.visit(f"{DISPATCH}?left=over"))
        page = await meena.visit(f"{DISPATCH}/{reference}")
        assert "The start time has passed." in page.text
        assert "Assign" not in page.text


async def test_the_ledger_lists_every_line_and_adds_up_the_filtered_lines(scene, asha, meena):
    reference = await scene.done(asha)
    booking = await scene.booking(reference)
    here = f"/admin/ledger?service={scene.service.id}"
    everything = await meena.visit(here)
    lines = "SELECT count(*) FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id"
    own = f"{lines} WHERE t.booking_id = :id"
    assert everything.text.count('<tr id="line-') == await scene.scalar(own, id=booking.id)
    assert 'id="sum">₹0<' in everything.text
    commission = await meena.visit(f"{here}&account=commission")
    assert commission.text.count('<tr id="line-') == 1
    assert "−₹22.35" in commission.text
    day = booking.starts_at.astimezone(clock.IST).date().isoformat()
    revenue = await meena.visit(f"{here}&account=revenue&from={day}&to={day}&professional={scene.ravi.id}")
    assert 'id="sum">₹149<' in revenue.text
    assert (await meena.visit(f"{here}&account=revenue&to=2020-01-01")).text.count('<tr id="line-') == 0


async def test_the_ledger_lists_the_commission_of_a_job_that_is_still_to_come(scene, asha, meena):
    done, paid, moved = (
        await scene.done(asha),
        await scene.paid(asha, a_start(1, 14)),
        await scene.paid(asha, a_start(2)),
    )
    booking = await scene.booking(moved)
    async with scene.database.work() as db:
        await charges.add_fee(db, booking.id, booking.customer_id, scene.ravi.id, 50_00)
    here = f"/admin/ledger?service={scene.service.id}"
    listed_lines = await meena.visit(f"{here}&account=commission")
    assert listed_lines.text.count('<tr id="line-') == 2
    assert done in listed_lines.text
    assert moved in listed_lines.text
    assert paid not in listed_lines.text
    held = await meena.visit(f"{here}&account=hold")
    assert paid in held.text
    is_charged = "SELECT count(*) FROM bookings WHERE is_charged AND service_id = :id"
    assert await scene.scalar(is_charged, id=scene.service.id) == 2, "what is only held is not charged"


@pytest.mark.parametrize(("hours_ahead", "red_after"), [(26, 120), (4, 90)])
async def test_a_booking_without_a_professional_is_red_after_half_its_time_or_two_hours(scene, hours_ahead, red_after):
    """Half of the time from the request to an hour before the slot, at most two hours (W26)."""
    requested_at = a_start(days=3, hour=9)
    with clock.freeze(requested_at):
        asha = await scene.browser(scene.asha)
        reference = await scene.paid(asha, requested_at + timedelta(hours=hours_ahead))
    for minutes, is_red in ((red_after - 1, False), (red_after, True)):
        with clock.freeze(requested_at + timedelta(minutes=minutes)):
            admin = await scene.browser(await _admin(scene))
            page = await admin.visit(DISPATCH)
            row = page.text.partition(f'id="booking-{reference}"')[2].partition("</tr>")[0]
            assert ("not accepted yet" in row) == is_red
            assert (reference in listed(await admin.visit(f"{DISPATCH}?left=alert"))) == is_red


async def _admin(scene):
    async with scene.database.work() as db:
        return await an_admin(db)
