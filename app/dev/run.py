"""`doorstep dev`: starts the servers, the migrations, the demo town and the Procfile; one Ctrl-C stops everything."""

import argparse
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from app.dev.installed import Installed, describe, inspect
from app.dev.output import forward_output, print_line
from app.dev.postgres import APP, OWNER, database_url
from app.dev.preflight import base_url, check_port_free, check_postgres, check_redis, is_listening
from app.dev.processes import StartError, send_signal, start, wait, wait_for_exit
from app.dev.servers import Servers, delete_data, lock_data_dir
from app.dev.signals import SignalWatcher, StopRequested
from app.dev.state import ServerState
from app.dev.valkey import redis_url
from app.settings import BadSettings, Settings

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / ".dev"
DATABASE = "doorstep"
SIGN_INS = ("customer@example.com", "professional@example.com", "admin@example.com")
# The worker always uses its three seconds of grace, and the whole stop may take five.
APP_STOP_SECONDS, TOTAL_STOP_SECONDS = 3.8, 4.7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--data", type=Path, default=DATA, help="data folder (.dev in the checkout)")
    parser.add_argument("--no-demo", action="store_true", help="start without the demo town")
    parser.add_argument("--fresh", action="store_true", help="delete the data of earlier runs first")


def main(args: argparse.Namespace) -> int:
    """Return 0 when stopped by a signal, 1 when it cannot start or a process ends by itself."""
    try:
        if os.environ.get("DOORSTEP_ENV") == "production":
            raise StartError("doorstep dev is for development only, but DOORSTEP_ENV is production.")
        check_port_free(args.host, args.port)
        data = args.data.absolute()
        with lock_data_dir(data):
            if args.fresh:
                delete_data(data)
            return Supervisor(args, data).run()
    except StartError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"Doorstep can't start: {error}.", file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
    return 1


def running_settings(data: Path = DATA) -> Settings:
    """Return the settings of the `doorstep dev` that runs on this data folder; the environment overrides them.

    Raises StartError when neither names a server.
    """
    path = data / "servers.json"
    if not path.exists():
        if not (_is_set("DATABASE_URL") and _is_set("REDIS_URL")):
            raise StartError(f"No servers found in {data}: run bin/dev first, or set DATABASE_URL and REDIS_URL.")
        return Settings.from_env()
    state = ServerState.read(path)
    saved = {
        "DATABASE_URL": database_url(state, APP, DATABASE),
        "MIGRATION_DATABASE_URL": database_url(state, OWNER, DATABASE),
        "REDIS_URL": redis_url(state),
        "SECRET_KEY": _load_or_create_key(data / "secret_key"),
        "UPLOADS_DIR": str(data / "uploads"),
    }
    return Settings.from_env({name: value for name, value in saved.items() if not _is_set(name)} | os.environ)


