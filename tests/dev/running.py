"""`doorstep dev` as a person at a terminal starts it: a process of its own, watched from outside."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "BASE_URL", "DOORSTEP_ENV", "SECRET_KEY")


def environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in SETTINGS} | more


def command(*arguments: str | Path) -> list[str]:
    return [str(Path(sys.executable).parent / "doorstep"), "dev", *map(str, arguments)]


def refused(*arguments: str | Path, **settings: str) -> str:
    """What it says when it cannot start: one line, without a trace, exit code 1."""
    done = subprocess.run(
        command(*arguments), env=environment(**settings), cwd="/", capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr.strip()


class Run:
    """One run, until it is stopped. `said` is everything it has printed so far."""

    def __init__(self, *arguments: str | Path, terminal: int | None = None) -> None:
        self.said = ""
        self.process = subprocess.Popen(
            command(*arguments),
            env=environment(),
            cwd="/",
            stdin=terminal if terminal is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_take_terminal if terminal is not None else None,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line.decode(errors="replace")

    def until(self, words: str, seconds: float = 60) -> "Run":
        over = time.monotonic() + seconds
        while words not in self.said:
            assert time.monotonic() < over, f"it did not say “{words}” in time:\n{self.said}"
            assert self.process.poll() is None, f"it ended without “{words}”:\n{self.said}"
            time.sleep(0.05)
        return self

    def family(self) -> set[int]:
        """Every process below it, however deep, the database's own included."""
        parents = dict(_parents())
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found - {self.process.pid}

    def pid_of(self, part: str) -> int:
        """The process of that name in the Procfile."""
        for pid in self.family():
            if re.search(rf"doorstep\0{part}\b", _read(f"/proc/{pid}/cmdline")):
                return pid
        raise AssertionError(f"no {part} runs")

    def ended(self, within: float) -> int:
        """Its exit code."""
        return self.process.wait(timeout=within)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)


def still_there(pids: set[int], within: float = 1) -> set[int]:
    """Those of them that live after so many seconds; a zombie is gone."""
    over = time.monotonic() + within
    while (left := {pid for pid in pids if _state(pid) not in ("", "Z", "X")}) and time.monotonic() < over:
        time.sleep(0.05)
    return left


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _parents() -> list[tuple[int, int]]:
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [(pid, int(fields[1])) for pid in pids if len(fields := _stat(pid)) > 1]


def _state(pid: int) -> str:
    return (_stat(pid) or [""])[0]


def _stat(pid: int) -> list[str]:
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
