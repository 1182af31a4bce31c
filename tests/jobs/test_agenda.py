"""A professional's agenda: finished jobs, the next one with its time to leave, later ones."""

from datetime import datetime, timedelta

import pytest

from app.core import clock
from app.jobs.agenda import agenda_of
from app.jobs.repository import AgendaRow
from app.scheduling.travel import Location

HOME = Location("600020", 13.0067, 80.2577)
THERE = Location("600042", 12.9815, 80.2180)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=clock.IST)


@pytest.fixture(autouse=True)
def noon():
    with clock.freeze(NOON):
        yield


def job(hour, state="assigned", days=0, location=THERE, total=100_00):
    starts_at = NOON.replace(hour=hour) + timedelta(days=days)
    name = f"JOB{days:02d}{hour:03d}"
    return AgendaRow(
        1, name, "A tap", state, 60, starts_at, starts_at + timedelta(hours=1), "Velacheri", total, *location
    )


def states(agenda):
    return [line.state for line in agenda.today]


def test_the_first_job_that_is_not_done_is_the_next_one():
    assert states(agenda_of([job(9, "completed"), job(15), job(18)], HOME)) == ["done", "next", "later"]


def test_one_leaves_from_the_job_before_or_from_home():
    from_home = agenda_of([job(15)], HOME).today[0].leave_by
    from_there = agenda_of([job(9, "completed"), job(15)], HOME).today[1].leave_by
    assert from_there == NOON.replace(hour=14, minute=50)
    assert from_home < from_there


def test_no_one_leaves_for_a_job_that_has_started():
    line = agenda_of([job(11, "started"), job(15)], HOME).today[0]
    assert (line.state, line.leave_by) == ("next", None)


def test_a_job_left_over_from_yesterday_stands_in_todays_list():
    agenda = agenda_of([job(17, days=-1), job(15)], HOME)
    assert states(agenda) == ["next", "later"]


def test_later_days_are_grouped_in_indias_days():
    late = job(23, days=1)
    agenda = agenda_of([job(15), job(9, days=1), late, job(9, days=2)], HOME)
    assert [(day.day, len(lines)) for day, lines in agenda.upcoming] == [(25, 2), (26, 1)]
    assert agenda.upcoming_count == 3


def test_the_days_earning_counts_done_and_open_jobs():
    assert agenda_of([job(9, "completed", total=249_00), job(15, total=149_00)], HOME).earning_today == 338_30
