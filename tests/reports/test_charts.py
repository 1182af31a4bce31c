"""Coordinates of the charts."""

import pytest

from app.reports.charts import BOTTOM, LEFT, RIGHT, TOP, bars, points, scale


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 4), (1, 4), (58, 60), (90, 100), (842, 1_000), (1_000_000, 1_000_000)]
)
def test_a_scale_is_round_and_has_room(highest: int, top: int) -> None:
    assert scale(highest).top == top


def test_money_stands_on_whole_hundreds_of_rupees() -> None:
    assert [value for value, _ in scale(1_566_000, 10_000).lines] == [1_600_000, 1_200_000, 800_000, 400_000, 0]


def test_pieces_of_a_bar_stand_on_one_another() -> None:
    below, above = bars([[("completed", 30), ("open", 0), ("cancelled", 10)]], scale(40))
    assert (below.kind, above.kind) == ("completed", "cancelled")
    assert below.y + below.height == BOTTOM
    assert above.y + above.height == below.y
    assert above.y == TOP


def test_bars_stay_within_the_chart_however_many_there_are() -> None:
    for count in (1, 7, 53):
        rendered = bars([[("completed", 1)]] * count, scale(1))
        assert min(box.x for box in rendered) >= LEFT
        assert max(box.x + box.width for box in rendered) <= RIGHT


def test_the_best_point_is_one_and_is_something() -> None:
    assert [point.best for point in points([3, 9, 9], scale(9))] == [False, True, False]
    assert not any(point.best for point in points([0, 0], scale(0)))


def test_a_step_that_lost_money_stands_on_the_ground() -> None:
    assert points([-500], scale(0))[0].y == BOTTOM
