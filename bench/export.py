"""An export of 1,000,000 bookings by the worker's task, beside a plain COPY of the same rows in the same run.

Each in a process of its own; its peak memory is what the kernel has counted for it.
"""

import argparse
import asyncio
import multiprocessing
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import select

from app.accounts.user import User
from app.insights import exporting
from app.insights.export import Export
from app.kit.db import Database
from app.settings import Settings
from bench.desk_town import fill
from bench.desk_work import Sizes
from bench.processes import settings
from bench.servers import Place, place
from bench.tables import show
from tasks.exports import build_export

HEAD = ("what", "rows", "seconds", "rows/s", "MB written", "peak memory MB", "memory before MB", "target")
# The same rows and joins, as they lie there: no guards, no rupees, no Indian time.
PLAIN = """
    SELECT b.reference, b.service_name, k.name, b.state, b.cancelled_as, b.starts_at, b.minutes, c.full_name,
           w.full_name, p.place, b.pincode, b.price, b.fee, b.payment, b.requested_at, b.assigned_at, b.completed_at,
           b.rating
      FROM bookings b JOIN services s ON s.id = b.service_id JOIN categories k ON k.id = s.category_id
      JOIN users c ON c.id = b.customer_id LEFT JOIN users w ON w.id = b.professional_id
      JOIN pincodes p ON p.pincode = b.pincode
     ORDER BY b.id
"""
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
            took["a plain COPY"].append(_apart(_plain, there, folder))
            took["an export"].append(_apart(_export, there, folder))
    targets = {"a plain COPY": "the baseline", "an export": "≥ 200,000 rows/s, under 100 MB"}
    show(
        f"Exports: {sizes.bookings:,} bookings", HEAD, [_row(name, runs, targets[name]) for name, runs in took.items()]
    )


def _row(name: str, runs: list[Took], target: str) -> tuple[Any, ...]:
    rows, seconds, written, peak, before = sorted(runs, key=lambda one: one[1])[len(runs) // 2]
    return name, rows, seconds, rows / seconds, written, peak, before, target


def _apart(measure: Callable[[Place, str], Any], there: Place, folder: str) -> Took:
    """In a fresh process, so that memory is its own."""
    spawn = multiprocessing.get_context("spawn")
    ear, mouth = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_told, args=(measure, there, folder, mouth))
    process.start()
    mouth.close()
    took: Took = ear.recv()
    process.join()
    return took


def _told(measure: Callable[[Place, str], Any], there: Place, folder: str, mouth: Any) -> None:
    before = _peak()
    rows, seconds, size = asyncio.run(measure(there, folder))
    mouth.send((rows, seconds, size / 1e6, _peak(), before))


def _peak() -> float:
    """MB of this process at most, since it began to run this program."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


async def _plain(there: Place, folder: str) -> tuple[int, float, int]:
    line = await asyncpg.connect(there.app)
    path = os.path.join(folder, "plain.csv")
    started = time.perf_counter()
    status = await line.copy_from_query(PLAIN, output=Path(path), format="csv", header=True)
    took = time.perf_counter() - started
    await line.close()
    return int(status.split()[1]), took, await asyncio.to_thread(os.path.getsize, path)


async def _export(there: Place, folder: str) -> tuple[int, float, int]:
    """From the claim to the row that says ready: counted, guarded, digested, on the disk."""
    given = Settings.from_env({**settings(there), "LOG_LEVEL": "warning", "UPLOADS_DIR": os.path.join(folder, "kept")})
    database = Database(there.app)
    async with database.work() as db:
        admin = await db.get_one(User, await db.scalar(select(User.id).where(User.role == "admin").limit(1)))
        export = await exporting.ask(db, admin, "bookings", {}, bom=False)
    started = time.perf_counter()
    await build_export({"database": database, "after": None, "settings": given}, export_id=export.id)
    took = time.perf_counter() - started
    async with database.work() as db:
        made = await db.get_one(Export, export.id)
    await database.close()
    assert made.state == "ready", made.error
    assert made.rows_total is not None
    assert made.size is not None
    return made.rows_total, took, made.size
