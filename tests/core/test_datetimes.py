"""Times of day as people read them: by the reader's locale, in Asia/Kolkata."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest

from app.core import clock, i18n
from app.core.datetimes import (
    NO_BREAK_SPACE,
    format_clock_range,
    format_clock_time,
    format_datetime,
    format_datetime_range,
    format_near_time,
    format_time_input,
)

TUESDAY = date(2026, 11, 24)
MIDNIGHT, NOON, END_OF_DAY = 0, 12 * 60, 24 * 60


@contextmanager
def reading(locale: str) -> Iterator[None]:
    token = i18n.locale.set(locale)
    try:
        yield
    finally:
        i18n.locale.reset(token)


def clock_time(minute: int) -> str:
    return format_clock_time(clock.at(TUESDAY, minute)).replace(NO_BREAK_SPACE, " ")


def clock_range(start: int, end: int) -> str:
    return format_clock_range(clock.at(TUESDAY, start), clock.at(TUESDAY, end)).replace(NO_BREAK_SPACE, " ")


@pytest.mark.parametrize(
    ("minute", "expected"),
    [
        (MIDNIGHT, "12:00 am"),
        (1, "12:01 am"),
        (9 * 60 + 5, "9:05 am"),
        (NOON - 1, "11:59 am"),
        (NOON, "12:00 pm"),
        (16 * 60 + 30, "4:30 pm"),
        (END_OF_DAY - 1, "11:59 pm"),
        (END_OF_DAY, "12:00 am"),
    ],
)
def test_a_time_has_a_12_hour_clock_and_its_minutes(minute: int, expected: str) -> None:
    assert clock_time(minute) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (10 * 60, 11 * 60, "10–11 am"),
        (10 * 60, 11 * 60 + 30, "10–11:30 am"),
        (16 * 60 + 30, 17 * 60 + 30, "4:30–5:30 pm"),
        (11 * 60, 13 * 60, "11 am–1 pm"),
        (11 * 60 + 30, NOON, "11:30 am–12 pm"),
        (NOON, 13 * 60, "12–1 pm"),
        (MIDNIGHT, 60, "12–1 am"),
        (8 * 60, END_OF_DAY, "8 am–12 am"),
        (20 * 60, END_OF_DAY, "8 pm–12 am"),
        (MIDNIGHT, END_OF_DAY, "12 am–12 am"),
    ],
)
def test_a_range_leaves_out_what_both_ends_share(start: int, end: int, expected: str) -> None:
    assert clock_range(start, end) == expected


def test_a_range_over_midnight_has_both_days() -> None:
    start, end = clock.at(TUESDAY, 23 * 60 + 30), clock.at(TUESDAY, END_OF_DAY + 30)
    assert format_datetime_range(start, end) == "Tue 24 Nov, 11:30\xa0pm – Wed 25 Nov, 12:30\xa0am"
    assert format_datetime_range(clock.at(TUESDAY, 600), clock.at(TUESDAY, 660)) == "Tue 24 Nov, 10–11\xa0am"


def test_am_and_pm_never_stand_alone_at_the_beginning_of_a_line() -> None:
    assert format_clock_time(clock.at(TUESDAY, NOON)) == f"12:00{NO_BREAK_SPACE}pm"
    assert format_clock_range(clock.at(TUESDAY, 660), clock.at(TUESDAY, 780)) == "11\xa0am–1\xa0pm"
    assert " am" not in format_datetime(clock.at(TUESDAY, 600))


def test_the_time_is_indias_whatever_the_zone_of_the_value() -> None:
    assert format_clock_time(datetime(2026, 11, 24, 18, 30, tzinfo=UTC)) == "12:00\xa0am"


@pytest.mark.parametrize(
    ("locale", "afternoon", "morning", "over_noon"),
    [
        ("hi_IN", "4:30 pm", "10–11 am", "11 am–1 pm"),
        ("ta_IN", "4:30 PM", "10–11 AM", "11 AM–1 PM"),
        ("as_IN", "PM 4.30", "AM 10–11", "AM 11–PM 1"),
        ("en_GB", "16:30", "10:00–11:00", "11:00–13:00"),
    ],
)
def test_the_clock_follows_the_locale(locale: str, afternoon: str, morning: str, over_noon: str) -> None:
    with reading(locale):
        assert clock_time(16 * 60 + 30) == afternoon
        assert clock_range(10 * 60, 11 * 60) == morning
        assert clock_range(11 * 60, 13 * 60) == over_noon


def test_the_value_of_a_time_input_is_the_same_in_every_locale() -> None:
    for locale in ("en_IN", "ta_IN", "en_GB"):
        with reading(locale):
            assert [format_time_input(minute) for minute in (0, 485, 990)] == ["00:00", "08:05", "16:30"]


def test_a_time_of_another_day_is_shown_with_its_day() -> None:
    before_midnight = clock.at(TUESDAY, 23 * 60 + 38)
    with clock.freeze(clock.at(TUESDAY, 23 * 60 + 59)):
        assert format_near_time(before_midnight) == f"11:38{NO_BREAK_SPACE}pm"
        assert format_near_time(clock.at(TUESDAY, END_OF_DAY + 5)) == f"Wed 25 Nov, 12:05{NO_BREAK_SPACE}am"
    with clock.freeze(clock.at(TUESDAY, END_OF_DAY)):
        assert format_near_time(before_midnight) == f"Tue 24 Nov, 11:38{NO_BREAK_SPACE}pm"
