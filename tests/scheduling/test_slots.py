"""Slots without a database: working hours, time off, jobs and travel between them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.core import clock
from app.scheduling.candidates import BusyTime, Candidate
from app.scheduling.slots import bounds, conflicts, free_starts, is_free, on_grid, within_hours
from app.scheduling.travel import Location, distance_km, travel_seconds

ADYAR = Location("600020", 13.0064, 80.2574)
BESANT_NAGAR = Location("600090", 13.0003, 80.2667)
NOWHERE = Location("999999", None, None)
TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)


class AnHour:
    id, minutes, notice_minutes, horizon_days = 1, 60, 120, 7


def a_worker(
    *hours: tuple[int, int, int], busy: tuple[BusyTime, ...] = (), away: tuple[tuple[int, int], ...] = ()
) -> Candidate:
    return Candidate(1, "Ravi Kumar", 8, ADYAR, hours, frozenset({1}), 0, 0, 0, 0.0, list(away), list(busy))


def s(hour: int, minute: int = 0) -> int:
    return int(clock.at(TUESDAY, hour * 60 + minute).timestamp())


def a_job(opens: int, closes: int, location: Location = ADYAR, is_committed: bool = True) -> BusyTime:
    return BusyTime(7, s(opens), s(closes), location, is_committed)


def hours_of(starts: list[int]) -> list[str]:
    return [datetime.fromtimestamp(start, clock.IST).strftime("%H:%M") for start in starts]


def test_a_free_morning_has_a_start_every_half_hour_until_the_work_no_longer_fits():
    assert hours_of(free_starts(a_worker((1, 480, 660)), 60, ADYAR, TUESDAY)) == [
        "08:00",
        "08:30",
        "09:00",
        "09:30",
        "10:00",
    ]


def test_hours_that_begin_off_the_grid_start_at_the_next_half_hour():
    assert hours_of(free_starts(a_worker((1, 485, 600)), 60, ADYAR, TUESDAY)) == ["08:30", "09:00"]


def test_a_job_in_the_same_pincode_leaves_ten_minutes_on_both_sides():
    worker = a_worker((1, 480, 960), busy=(a_job(10, 11),))
    assert hours_of(free_starts(worker, 60, ADYAR, TUESDAY)) == [
        "08:00", "08:30", "11:30", "12:00", "12:30", "13:00", "13:30", "14:00", "14:30", "15:00",
    ]  # fmt: skip


def test_a_far_job_needs_the_ride_as_well():
    worker = a_worker((1, 480, 960), busy=(a_job(10, 11, NOWHERE),))
    ride = travel_seconds(ADYAR, NOWHERE)
    assert ride == 10 * 60 + 10 * 200
    starts = free_starts(worker, 60, ADYAR, TUESDAY)
    assert all(start + 3600 + ride <= s(10) or start >= s(11) + ride for start in starts)
    assert "11:30" not in hours_of(starts)
    assert "12:00" in hours_of(starts)


def test_time_off_needs_no_ride():
    worker = a_worker((1, 480, 780), away=((s(10), s(11)),))
    assert hours_of(free_starts(worker, 60, ADYAR, TUESDAY)) == ["08:00", "08:30", "09:00", "11:00", "11:30", "12:00"]


def test_two_stretches_that_touch_do_not_double_a_start():
    worker = a_worker((1, 480, 600), (1, 480, 660))
    assert len(free_starts(worker, 60, ADYAR, TUESDAY)) == 5


def test_other_weekdays_are_closed():
    assert free_starts(a_worker((2, 480, 660)), 60, ADYAR, TUESDAY) == []


def test_hours_that_meet_at_midnight_are_one_stretch():
    """Who works around the clock takes a job over midnight; who stops at midnight does not."""
    around_the_clock = a_worker(*[(weekday, 0, 1440) for weekday in range(7)])
    assert len(free_starts(around_the_clock, 60, ADYAR, TUESDAY)) == 48
    assert hours_of(free_starts(around_the_clock, 60, ADYAR, TUESDAY))[-1] == "23:30"
    until_midnight = a_worker((1, 1320, 1440))
    assert hours_of(free_starts(until_midnight, 60, ADYAR, TUESDAY)) == ["22:00", "22:30", "23:00"]
    at_night = a_worker((1, 1320, 1440), (2, 0, 120))
    assert hours_of(free_starts(at_night, 60, ADYAR, TUESDAY)) == ["22:00", "22:30", "23:00", "23:30"]
    assert hours_of(free_starts(at_night, 60, ADYAR, WEDNESDAY)) == ["00:00", "00:30", "01:00"]
    assert within_hours(at_night, 180, clock.at(TUESDAY, 1380))
    assert not within_hours(at_night, 210, clock.at(TUESDAY, 1380))


def test_a_job_over_midnight_takes_the_next_morning():
    worker = a_worker(*[(weekday, 0, 1440) for weekday in range(7)], busy=(a_job(24, 26),))
    assert hours_of(free_starts(worker, 60, ADYAR, TUESDAY))[-2:] == ["22:00", "22:30"]
    assert hours_of(free_starts(worker, 60, ADYAR, WEDNESDAY))[0] == "02:30"


def test_is_free_says_the_same_as_the_list():
    worker = a_worker((1, 480, 960), busy=(a_job(10, 11, BESANT_NAGAR),))
    listed = free_starts(worker, 45, ADYAR, TUESDAY)
    starts = [s(0) + 1800 * n for n in range(48)]
    assert [item for item in starts if is_free(worker, 45, ADYAR, datetime.fromtimestamp(item, UTC))] == listed


def test_what_is_in_the_way_is_named():
    worker = a_worker((1, 480, 960), busy=(a_job(10, 11),))
    assert conflicts(worker, 60, ADYAR, clock.at(TUESDAY, 660)) == [a_job(10, 11)]
    assert conflicts(worker, 60, ADYAR, clock.at(TUESDAY, 690)) == []


def test_hours_and_time_off_alone():
    worker = a_worker((1, 480, 660), away=((s(8), s(9)),), busy=(a_job(9, 10),))
    assert within_hours(worker, 60, clock.at(TUESDAY, 540))
    assert not within_hours(worker, 60, clock.at(TUESDAY, 510))
    assert not within_hours(worker, 60, clock.at(TUESDAY, 630))


def test_notice_is_two_hours_and_the_horizon_seven_days_of_india():
    late_evening = datetime(2026, 11, 22, 18, 40, tzinfo=UTC)  # 00:10 on the 23rd in Chennai
    first, end = bounds(AnHour(), late_evening)
    assert datetime.fromtimestamp(first, UTC) == late_evening + timedelta(hours=2)
    assert datetime.fromtimestamp(end, clock.IST) == datetime(2026, 11, 30, tzinfo=clock.IST)


@pytest.mark.parametrize(("notice", "lead"), [(0, 20), (19, 20), (20, 20), (30, 30), (66, 66)])
def test_no_start_is_nearer_than_the_least_lead(notice: int, lead: int):
    service = AnHour()
    service.notice_minutes = notice
    now = clock.at(TUESDAY, 607)
    assert bounds(service, now)[0] == int((now + timedelta(minutes=lead)).timestamp())


@pytest.mark.parametrize("moment", ["10:00:01", "10:15:00", "10:00:00.5"])
def test_only_half_hours_are_on_the_grid(moment: str):
    assert on_grid(clock.at(TUESDAY, 600))
    assert not on_grid(datetime.fromisoformat(f"2026-11-24T{moment}+05:30"))


def test_distance_is_by_road_and_unknown_where_a_place_is():
    assert distance_km(ADYAR, ADYAR) == 0
    assert distance_km(NOWHERE, NOWHERE) == 0
    assert distance_km(ADYAR, NOWHERE) is None
    assert distance_km(ADYAR, BESANT_NAGAR) == pytest.approx(1.3 * 1.216, rel=0.01)
    assert distance_km(ADYAR, BESANT_NAGAR) == distance_km(BESANT_NAGAR, ADYAR)
