"""Measure `bin/dev` in fresh clones with an empty home: until the first page, until the demo town is whole, and again.

Packages come from where pip finds them. The baseline is the same start without a demo town.
"""

import argparse
import os
import resource
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from app.dev.state import free_port
from bench.tables import Cell, print_table

ROOT = Path(__file__).resolve().parents[1]
HEAD = ("start", "packages, s", "first page, s", "whole town, s", "CPU of all processes, s")
STARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("first", ()),
    ("second", ()),
    ("without a demo town", ("--no-demo", "--fresh")),
)
TIMEOUT_SECONDS = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clones", type=int, default=3, help="fresh clones, one after the other (3)")


def run(args: argparse.Namespace) -> None:
    rows: list[tuple[Cell, ...]] = []
    for number in range(1, args.clones + 1):
        with tempfile.TemporaryDirectory() as folder:
            clone, home = Path(folder) / "doorstep", Path(folder) / "home"
            home.mkdir()
            subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
            for name, arguments in STARTS:
                rows.append((f"{name}, clone {number}", *_measure(clone, home, arguments)))
    print_table("bin/dev in fresh clones", HEAD, rows)


def _measure(clone: Path, home: Path, arguments: tuple[str, ...]) -> tuple[Cell, ...]:
    """Start it and stop it again; return the seconds since it was called, and those of CPU."""
    env = {"PATH": os.environ["PATH"], "HOME": str(home)}
    port, printed = free_port(), home / "printed"
    town: float | None = None
    used, began = _cpu_seconds(), time.monotonic()
    with printed.open("wb") as output:
        command = [str(clone / "bin" / "dev"), "--port", str(port), *arguments]
        process = subprocess.Popen(command, env=env, stdout=output, stderr=output)
    try:
        _until(process, printed, lambda: b"Starting the servers" in printed.read_bytes())
        packages = time.monotonic() - began
        _until(process, printed, lambda: _get(port, "/") != b"")
        page = time.monotonic() - began
        if "--no-demo" not in arguments:
            _until(process, printed, lambda: b'"demo":"ready"' in _get(port, "/health/ready"))
            town = time.monotonic() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    return packages, page, town, _cpu_seconds() - used


def _until(process: subprocess.Popen[bytes], printed: Path, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(printed.read_text(errors="replace"))
        time.sleep(0.05)


def _get(port: int, path: str) -> bytes:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
            return bytes(response.read())
    except (urllib.error.URLError, ConnectionError):
        return b""


def _cpu_seconds() -> float:
    """Of all processes that have ended, with their own children."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
