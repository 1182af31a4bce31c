"""Run `doorstep dev` as a process, as a developer at a terminal does."""

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


def environment(**settings: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in SETTINGS} | settings


def command(*arguments: str | Path) -> list[str]:
    return [str(Path(sys.executable).parent / "doorstep"), "dev", *map(str, arguments)]


def failure_of(*arguments: str | Path, **settings: str) -> str:
    """Run it and return its error: one line, without a traceback, exit code 1."""
    result = subprocess.run(
        command(*arguments), env=environment(**settings), cwd="/", capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1, result.stdout + result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    return result.stderr.strip()


class DevProcess:
    """One run; `output` is everything it has printed so far."""

    def __init__(self, *arguments: str | Path, terminal: int | None = None) -> None:
        self.output = ""
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
        threading.Thread(target=self._read_output, daemon=True).start()

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line.decode(errors="replace")

    def until(self, text: str, seconds: float = 60) -> "DevProcess":
        """Wait until it has printed `text`."""
        end = time.monotonic() + seconds
        while text not in self.output:
            assert time.monotonic() < end, f"it did not print “{text}” in time:\n{self.output}"
            assert self.process.poll() is None, f"it ended without “{text}”:\n{self.output}"
            time.sleep(0.05)
        return self

    def descendants(self) -> set[int]:
        """Return the ids of all processes below it, those of the database included."""
        parents = dict(_parents())
        pids = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in pids} - pids:
            pids |= more
        return pids - {self.process.pid}

    def pid_of(self, name: str) -> int:
        """Return the id of the process with that name in the Procfile."""
        for pid in self.descendants():
            if re.search(rf"doorstep\0{name}\b", _read(f"/proc/{pid}/cmdline")):
                return pid
        raise AssertionError(f"no {name} runs")

    def exit_code(self, within: float) -> int:
        """Wait for its end and return the exit code."""
        return self.process.wait(timeout=within)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)


def still_alive(pids: set[int], within: float = 1) -> set[int]:
    """Return those that are alive after `within` seconds; zombies do not count."""
    end = time.monotonic() + within
    while (alive := {pid for pid in pids if _state(pid) not in ("", "Z", "X")}) and time.monotonic() < end:
        time.sleep(0.05)
    return alive


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
