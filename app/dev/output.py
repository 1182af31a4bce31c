"""Terminal output: our own messages, and the lines of each child process prefixed with its name."""

import contextlib
import os
import subprocess
import sys
import threading
from typing import IO

_lock = threading.Lock()


def print_line(text: str = "") -> None:
    """Print a line of our own."""
    _write(f"{text}\n".encode())


def forward_output(name: str, process: subprocess.Popen[bytes]) -> threading.Thread:
    """Print the output of a child process in a thread until it ends."""
    assert process.stdout is not None
    thread = threading.Thread(target=_forward_lines, args=(name, process.stdout), daemon=True)
    thread.start()
    return thread


def _forward_lines(name: str, lines: IO[bytes]) -> None:
    for line in lines:
        _write(f"{name:<7}| ".encode() + line.rstrip(b"\r\n") + b"\n")


def _write(line: bytes) -> None:
    # A closed terminal ends us by SIGHUP; until then output is lost.
    with _lock, contextlib.suppress(OSError):
        while line:
            line = line[os.write(sys.stdout.fileno(), line) :]
