"""What the person at the keyboard reads: our own sentences, and each child's lines behind its name."""

import contextlib
import os
import subprocess
import sys
import threading
from typing import IO

_lock = threading.Lock()


def say(words: str = "") -> None:
    _write(f"{words}\n".encode())


def repeat(name: str, process: subprocess.Popen[bytes]) -> threading.Thread:
    """Pass its lines on until it closes them."""
    assert process.stdout is not None
    thread = threading.Thread(target=_repeat, args=(name, process.stdout), daemon=True)
    thread.start()
    return thread


def _repeat(name: str, lines: IO[bytes]) -> None:
    for line in lines:
        _write(f"{name:<7}| ".encode() + line.rstrip(b"\r\n") + b"\n")


def _write(line: bytes) -> None:
    # A closed terminal ends us by SIGHUP; until then there is nobody to tell.
    with _lock, contextlib.suppress(OSError):
        while line:
            line = line[os.write(sys.stdout.fileno(), line) :]
