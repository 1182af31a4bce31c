"""Measure an export of 1,000,000 bookings by the worker's task against a plain COPY of the same rows.

Each runs in its own process; peak memory is what the kernel reports for it.
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
from bench.tables import print_table

COLUMNS = ("method", "rows", "seconds", "rows/s", "MB written", "peak memory MB", "memory before MB", "target")
ExportRun = tuple[int, float, float, float, float]  # rows, seconds, MB written, peak MB, MB before


def add_arguments(parser: argparse.ArgumentParser) -> None:
    default = Sizes()
    parser.add_argument("--bookings", type=int, default=default.bookings)
    parser.add_argument("--professionals", type=int, default=default.professionals)
    parser.add_argument("--customers", type=int, default=default.customers)
    parser.add_argument("--times", type=int, default=3, help="runs of each; the median run is shown")


def run(args: argparse.Namespace) -> None:
    sizes = Sizes(args.bookings, args.professionals, args.customers)
    with temporary_servers() as servers, tempfile.TemporaryDirectory(prefix="doorstep-bench-") as folder:
        fill(servers, sizes)
        elapsed: dict[str, list[ExportRun]] = {"a plain COPY": [], "an export": []}
        for _ in range(args.times):
            elapsed["a plain COPY"].append(_run_in_process("plain", servers, folder))
            elapsed["an export"].append(_run_in_process("export", servers, folder))
    targets = {"a plain COPY": "the baseline", "an export": "≥ 200,000 rows/s, under 100 MB"}
    print_table(
        f"Exports: {sizes.bookings:,} bookings",
        COLUMNS,
        [_row(name, runs, targets[name]) for name, runs in elapsed.items()],
    )


def _row(name: str, runs: list[ExportRun], target: str) -> tuple[Any, ...]:
    rows, seconds, written, peak, before = sorted(runs, key=lambda run: run[1])[len(runs) // 2]
    return name, rows, seconds, rows / seconds, written, peak, before, target


def _run_in_process(method: str, servers: BenchServers, folder: str) -> ExportRun:
    """Run in a new process, whose memory is measured separately."""
    environment = {
        **os.environ,
        **settings(servers),
        "LOG_LEVEL": "warning",
        "UPLOADS_DIR": os.path.join(folder, "storage"),
    }
    command = [sys.executable, "-m", "bench.export_runs", method, folder]
    rows, seconds, written, peak, before = json.loads(
        subprocess.run(command, env=environment, stdout=PIPE, check=True).stdout
    )
    return rows, seconds, written, peak, before
