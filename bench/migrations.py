"""Measure how long each migration takes in a large town, which cannot be used meanwhile.

The town is built in this version, downgraded step by step and upgraded again; the baseline is the same in a small town.
"""

import argparse
import time
from dataclasses import dataclass, field

from alembic.script import ScriptDirectory

from app.core import migrate
from bench.servers import temporary_servers
from bench.tables import Cell, print_table
from bench.town import build

COLUMNS = ("migration", "what", "small town, s", "large town, s")
SMALL = (300, 7_200)  # professionals and bookings


@dataclass(slots=True)
class Step:
    revision: str
    title: str
    seconds: list[float] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--professionals", type=int, default=12_000)
    parser.add_argument("--bookings", type=int, default=288_000, help="at least 24 for each professional")
    parser.add_argument("--since", default="0012", help="the revision from which on migrations are measured (0012)")


def run(args: argparse.Namespace) -> None:
    script = ScriptDirectory(str(migrate.MIGRATIONS))
    found = list(script.iterate_revisions("head", args.since))
    steps = [Step(item.revision, str(item.doc).splitlines()[0]) for item in reversed(found)]
    for professionals, bookings in (SMALL, (args.professionals, args.bookings)):
        with temporary_servers() as servers:
            build(servers, professionals=professionals, bookings=bookings)
            migrate.downgrade(servers.owner, args.since)
            for step in steps:
                started = time.perf_counter()
                migrate.upgrade(servers.owner, servers.app, step.revision)
                step.seconds.append(time.perf_counter() - started)
    rows: list[tuple[Cell, ...]] = [(step.revision, step.title, *step.seconds) for step in steps]
    size = f"{args.professionals:,} professionals and {args.bookings:,} bookings"
    print_table(f"Migrations in a town of {size}", COLUMNS, rows)
