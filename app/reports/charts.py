"""Where the bars and points of a chart stand: across in per cent of its width, down in pixels.

So a template draws them as SVG that grows with the page while its words keep their size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LEFT, RIGHT = 14.0, 99.0  # per cent: left of it stands the scale
TOP, BOTTOM = 28, 224  # pixels
LINES = 4  # steps between the lines of a scale
WIDEST, OF_ROOM = 6.0, 0.62  # a bar: per cent of the chart, and of its own room


@dataclass(frozen=True, slots=True)
class Box:
    """A piece of a bar."""

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
    """From 0 to `top` in round steps; `lines` are values, each with its y."""

    top: int
    lines: Sequence[tuple[int, float]]

    def y(self, value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * value / self.top, 1)


def scale(most: int, unit: int = 1) -> Scale:
    """The least round scale, in whole `unit`s, that has room for `most`."""
    step = next(one for one in _round_steps(unit) if one * LINES >= most)
    top = step * LINES
    return Scale(top, [(step * n, BOTTOM - (BOTTOM - TOP) * n / LINES) for n in range(LINES, -1, -1)])


def middle_of(place: int, count: int) -> float:
    """Where the bar or point number `place` of `count` stands."""
    return round(LEFT + (RIGHT - LEFT) * (place + 0.5) / max(1, count), 2)


def bars(stacks: Sequence[Sequence[tuple[str, int]]], on: Scale) -> list[Box]:
    """Each stack from below: (kind, value)."""
    width = round(min(WIDEST, (RIGHT - LEFT) / max(1, len(stacks)) * OF_ROOM), 2)
    return [box for place, stack in enumerate(stacks) for box in _stack(stack, place, len(stacks), width, on)]


def points(values: Sequence[int], on: Scale) -> list[Point]:
    """One for each value; the highest, when it is more than nothing, is the best."""
    most = max(values, default=0)
    best = values.index(most) if most > 0 else -1
    return [
        Point(middle_of(place, len(values)), on.y(max(0, value)), place == best) for place, value in enumerate(values)
    ]


def _stack(stack: Sequence[tuple[str, int]], place: int, count: int, width: float, on: Scale) -> Iterator[Box]:
    below = 0
    for kind, value in stack:
        if value:
            top = on.y(below + value)
            yield Box(kind, round(middle_of(place, count) - width / 2, 2), top, width, round(on.y(below) - top, 1))
            below += value


def _round_steps(unit: int) -> Iterator[int]:
    """1, 2, 3, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100 … times `unit`, without an end."""
    yield from (unit * one for one in (1, 2, 3, 5))
    ten = unit
    while True:
        yield from (ten * one for one in (10, 15, 20, 25, 30, 40, 50, 60, 80))
        ten *= 10
