"""Print measurements as Markdown tables, as used in docs/performance.md."""

import math
from collections.abc import Iterable, Sequence
from statistics import median

Cell = str | int | float | None


def print_table(title: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    lines = [list(map(_cell, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    print(f"\n{title}\n")
    for line in (list(head), ["-" * width for width in widths], *lines):
        print("| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |")
    print(flush=True)


def quantile(values: Iterable[float], share: float) -> float:
    """Return the quantile `share` (0 to 1) of the values; NaN without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def median_of(values: Iterable[float]) -> float:
    numbers = list(values)
    return median(numbers) if numbers else math.nan


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole and not math.isnan(part) else "–"


def _cell(value: Cell) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else value
