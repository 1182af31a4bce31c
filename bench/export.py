"""An export of 1,000,000 bookings by the worker's task, beside a plain COPY of the same rows in the same run.

Each in a process of its own; its peak memory is what the kernel has counted for it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from subprocess import PIPE
from typing import Any

from bench.desk_town import fill
from bench.desk_work import Sizes
from bench.processes import settings
from bench.servers import Place, place
from bench.tables import show

HEAD = ("what", "rows", "seconds", "rows/s", "MB written", "peak memory MB", "memory before MB", "target")
Took = tuple[int, float, float, float, float]  # rows, seconds, MB written, MB at most, MB before


def add_arguments(parser: argparse.ArgumentParser) -> None:
    usual = Sizes()
    parser.add_argument("--bookings", type=int, default=usual.bookings)
    parser.add_argument("--professionals", type=int, default=usual.professionals)
    parser.add_argument("--customers", type=int, default=usual.customers)
    parser.add_argument(
        "--times", type=int, default=3, help="each so often, one after the other; the middle one is told"
    )


def run(args: argparse.Namespace) -> None:
    sizes = Sizes(args.bookings, args.professionals, args.customers)
    with place() as there, tempfile.TemporaryDirectory(prefix="doorstep-bench-") as folder:
        fill(there, sizes)
        took: dict[str, list[Took]] = {"a plain COPY": [], "an export": []}
        for _ in range(args.times):
            took["a plain COPY"].append(_apart("plain", there, folder))
            took["an export"].append(_apart("export", there, folder))
    targets = {"a plain COPY": "the baseline", "an export": "≥ 200,000 rows/s, under 100 MB"}
    show(
        f"Exports: {sizes.bookings:,} bookings", HEAD, [_row(name, runs, targets[name]) for name, runs in took.items()]
    )


def _row(name: str, runs: list[Took], target: str) -> tuple[Any, ...]:
    rows, seconds, written, peak, before = sorted(runs, key=lambda one: one[1])[len(runs) // 2]
    return name, rows, seconds, rows / seconds, written, peak, before, target


def _apart(how: str, there: Place, folder: str) -> Took:
    """In a fresh process, so that memory is its own."""
    given = {**os.environ, **settings(there), "LOG_LEVEL": "warning", "UPLOADS_DIR": os.path.join(folder, "kept")}
    command = [sys.executable, "-m", "bench.export_runs", how, folder]
    rows, seconds, written, peak, before = json.loads(
        subprocess.run(command, env=given, stdout=PIPE, check=True).stdout
    )
    return rows, seconds, written, peak, before
