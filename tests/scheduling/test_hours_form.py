"""The form of the weekly hours: over midnight, several breaks, and what is shown again."""

import random

import pytest

from app.core.errors import Invalid
from app.scheduling.schemas import hours_fields, hours_of, shown_parts, time_off_of


def typed(**days: str) -> dict[str, str]:
    """The fields of `mon="22:00-02:00, 09:00-13:00"`."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    fields = {}
    for name, stretches in days.items():
        for part, stretch in enumerate(stretches.split(", "), 1):
            day = names.index(name)
            fields[f"from-{day}-{part}"], fields[f"to-{day}-{part}"] = stretch.split("-")
    return fields


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        (typed(mon="22:00-02:00"), [(0, 1320, 1440), (1, 0, 120)]),
        (typed(sun="22:00-02:00"), [(0, 0, 120), (6, 1320, 1440)]),
        (typed(mon="00:00-00:00"), [(0, 0, 1440)]),
        (typed(mon="00:00-24:00"), [(0, 0, 1440)]),
        (typed(mon="18:00-00:00"), [(0, 1080, 1440)]),
        (typed(mon="22:00-02:00", tue="02:00-06:00"), [(0, 1320, 1440), (1, 0, 360)]),
        (typed(mon="20:00-22:00, 22:00-02:00"), [(0, 1200, 1440), (1, 0, 120)]),
        (typed(tue="14:00-18:00, 09:00-13:00, 20:00-21:00"), [(1, 540, 780), (1, 840, 1080), (1, 1200, 1260)]),
    ],
)
def test_an_end_before_the_start_is_on_the_next_day(fields, hours):
    assert hours_of(fields) == hours


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        (typed(mon="22:00-22:00"), "to-0-1", "The end is the same as the start."),
        (typed(mon="22:00-02:00", tue="01:00-06:00"), "from-1-1", "The hours of the day before run into these."),
        (typed(sun="22:00-02:00", mon="08:00-09:00, 01:59-03:00"), "from-0-2", "The hours of the day before run into"),
        (typed(mon="12:00-11:00", tue="09:00-10:00, 10:30-12:00"), "from-1-2", "The hours of the day before run into"),
        (typed(mon="12:00-02:00, 23:00-23:30"), "from-0-2", "These hours overlap."),
        (typed(mon="22:00-01:00, 23:00-02:00"), "from-0-2", "These hours overlap."),
        (typed(mon="24:00-02:00"), "from-0-1", "Enter the start time."),
        (typed(wed=", ".join(f"{h}:00-{h}:30" for h in range(8, 15))), "from-2-7", "Enter up to 6 stretches of hours."),
        (typed(wed=", ".join(f"{h}:00-{h}:30" for h in range(8, 20))), "from-2-7", "Enter up to 6 stretches of hours."),
        ({"from-3-10": "9:00", "to-3-10": "8:60"}, "to-3-10", "Enter the end time."),
    ],
)
def test_hours_that_overlap_or_have_no_length_are_named_beside_the_field(fields, field, sentence):
    with pytest.raises(Invalid) as refused:
        hours_of(fields)
    assert refused.value.errors[field].startswith(sentence)


@pytest.mark.parametrize(
    "fields",
    [
        typed(mon="22:00-02:00"),
        typed(sun="22:00-02:00", mon="09:00-13:00, 14:00-18:00"),
        typed(mon="00:00-00:00", tue="00:00-02:00, 22:00-06:00"),
        typed(mon="22:00-00:00", tue="00:00-00:00", wed="00:00-01:00"),
        typed(**dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "00:00-00:00")),
        typed(**dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "18:00-06:00")),
        typed(mon="01:00-00:00", tue="00:00-01:00"),
    ],
)
def test_what_was_typed_is_shown_again(fields):
    assert hours_fields(hours_of(fields)) == fields


@pytest.mark.parametrize("seed", range(200))
def test_hours_survive_being_shown_and_saved(seed: int):
    """Any week whose stretches do not touch within a day."""
    dice = random.Random(seed)
    hours = []
    for day in range(7):
        edges = sorted(dice.sample(range(0, 1441, dice.choice([5, 30, 360])), 2 * dice.randrange(3)))
        if dice.random() < 0.4:
            edges = sorted({0, 1440, *edges[: 2 * (len(edges) // 4)]})
        hours += [(day, *pair) for pair in zip(edges[::2], edges[1::2], strict=False)]
    assert hours_of(hours_fields(hours)) == hours


def test_the_form_shows_one_pair_more_than_are_filled():
    five, eight = ", ".join(f"{n}:00-{n}:30" for n in range(10, 15)), ", ".join(f"{n}:00-{n}:30" for n in range(10, 18))
    shown = shown_parts(typed(tue="09:00-10:00", wed="09:00-10:00, 11:00-12:00", thu=five, fri=eight))
    assert [shown[day] for day in range(5)] == [2, 2, 3, 6, 8]


@pytest.mark.parametrize(
    ("until", "message"),
    [("2030-12-02T10:00", "The end is the same as the start."), ("2030-12-02T09:59", "The end is before the start.")],
)
def test_time_off_that_does_not_last_is_explained(until, message):
    with pytest.raises(Invalid) as refusal:
        time_off_of({"from": "2030-12-02T10:00", "until": until})
    assert refusal.value.errors["until"] == message


def test_every_pair_that_was_sent_is_read_and_shown_again():
    fields = typed(wed=", ".join(f"{hour}:00-{hour}:30" for hour in range(8, 20)))
    assert shown_parts(fields)[2] == 12
    assert hours_of({"from-3-10": "9:00", "to-3-10": "10:00"}) == [(3, 540, 600)]