class Supervisor:
    """Starts everything in order, watches it, and always stops it."""

    def __init__(self, args: argparse.Namespace, data: Path) -> None:
        self.args, self.data = args, data
        self.external_settings = {name for name in ("DATABASE_URL", "REDIS_URL") if _is_set(name)}
        self.servers = Servers(
            data,
            postgres="DATABASE_URL" not in self.external_settings,
            valkey="REDIS_URL" not in self.external_settings,
        )
        self.output_threads: dict[str, threading.Thread] = {}
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.finishing: set[str] = set()  # names of children that are to end by themselves
        self.env: dict[str, str] = {}

    def run(self) -> int:
        self._check_external_settings()
        self.signals = SignalWatcher()
        try:
            self._start_all()
            return self._watch()
        except StopRequested:
            print_line("Stopping…")
            return 0
        finally:
            self._stop_all()

    def _check_external_settings(self) -> None:
        """Check servers from the environment before anything starts."""
        try:
            settings = Settings.from_env()
        except BadSettings as error:
            raise StartError(str(error)) from error
        if "DATABASE_URL" in self.external_settings:
            check_postgres("DATABASE_URL", settings.database_url)
            if settings.migration_database_url != settings.database_url:
                check_postgres("MIGRATION_DATABASE_URL", settings.migration_database_url)
        if "REDIS_URL" in self.external_settings:
            check_redis("REDIS_URL", settings.redis_url)

    def _start_all(self) -> None:
        if len(self.external_settings) < 2:
            print_line(f"Starting the servers in {self.data} …")
            self.servers.start(self.signals.sleep)
        self.env = self._environment()
        lines = procfile()
        installed = self._upgrade(lines.pop("release"))
        if not self.args.no_demo and not installed.has_town:
            command = "doorstep seed --part present"
            self._run_to_completion("seed", command, "The demo town could not be created; see above.")
        # The page first: everything else would only compete with it for the processor.
        self._start("web", lines.pop("web"))
        while not is_listening(self.args.host, self.args.port) and not self._ended():
            self.signals.sleep(0.05)
        for name, line in lines.items():
            self._start(name, line)
        if not self.args.no_demo:
            self.finishing.add("seed")
            self._start("seed", "doorstep seed --part history")
        if not self._ended():
            self._print_welcome()

    def _upgrade(self, release: str) -> Installed:
        """Run `release` unless our own database has been upgraded with the present files."""
        own = self.servers.postgres
        url = own.url(OWNER, DATABASE) if own else Settings.from_env().migration_database_url
        installed = inspect(url)
        if own is None or not installed.is_current:
            self._run_to_completion("release", release, "The database could not be updated; see above.")
            if own is not None:
                describe(url)
        return installed

    def _environment(self) -> dict[str, str]:
        """Return the children's environment: the same settings as in production."""
        settings = {
            "DOORSTEP_ENV": "development",
            "SECRET_KEY": _load_or_create_key(self.data / "secret_key"),
            "BASE_URL": base_url(self.args.host, self.args.port),
            "UPLOADS_DIR": str(self.data / "uploads"),
        }
        if self.servers.postgres:
            self.servers.postgres.create_database(DATABASE)
            settings["DATABASE_URL"] = self.servers.app_url(DATABASE)
            settings["MIGRATION_DATABASE_URL"] = self.servers.owner_url(DATABASE)
        if self.servers.valkey:
            settings["REDIS_URL"] = self.servers.valkey.url()
        inherited = {name: value for name, value in os.environ.items() if value}
        settings = {name: value for name, value in settings.items() if not _is_set(name)}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        listen = {"HOST": self.args.host, "PORT": str(self.args.port)}
        return inherited | settings | listen | {"PATH": path, "PYTHONUNBUFFERED": "1"}

    def _start(self, name: str, line: str) -> subprocess.Popen[bytes]:
        child = start(
            ["/bin/sh", "-c", f"exec {line}"],
            death_signal=signal.SIGKILL,
            output=subprocess.PIPE,
            env=self.env,
            cwd=ROOT,
        )
        self.children[name] = child
        self.output_threads[name] = forward_output(name, child)
        return child

    def _run_to_completion(self, name: str, line: str, failure: str) -> None:
        child = self._start(name, line)
        code = wait(child, self.signals.sleep)
        self.output_threads[name].join(1)
        if code:
            raise StartError(failure)
        del self.children[name]

    def _print_welcome(self) -> None:
        print_line(f"\nDoorstep is running at {self.env['BASE_URL']}\n")
        if not self.args.no_demo:
            print_line("Sign in as " + ", ".join(SIGN_INS) + ". The password of each account is doorstep-demo.")
        print_line("Press Ctrl-C to stop everything.\n")

    def _watch(self) -> int:
        while not (ended := self._ended()):
            self.signals.sleep(None)
        for name, code in ended.items():
            print_line(f"{name} stopped unexpectedly ({_describe_exit(code)}). Stopping everything.")
        return 1

    def _ended(self) -> dict[str, int]:
        self._forget_finished()
        running = dict(self.children)
        for name, server in (("PostgreSQL", self.servers.postgres), ("Valkey", self.servers.valkey)):
            if server and server.process:
                running[name] = server.process
        return {name: code for name, child in running.items() if (code := child.poll()) is not None}

    def _forget_finished(self) -> None:
        for name in [name for name in self.finishing if self.children[name].poll() is not None]:
            self.finishing.remove(name)
            if self.children.pop(name).returncode:
                print_line(f"{name} did not finish; see above. The next start tries again.")

    def _stop_all(self) -> None:
        """Stop web and worker first, then the servers they need."""
        until = time.monotonic() + TOTAL_STOP_SECONDS
        try:
            self._stop_children(until - TOTAL_STOP_SECONDS + APP_STOP_SECONDS)
        finally:
            self.servers.stop(within=max(0.5, until - time.monotonic()))

    def _stop_children(self, until: float) -> None:
        """Terminate the children; kill them on another stop signal or when it takes too long."""
        accepted_requests, children = max(self.signals.stop_requests, 1), list(self.children.values())
        for child in children:
            send_signal(child, signal.SIGTERM)
        while (
            not wait_for_exit(children, within=0)
            and time.monotonic() < until
            and self.signals.stop_requests <= accepted_requests
        ):
            self.signals.sleep_quietly(0.05)
        for child in children:
            send_signal(child, signal.SIGKILL)  # the group, with processes that a child may have left behind
        wait_for_exit(children, within=1)
        for thread in self.output_threads.values():
            thread.join(0.1)


def procfile() -> dict[str, str]:
    """Return the commands of the Procfile by process name."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return {name.strip(): command.strip() for name, _, command in (line.partition(":") for line in lines) if command}


def _is_set(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _load_or_create_key(path: Path) -> str:
    """Return the key of earlier starts, so that what was encrypted with it can be decrypted."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text()


def _describe_exit(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
