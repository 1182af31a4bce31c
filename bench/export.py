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

from bench.admin_town import fill
from bench.admin_town_rows import Sizes
from bench.processes import settings
from bench.servers import BenchServers, temporary_servers
from bench.tables import show

HEAD = ("what", "rows", "seconds", "rows/s", "MB written", "peak memory MB", "memory before MB", "target")
ExportRun = tuple[int, float, float, float, float]  # rows, seconds, MB written, MB at most, MB before


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
    with temporary_servers() as servers, tempfile.TemporaryDirectory(prefix="doorstep-bench-") as folder:
        fill(servers, sizes)
        elapsed: dict[str, list[ExportRun]] = {"a plain COPY": [], "an export": []}
        for _ in range(args.times):
            elapsed["a plain COPY"].append(_run_in_process("plain", servers, folder))
            elapsed["an export"].append(_run_in_process("export", servers, folder))
    targets = {"a plain COPY": "the baseline", "an export": "≥ 200,000 rows/s, under 100 MB"}
    show(
        f"Exports: {sizes.bookings:,} bookings",
        HEAD,
        [_row(name, runs, targets[name]) for name, runs in elapsed.items()],
    )


def _row(name: str, runs: list[ExportRun], target: str) -> tuple[Any, ...]:
    rows, seconds, written, peak, before = sorted(runs, key=lambda one: one[1])[len(runs) // 2]
    return name, rows, seconds, rows / seconds, written, peak, before, target


def _run_in_process(how: str, servers: BenchServers, folder: str) -> ExportRun:
    """In a fresh process, so that memory is its own."""
    given = {**os.environ, **settings(servers), "LOG_LEVEL": "warning", "UPLOADS_DIR": os.path.join(folder, "kept")}
    command = [sys.executable, "-m", "bench.export_runs", how, folder]
    rows, seconds, written, peak, before = json.loads(
        subprocess.run(command, env=given, stdout=PIPE, check=True).stdout
    )
    return rows, seconds, written, peak, before
