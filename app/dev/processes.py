"""Processes that never outlive the one that started them."""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

Rest = Callable[[float], None]
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class CannotStart(Exception):
    """One sentence for the person at the keyboard."""


def start(
    command: Sequence[str | Path],
    *,
    last_signal: int,
    output: int | IO[bytes],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: pwd.struct_passwd | None = None,
    words: int | IO[bytes] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """In a process group of its own, so that Ctrl-C reaches only us; the kernel sends `last_signal` if we are killed.

    Call from the main thread: the kernel watches the thread that started the process.
    """
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=words,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
        start_new_session=True,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        preexec_fn=_tied_to(os.getpid(), last_signal),
    )


def _tied_to(parent: int, last_signal: int) -> Callable[[], None]:
    def prepare() -> None:
        # A shell's background jobs hand on an ignored SIGINT, by which PostgreSQL is stopped.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, last_signal)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def tell(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal the whole group; one that is gone already is no trouble."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        process.poll()


def gone(processes: Sequence[subprocess.Popen[bytes]], *, within: float, rest: Rest = time.sleep) -> bool:
    """Whether all of them ended within so many seconds."""
    until = time.monotonic() + within
    while any(process.poll() is None for process in processes):
        if time.monotonic() >= until:
            return False
        rest(0.02)
    return True


def finish(process: subprocess.Popen[bytes], rest: Rest) -> int:
    """Its exit code; whatever interrupts the waiting ends the process."""
    try:
        while process.poll() is None:
            rest(0.02)
    except BaseException:
        tell(process, signal.SIGKILL)
        process.wait()
        raise
    return process.returncode
