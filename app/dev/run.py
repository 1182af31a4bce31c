"""`doorstep dev`: the servers, the schema, the demo town and everything in Procfile; one Ctrl-C stops it all."""

import argparse
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from app.dev.addresses import answers, check_free, check_postgres, check_redis, page_address
from app.dev.output import repeat, say
from app.dev.processes import CannotStart, finish, gone, start, tell
from app.dev.services import Services, held, wipe
from app.dev.signals import Asked, Signals
from app.settings import BadSettings, Settings

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "doorstep"
SIGN_INS = ("customer@example.com", "professional@example.com", "admin@example.com")
# All of a stop, in seconds: the worker always uses up its three of grace, and the whole may take five.
APP_GRACE, ALL_GRACE = 3.8, 4.7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=8000, help="port of the pages (8000)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--data", type=Path, default=ROOT / ".dev", help="folder of the data (.dev in the checkout)")
    parser.add_argument("--no-demo", action="store_true", help="start without the demo town")
    parser.add_argument("--fresh", action="store_true", help="throw away the data of earlier runs first")


def main(args: argparse.Namespace) -> int:
    """0 when asked to stop, 1 with one sentence when it cannot start or a part of it ends by itself."""
    try:
        if os.environ.get("DOORSTEP_ENV") == "production":
            raise CannotStart("doorstep dev is for development only, and DOORSTEP_ENV says production.")
        check_free(args.host, args.port)
        data = args.data.absolute()
        with held(data):
            if args.fresh:
                wipe(data)
            return Supervisor(args, data).run()
    except CannotStart as sorry:
        print(sorry, file=sys.stderr)
    except OSError as problem:
        print(f"Doorstep cannot start: {problem}.", file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
    return 1


class Supervisor:
    """Starts everything in order, watches it, and ends it whatever happens."""

    def __init__(self, args: argparse.Namespace, data: Path) -> None:
        self.args, self.data = args, data
        self.given = {name for name in ("DATABASE_URL", "REDIS_URL") if _is_given(name)}
        self.services = Services(data, postgres="DATABASE_URL" not in self.given, valkey="REDIS_URL" not in self.given)
        self.voices: dict[str, threading.Thread] = {}
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.env: dict[str, str] = {}

    def run(self) -> int:
        self._check_given()
        self.signals = Signals()
        try:
            self._bring_up()
            return self._watch()
        except Asked:
            say("Stopping…")
            return 0
        finally:
            self._bring_down()

    def _check_given(self) -> None:
        """Settings from outside, tried before anything starts."""
        try:
            settings = Settings.from_env()
        except BadSettings as problem:
            raise CannotStart(str(problem)) from problem
        if "DATABASE_URL" in self.given:
            check_postgres("DATABASE_URL", settings.database_url)
            if settings.migration_database_url != settings.database_url:
                check_postgres("MIGRATION_DATABASE_URL", settings.migration_database_url)
        if "REDIS_URL" in self.given:
            check_redis("REDIS_URL", settings.redis_url)

    def _bring_up(self) -> None:
        if len(self.given) < 2:
            say(f"Starting the servers on {self.data} …")
            self.services.start(self.signals.rest)
        self.env = self._environment()
        lines = procfile()
        self._run_to_end("release", lines.pop("release"), "The database could not be brought up to date; see above.")
        if not self.args.no_demo:
            self._run_to_end("seed", "doorstep seed", "The demo town could not be made; see above.")
        for name, line in lines.items():
            self._start(name, line)
        while not answers(self.args.host, self.args.port) and not self._ended():
            self.signals.rest(0.1)
        if not self._ended():
            self._welcome()

    def _environment(self) -> dict[str, str]:
        """What the children are told: the same settings as in production, nothing else."""
        made = {
            "DOORSTEP_ENV": "development",
            "SECRET_KEY": _kept_key(self.data / "secret_key"),
            "BASE_URL": page_address(self.args.host, self.args.port),
            "UPLOADS_DIR": str(self.data / "uploads"),
        }
        if self.services.postgres:
            self.services.postgres.make_database(DATABASE)
            made["DATABASE_URL"] = self.services.app_url(DATABASE)
            made["MIGRATION_DATABASE_URL"] = self.services.owner_url(DATABASE)
        if self.services.valkey:
            made["REDIS_URL"] = self.services.valkey.url()
        given = {name: value for name, value in os.environ.items() if value}
        made = {name: value for name, value in made.items() if not _is_given(name)}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        listen = {"HOST": self.args.host, "PORT": str(self.args.port)}
        return given | made | listen | {"PATH": path, "PYTHONUNBUFFERED": "1"}

    def _start(self, name: str, line: str) -> subprocess.Popen[bytes]:
        child = start(
            ["/bin/sh", "-c", f"exec {line}"],
            last_signal=signal.SIGKILL,
            output=subprocess.PIPE,
            env=self.env,
            cwd=ROOT,
        )
        self.children[name] = child
        self.voices[name] = repeat(name, child)
        return child

    def _run_to_end(self, name: str, line: str, sorry: str) -> None:
        child = self._start(name, line)
        code = finish(child, self.signals.rest)
        self.voices[name].join(1)
        if code:
            raise CannotStart(sorry)
        del self.children[name]

    def _welcome(self) -> None:
        say(f"\nDoorstep stands at {self.env['BASE_URL']}\n")
        if not self.args.no_demo:
            say("Sign in as " + ", ".join(SIGN_INS) + "; the password of each is doorstep-demo.")
        say("Ctrl-C stops everything.\n")

    def _watch(self) -> int:
        while not (ended := self._ended()):
            self.signals.rest(None)
        for name, code in ended.items():
            say(f"{name} ended by itself ({_said(code)}); stopping everything.")
        return 1

    def _ended(self) -> dict[str, int]:
        running = dict(self.children)
        for name, server in (("PostgreSQL", self.services.postgres), ("Valkey", self.services.valkey)):
            if server and server.process:
                running[name] = server.process
        return {name: code for name, child in running.items() if (code := child.poll()) is not None}

    def _bring_down(self) -> None:
        """Pages and worker first, the servers they need last."""
        until = time.monotonic() + ALL_GRACE
        try:
            self._end_children(until - ALL_GRACE + APP_GRACE)
        finally:
            self.services.stop(within=max(0.5, until - time.monotonic()))

    def _end_children(self, until: float) -> None:
        """Asked once more, or too late: the hard way."""
        patience, children = max(self.signals.times, 1), list(self.children.values())
        for child in children:
            tell(child, signal.SIGTERM)
        while not gone(children, within=0) and time.monotonic() < until and self.signals.times <= patience:
            self.signals.nap(0.05)
        for child in children:
            tell(child, signal.SIGKILL)  # the group: also what a child may have left behind
        gone(children, within=1)
        for voice in self.voices.values():
            voice.join(0.1)


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return {name.strip(): command.strip() for name, _, command in (line.partition(":") for line in lines) if command}


def _is_given(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _kept_key(path: Path) -> str:
    """The same key on every start, or what was sealed with it could not be opened."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text()


def _said(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
