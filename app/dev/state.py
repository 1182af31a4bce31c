"""The ports and passwords of the development servers, kept between starts."""

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path

from app.dev.processes import StartError

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class ServerState:
    """Saved in a file that only the current user may read. `mark` is a random name of the data folder."""

    mark: str = field(default_factory=lambda: secrets.token_hex(16))
    superuser: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    owner: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    app: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    valkey: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    postgres_port: int = field(default_factory=free_port)
    valkey_port: int = field(default_factory=free_port)

    @classmethod
    def read(cls, path: Path) -> "ServerState":
        if not path.exists():
            return cls()
        try:
            return cls(**json.loads(path.read_text()))
        except (ValueError, TypeError, OSError) as error:
            raise StartError(f"{path} can't be read. Use --fresh to start again without the old data.") from error

    def save(self, path: Path) -> None:
        unfinished = path.with_suffix(".unfinished")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(self), file)
        unfinished.replace(path)
