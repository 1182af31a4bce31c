"""Child processes that never outlive their parent."""

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

Sleep = Callable[[float], None]
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class StartError(Exception):
    """Doorstep cannot start; the message is one sentence for the developer."""


def start(
    command: Sequence[str | Path],
    *,
    death_signal: int,
    output: int | IO[bytes],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: pwd.struct_passwd | None = None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a process in its own group, so that Ctrl-C reaches only us; the kernel sends `death_signal` if we die.

    Call from the main thread: the kernel watches the thread that started the process.
    """
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
        start_new_session=True,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        preexec_fn=_die_with_parent(os.getpid(), death_signal),
    )


def _die_with_parent(parent: int, death_signal: int) -> Callable[[], None]:
    def prepare() -> None:
        # Background jobs of a shell inherit an ignored SIGINT, which PostgreSQL needs for stopping.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, death_signal)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def send_signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to the process group, if it still exists."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        process.poll()


def wait_for_exit(processes: Sequence[subprocess.Popen[bytes]], *, within: float, sleep: Sleep = time.sleep) -> bool:
    """Return whether all processes ended within `within` seconds."""
    until = time.monotonic() + within
    while any(process.poll() is None for process in processes):
        if time.monotonic() >= until:
            return False
        sleep(0.02)
    return True


def wait(process: subprocess.Popen[bytes], sleep: Sleep) -> int:
    """Wait for a process and return its exit code; kill it if the waiting is interrupted."""
    try:
        while process.poll() is None:
            sleep(0.02)
    except BaseException:
        send_signal(process, signal.SIGKILL)
        process.wait()
        raise
    return process.returncode
