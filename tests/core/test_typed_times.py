"""Properties of the readers of days, times of day and moments."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock
from app.core.datetimes import YEARS, format_time_input, parse_clock_time, parse_day, parse_moment
from tests.typed import pasted

DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))
MOMENTS = st.integers(946_800_000, 4_133_800_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(
    DAYS,
    st.sampled_from(["{0:%Y-%m-%d}", "{0:%d/%m/%Y}", "{0:%d-%m-%Y}", "{0:%d.%m.%Y}", "{0.day}/{0.month}/{0.year}"]),
)
def test_a_day_is_the_same_however_it_is_written(day: date, form: str) -> None:
    assert parse_day(form.format(day)) == parse_day(f" {form.format(day)}\u200b") == day
    assert parse_day(day.isoformat(), YEARS) == day


@given(DAYS.flatmap(lambda day: pasted(st.just(day.isoformat()), groups=False)))
def test_a_day_may_have_digits_of_any_script(written: tuple[str, str]) -> None:
    assert parse_day(written[1]) == date.fromisoformat(written[0])


@pytest.mark.parametrize("typed", ["", "2026-02-30", "20261124", "24/11", "11/24/2026", "2026-11-24T10:00", "tomorrow"])
def test_what_is_no_day(typed: str) -> None:
    assert parse_day(typed) is None


@given(st.integers(0, 24 * 60 - 1))
def test_a_time_of_day_is_the_same_however_it_is_written(minutes: int) -> None:
    hours, rest = divmod(minutes, 60)
    half, twelve = ("am" if hours < 12 else "pm"), hours % 12 or 12
    for written in (
        format_time_input(minutes),
        f"{hours}:{rest:02}",
        f"{hours:02}.{rest:02}",
        f"{hours:02}:{rest:02}:00",
        f"{twelve}:{rest:02} {half}",
        f"{twelve}.{rest:02}\u202f{half[0].upper()}.M.",
    ):
        assert parse_clock_time(written) == minutes
    assert parse_clock_time("24:00") == 24 * 60


@pytest.mark.parametrize("typed", ["", "24:01", "25:00", "12:60", "13:00 pm", "0:30 am", "ten", "1030", "-1:00"])
def test_what_is_no_time_of_day(typed: str) -> None:
    assert parse_clock_time(typed) is None


@given(MOMENTS)
def test_a_moment_is_the_same_however_it_is_written(moment: datetime) -> None:
    local = moment.astimezone(clock.IST)
    for written in (
        local.isoformat(),
        local.isoformat().replace("+", " "),
        moment.isoformat().replace("+00:00", "Z"),
        local.replace(tzinfo=None).isoformat(),
        f" {local.isoformat()}\u200b",
    ):
        assert parse_moment(written) == moment
    read = parse_moment(local.isoformat())
    assert read is not None
    assert parse_moment(read.isoformat()) == read


@pytest.mark.parametrize("typed", ["", "2026-11-24", "2026-13-01T10:00", "2026-11-24T25:00", "0001-01-01T00:00Z"])
def test_what_is_no_moment_or_a_far_one(typed: str) -> None:
    moment = parse_moment(typed)
    assert moment is None or moment.year not in YEARS
