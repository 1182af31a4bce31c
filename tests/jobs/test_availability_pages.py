"""Working hours, time off and service area, and what their changes do to accepted jobs (W8)."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.bookings.repository import Bookings
from app.core import clock
from app.jobs.acceptance import accept
from tests.factories import (
    BESANT_NAGAR,
    TAMBARAM,
    a_customer,
    a_professional,
    a_request,
    a_service,
    a_start,
    reserved_for,
)


@pytest.fixture
async def scene(app_database, app_encryption):
    """Ravi holds a job tomorrow at ten; Kumar could do it too."""
    async with app_database.work() as db:
        service = await a_service(db)
        ravi = await a_professional(db, "Ravi Kumar", services=[service])
        await a_professional(db, "Kumar Das", services=[service])
        booking = await a_request(db, await a_customer(db), service, a_start(hour=10), professional_id=ravi.id)
        await accept(db, ravi, booking.reference, app_encryption)
    return {"db": app_database, "ravi": ravi, "ref": booking.reference, "service": service}


@pytest.fixture
async def ravi(scene, browser_of):
    return await browser_of(scene["ravi"])


async def booking_of(scene, reference=None):
    async with scene["db"].work() as db:
        return await Bookings(db).by_reference(reference or scene["ref"])


async def reserved_time(scene, reference=None):
    async with scene["db"].work() as db:
        return await reserved_for(db, await Bookings(db).by_reference(reference or scene["ref"]))


async def count(scene, table):
    async with scene["db"].work() as db:
        return await db.scalar(
            text(f"SELECT count(*) FROM {table} WHERE professional_id = :me"), {"me": scene["ravi"].id}
        )


async def stored_hours(scene):
    async with scene["db"].work() as db:
        query = text("SELECT weekday, opens, closes FROM working_hours WHERE professional_id = :me")
        return {tuple(row) for row in await db.execute(query, {"me": scene["ravi"].id})}


def all_week(opens, closes):
    return {f"from-{day}-1": opens for day in range(7)} | {f"to-{day}-1": closes for day in range(7)}


def off(scene_starts_at, hours=4):
    first = scene_starts_at.astimezone(clock.IST).strftime("%Y-%m-%dT%H:%M")
    last = (scene_starts_at + timedelta(hours=hours)).astimezone(clock.IST).strftime("%Y-%m-%dT%H:%M")
    return {"from": first, "until": last}


async def test_hours_that_touch_no_job_are_saved_at_once(scene, ravi):
    page = await ravi.submit_and_follow(await ravi.visit("/availability"), "/hours", **all_week("09:00", "18:00"))
    assert page.forms[0].fields["from-0-1"] == "09:00"
    assert (await booking_of(scene)).state == "assigned"


async def test_a_break_makes_two_stretches_and_touching_ones_become_one(scene, ravi):
    week = all_week("09:00", "13:00") | {"from-0-2": "14:00", "to-0-2": "18:00", "from-1-2": "13:00", "to-1-2": "00:00"}
    page = await ravi.submit_and_follow(await ravi.visit("/availability"), "/hours", **week)
    displayed = page.forms[0].fields
    assert (displayed["from-0-2"], displayed["to-0-2"]) == ("14:00", "18:00")
    assert (displayed["from-1-1"], displayed["to-1-1"], displayed["from-1-2"]) == ("09:00", "00:00", "")
    assert await count(scene, "working_hours") == 8


@pytest.mark.parametrize(
    ("errors", "field"),
    [
        ({"from-2-1": "18:00", "to-2-1": "09:00"}, "from-3-1"),  # until Thursday at nine, who begins at eight
        ({"from-6-1": "20:00", "to-6-1": "08:30"}, "from-0-1"),
        ({"from-2-1": "18:00", "to-2-1": "18:00"}, "to-2-1"),
        ({"from-2-1": "banana", "to-2-1": "09:00"}, "from-2-1"),
        ({"from-2-1": "09:00", "to-2-1": ""}, "to-2-1"),
        ({"from-2-2": "12:00", "to-2-2": "20:00"}, "from-2-2"),
        ({"from-2-5": "07:00", "to-2-5": "09:00"}, "from-2-1"),
        ({"from-2-1": "25:00", "to-2-1": "26:00"}, "from-2-1"),
    ],
)
async def test_hours_that_cannot_be_are_shown_beside_the_field(scene, ravi, errors, field):
    answer = await ravi.submit(await ravi.visit("/availability"), "/hours", **(all_week("08:00", "20:00") | errors))
    assert answer.status == 422
    assert f'id="{field}-error"' in answer.text
    assert await count(scene, "working_hours") == 7


async def test_hours_over_midnight_are_two_stretches_and_shown_as_typed(scene, ravi):
    nights = {"from-0-1": "22:00", "to-0-1": "02:00", "from-6-1": "23:30", "to-6-1": "06:00"}
    page = await ravi.visit("/availability")
    page = await ravi.submit_and_follow(
        page, "/hours", **(all_week("", "") | nights), **{f"job-{scene['ref']}": "keep"}
    )
    fields = page.forms[0].fields
    assert {name: value for name, value in fields.items() if name[:3] in ("fro", "to-") and value} == nights
    assert "Ends on Tuesday" in page.text
    assert "Ends on Monday" in page.text
    stored = {(0, 0, 360), (0, 1320, 1440), (1, 0, 120), (6, 1410, 1440)}
    assert await stored_hours(scene) == stored
    await ravi.submit_and_follow(page, "/hours", **{f"job-{scene['ref']}": "keep"})
    assert await stored_hours(scene) == stored


async def test_there_is_always_room_for_one_more_break(scene, ravi):
    page = await ravi.visit("/availability")
    assert "Another break" not in page.text
    for part in range(2, 7):
        assert f'name="from-0-{part}"' in page.text
        more = {
            f"from-0-{part}": f"{20 + part // 2}:{part % 2 * 3}5",
            f"to-0-{part}": f"{20 + part // 2}:{part % 2 * 3}9",
        }
        page = await ravi.submit_and_follow(page, "/hours", **more)
    assert page.forms[0].fields["from-0-6"] == "23:05"
    assert 'name="from-0-7"' not in page.text
    assert await count(scene, "working_hours") == 12


async def test_a_job_over_midnight_is_affected_once_the_hours_stop_at_midnight(scene, ravi, app_encryption):
    day = a_start(days=2).weekday()
    night = all_week("08:00", "20:00") | {f"from-{day}-2": "22:00", f"to-{day}-2": "02:00"}
    page = await ravi.submit_and_follow(await ravi.visit("/availability"), "/hours", **night)
    async with scene["db"].work() as db:
        start = a_start(days=2, hour=23, minute=30)
        booking = await a_request(db, await a_customer(db), scene["service"], start, professional_id=scene["ravi"].id)
        await accept(db, scene["ravi"], booking.reference, app_encryption)
    unchanged = await ravi.submit(page, "/hours")
    assert unchanged.status == 303
    confirmation = await ravi.submit(page, "/hours", **{f"to-{day}-2": "00:00"})
    assert confirmation.status == 409
    assert f"job-{booking.reference}" in confirmation.text
    assert f"job-{scene['ref']}" not in confirmation.text


async def test_who_works_around_the_clock_is_offered_half_past_eleven_at_night(scene, ravi):
    page = await ravi.submit_and_follow(await ravi.visit("/availability"), "/hours", **all_week("00:00", "00:00"))
    assert [page.forms[0].fields[name] for name in ("from-0-1", "to-0-1", "from-0-2")] == ["00:00", "00:00", ""]
    assert await stored_hours(scene) == {(day, 0, 1440) for day in range(7)}
    async with scene["db"].work() as db:
        start = a_start(days=2, hour=23, minute=30)
        booking = await a_request(db, await a_customer(db), scene["service"], start, professional_id=scene["ravi"].id)
    assert booking.reference in (await ravi.visit("/jobs")).text


async def test_a_job_in_the_way_needs_confirmation_before_anything_is_saved(scene, ravi):
    confirmation = await ravi.submit(await ravi.visit("/availability"), "/hours", **all_week("14:00", "20:00"))
    assert confirmation.status == 409
    assert f"job-{scene['ref']}" in confirmation.text
    unconfirmed = await ravi.submit(confirmation, "/hours")
    assert unconfirmed.status == 409
    assert "Choose: keep it or give it up." in unconfirmed.text
    assert (await ravi.visit("/availability")).forms[0].fields["from-0-1"] == "08:00"


async def test_a_job_that_is_kept_stays_outside_the_hours(scene, ravi):
    confirmation = await ravi.submit(await ravi.visit("/availability"), "/hours", **all_week("14:00", "20:00"))
    page = await ravi.submit_and_follow(confirmation, "/hours", **{f"job-{scene['ref']}": "keep"})
    assert page.forms[0].fields["from-0-1"] == "14:00"
    assert (await booking_of(scene)).professional_id == scene["ravi"].id


async def test_a_job_that_is_handed_back_goes_to_the_others(scene, ravi):
    confirmation = await ravi.submit(await ravi.visit("/availability"), "/hours", **all_week("14:00", "20:00"))
    await ravi.submit_and_follow(confirmation, "/hours", **{f"job-{scene['ref']}": "return"})
    booking = await booking_of(scene)
    assert (booking.state, booking.professional_id) == ("requested", None)
    assert await reserved_time(scene) not in (None, scene["ravi"].id)


async def test_time_off_over_a_job_asks_too_and_can_be_taken_back(scene, ravi):
    starts_at = (await booking_of(scene)).starts_at
    confirmation = await ravi.submit(
        await ravi.visit("/availability"), "/time-off", **off(starts_at), reason="A wedding"
    )
    assert confirmation.status == 409
    page = await ravi.submit_and_follow(confirmation, "/time-off", **{f"job-{scene['ref']}": "return"})
    assert "A wedding" in page.text
    repeated = await ravi.submit(page, "/availability/time-off", **off(starts_at))
    assert repeated.status == 422
    page = await ravi.submit_and_follow(page, "/removal")
    assert "A wedding" not in page.text
    async with scene["db"].work() as db:
        rows = (await db.scalars(text("SELECT name FROM events WHERE name LIKE 'person.time_off%' ORDER BY id"))).all()
    assert rows[-2:] == ["person.time_off_changed", "person.time_off_removed"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"from": "banana", "until": "2026-12-01T10:00"}, "from"),
        ({"from": "9999-12-31T10:00", "until": "9999-12-31T11:00"}, "from"),
        ({"from": "2030-12-02T10:00", "until": "2030-12-01T10:00"}, "until"),
        ({"from": "2021-12-01T10:00", "until": "2021-12-02T10:00"}, "until"),
        ({"from": "2026-12-01T10:00", "until": "2028-12-01T10:00"}, "until"),
    ],
)
async def test_absurd_days_off_are_refused(scene, ravi, values, field):
    answer = await ravi.submit(await ravi.visit("/availability"), "/time-off", **values)
    assert answer.status == 422
    assert f'id="{field}-error"' in answer.text
    assert await count(scene, "time_off") == 0


async def test_someone_elses_time_off_cannot_be_removed(scene, ravi, app_database, browser_of):
    await ravi.submit_and_follow(await ravi.visit("/availability"), "/time-off", **off(a_start(days=3)))
    async with app_database.work() as db:
        number = await db.scalar(text("SELECT max(id) FROM time_off"))
        omar = await a_professional(db, "Omar Sheriff")
    stranger = await browser_of(omar)
    await stranger.post_fields(f"/availability/time-off/{number}/removal", {})
    assert await count(scene, "time_off") == 1


async def test_an_area_is_pincodes_or_everything_within_a_radius(scene, ravi):
    page = await ravi.submit_and_follow(
        await ravi.visit("/availability"),
        "/area",
        way="pincodes",
        pincodes=f"600 020, {BESANT_NAGAR}\n{TAMBARAM[:3]}-{TAMBARAM[3:]}",
    )
    assert await count(scene, "coverage") == 3
    await ravi.submit_and_follow(page, "/area", way="radius", radius_km="8")
    assert await count(scene, "coverage") > 5


@pytest.mark.parametrize(
    "values",
    [
        {"way": "pincodes", "pincodes": "abcdefgh"},
        {"way": "pincodes", "pincodes": "999999"},
        {"way": "pincodes", "pincodes": ""},
        {"way": "radius", "radius_km": "0"},
        {"way": "radius", "radius_km": "-3"},
        {"way": "radius", "radius_km": "99999999999999999999"},
    ],
)
async def test_an_area_that_cannot_be_is_refused_and_nothing_is_lost(scene, ravi, values):
    answer = await ravi.submit(await ravi.visit("/availability"), "/area", **values)
    assert answer.status == 422
    assert await count(scene, "coverage") == 3


async def test_a_smaller_area_asks_about_the_jobs_outside_it(scene, ravi):
    page = await ravi.visit("/availability")
    confirmation = await ravi.submit(page, "/area", way="pincodes", pincodes=TAMBARAM)
    assert confirmation.status == 409
    await ravi.submit_and_follow(confirmation, "/area", **{f"job-{scene['ref']}": "keep"})
    assert (await booking_of(scene)).state == "assigned"


async def test_time_kept_for_a_waiting_customer_moves_on_by_itself(scene, ravi, app_database):
    start = a_start(days=2)  # a minute before midnight too
    async with app_database.work() as db:
        asha = await a_customer(db)
        waiting = (await a_request(db, asha, scene["service"], start, professional_id=scene["ravi"].id)).reference
    with clock.freeze(clock.now() + timedelta(minutes=11)):
        page = await ravi.visit("/availability")
        await ravi.submit_and_follow(page, "/time-off", **off(start, hours=2))
    assert await reserved_time(scene, waiting) not in (None, scene["ravi"].id)


async def test_a_card_number_is_no_reason_for_time_off(scene, ravi):
    values = off(a_start(days=3)) | {"reason": "Lost my card 4111 1111 1111 1111"}
    answer = await ravi.submit(await ravi.visit("/availability"), "/time-off", **values)
    assert answer.status == 422
    assert "looks like a card number" in answer.text
    assert await count(scene, "time_off") == 0
