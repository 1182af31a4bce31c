"""Days of reports are days of Asia/Kolkata, wherever the server stands and whatever the hour (W20)."""

from datetime import UTC, date, datetime

import pytest

from app.core import clock
from app.core.errors import Invalid
from app.reports.period import Period, parse_period, recent_months

SUNDAY_BEFORE_MIDNIGHT = datetime(2026, 11, 22, 18, 29, tzinfo=UTC)  # 23:59 in Chennai
MONDAY_AFTER_MIDNIGHT = datetime(2026, 11, 22, 18, 31, tzinfo=UTC)


def test_twelve_weeks_end_with_this_one() -> None:
    with clock.freeze(SUNDAY_BEFORE_MIDNIGHT):
        found = parse_period("12")
    assert (found.first, found.last) == (date(2026, 8, 31), date(2026, 11, 22))
    assert (found.before.first, found.before.last) == (date(2026, 6, 8), date(2026, 8, 30))
    assert len(found.starts) == 12


def test_a_week_begins_at_midnight_in_chennai_while_it_is_still_sunday_in_london() -> None:
    with clock.freeze(SUNDAY_BEFORE_MIDNIGHT):
        assert parse_period("week").first == date(2026, 11, 16)
    with clock.freeze(MONDAY_AFTER_MIDNIGHT):
        assert parse_period("week").first == date(2026, 11, 23)


def test_a_day_begins_at_half_past_six_in_the_evening_of_utc() -> None:
    bounds = Period("days", date(2026, 11, 24), date(2026, 11, 24)).bounds
    assert [bound.astimezone(UTC).isoformat() for bound in bounds] == [
        "2026-11-22T18:30:00+00:00",
        "2026-11-23T18:30:00+00:00",
        "2026-11-24T18:30:00+00:00",
    ]


@pytest.mark.parametrize(
    ("name", "last", "before"),
    [("2028-02", date(2028, 2, 29), date(2028, 1, 1)), ("2027-02", date(2027, 2, 28), date(2027, 1, 1))],
)
def test_a_month_is_whole_and_so_is_the_one_before(name: str, last: date, before: date) -> None:
    found = parse_period(name)
    assert (found.last, found.before.first) == (last, before)
    assert found.before.last == found.first.replace(month=1, day=31)


def test_the_bars_of_a_period_hold_each_of_its_days_once() -> None:
    for days, step in ((7, "day"), (31, "day"), (100, "week"), (371, "week"), (372, "month"), (2_000, "year")):
        found = Period("days", date(2024, 2, 27), date.fromordinal(date(2024, 2, 27).toordinal() + days - 1))
        assert found.step == step
        assert found.starts[0] == found.first
        assert found.starts == sorted(set(found.starts))
        assert found.starts[-1] <= found.last
        assert len(found.bounds) == len(found.starts) + 2


def test_months_to_choose_go_back_a_year() -> None:
    with clock.freeze(MONDAY_AFTER_MIDNIGHT):
        assert (recent_months()[0], recent_months()[-1]) == (date(2026, 11, 1), date(2025, 12, 1))


@pytest.mark.parametrize(
    ("first", "last", "errors"),
    [
        ("banana", "2026-11-24", {"from"}),
        ("2026-11-31", "20261124", {"from", "to"}),
        ("2026-11-24", "2026-11-23", {"to"}),
        ("2001-01-01", "2026-11-24", {"to"}),
        ("9999-12-31", "9999-12-31", {"from", "to"}),
    ],
)
def test_days_that_are_none_are_shown_beside_their_field(first: str, last: str, errors: set[str]) -> None:
    with pytest.raises(Invalid) as refused:
        parse_period("days", first, last)
    assert set(refused.value.errors) == errors


def test_nonsense_as_a_period_is_the_usual_one() -> None:
    assert parse_period("banana").name == parse_period("2026-13").name == parse_period("").name == "12"
