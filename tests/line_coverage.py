"""Measure which lines of app and tasks the tests run: pytest -p tests.line_coverage (bin/test --cov).

SlipCover puts its probes into the bytecode and removes those that have run, so a long run is hardly slower, and
greenlets do not confuse it; tracing with coverage.py doubled the time. Code that runs in servers of their own is not
counted.
"""

import pytest
import slipcover

SOURCES = ["app", "tasks"]
LEAST_COVERED = 10

FileLines = dict[str, tuple[list[int], list[int]]]  # the lines that ran and those that did not, by file

_probes = slipcover.Slipcover(source=SOURCES)
slipcover.ImportManager(_probes, slipcover.FileMatcher(sources=SOURCES)).__enter__()
_of_workers: list[FileLines] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    measured = _probes.get_coverage()["files"]
    files = {name: (lines["executed_lines"], lines["missing_lines"]) for name, lines in measured.items()}
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["lines"] = files
    else:
        _of_workers.append(files)


def pytest_testnodedown(node: object) -> None:
    """Take the lines of a worker of pytest-xdist that has ended."""
    _of_workers.append(getattr(node, "workeroutput", {}).get("lines", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    executed, known = merge(_of_workers)
    count = sum(map(len, known.values()))
    if not count:
        return
    share = {name: len(executed[name]) / len(lines) for name, lines in known.items() if lines}
    terminalreporter.section("Coverage")
    for name in sorted(share, key=lambda name: share[name])[:LEAST_COVERED]:
        terminalreporter.write_line(f"{share[name]:6.1%}  {name}")
    total = sum(map(len, executed.values())) / count
    terminalreporter.write_line(f"{total:6.1%}  of {count} lines of {' and '.join(SOURCES)}")


def merge(workers: list[FileLines]) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
    """The lines that any worker ran, and all lines, by file."""
    executed: dict[str, set[int]] = {}
    known: dict[str, set[int]] = {}
    for files in workers:
        for name, (ran, missed) in files.items():
            executed.setdefault(name, set()).update(ran)
            known.setdefault(name, set()).update(ran, missed)
    return executed, known
