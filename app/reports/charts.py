"""Coordinates of the bars and points of a chart: x in per cent of its width, y in pixels.

So the SVG of a template scales with the page while its text keeps its size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LEFT, RIGHT = 14.0, 99.0  # per cent; the scale is left of it
TOP, BOTTOM = 28, 224  # pixels
GRID_LINES = 4  # steps between the lines of a scale
WIDEST, OF_ROOM = 6.0, 0.62  # a bar: per cent of the chart, and of its own room


@dataclass(frozen=True, slots=True)
class Box:
    """A segment of a stacked bar."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float
    best: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from 0 to `top`; `lines` are (value, y)."""

    top: int
    lines: Sequence[tuple[int, float]]

    def y(self, value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * value / self.top, 1)


def scale(maximum: int, unit: int = 1) -> Scale:
    """The smallest round scale, in whole `unit`s, that includes `maximum`."""
    step = next(step for step in _round_steps(unit) if step * GRID_LINES >= maximum)
    top = step * GRID_LINES
    return Scale(top, [(step * n, BOTTOM - (BOTTOM - TOP) * n / GRID_LINES) for n in range(GRID_LINES, -1, -1)])


def middle_of(index: int, count: int) -> float:
    """The x of the middle of bar or point number `index` of `count`."""
    return round(LEFT + (RIGHT - LEFT) * (index + 0.5) / max(1, count), 2)


def bars(stacks: Sequence[Sequence[tuple[str, int]]], on: Scale) -> list[Box]:
    """The segments of each stack of (kind, value), from the bottom."""
    width = round(min(WIDEST, (RIGHT - LEFT) / max(1, len(stacks)) * OF_ROOM), 2)
    return [box for index, stack in enumerate(stacks) for box in _stack(stack, index, len(stacks), width, on)]


def points(values: Sequence[int], on: Scale) -> list[Point]:
    """A point for each value; the highest positive one is the best."""
    maximum = max(values, default=0)
    best = values.index(maximum) if maximum > 0 else -1
    return [
        Point(middle_of(index, len(values)), on.y(max(0, value)), index == best) for index, value in enumerate(values)
    ]


def _stack(stack: Sequence[tuple[str, int]], index: int, count: int, width: float, on: Scale) -> Iterator[Box]:
    below = 0
    for kind, value in stack:
        if value:
            top = on.y(below + value)
            yield Box(kind, round(middle_of(index, count) - width / 2, 2), top, width, round(on.y(below) - top, 1))
            below += value


def _round_steps(unit: int) -> Iterator[int]:
    """1, 2, 3, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100 … times `unit`, without an end."""
    yield from (unit * factor for factor in (1, 2, 3, 5))
    ten = unit
    while True:
        yield from (ten * factor for factor in (10, 15, 20, 25, 30, 40, 50, 60, 80))
        ten *= 10
