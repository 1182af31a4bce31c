"""The command `doorstep`: what runs Doorstep and what looks after it."""

import argparse
import asyncio
import getpass
import importlib
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.errors import Invalid
from app.core.events import channel
from app.settings import BadSettings, Settings

T = TypeVar("T")
Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code; whatever an operator can put right is one sentence and 1."""
    args = _parser(argv).parse_args(argv)
    way = channel.set("command")
    try:
        return int(args.run(args))
    except BadSettings as problem:
        return _sorry(str(problem))
    except (OSError, SQLAlchemyError) as problem:
        return _sorry(_about_the_database(problem))
    except KeyboardInterrupt:
        return 130
    finally:
        channel.reset(way)


def _parser(argv: Sequence[str] | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="doorstep", description="Good help, at your door.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    web = _add(commands, "web", "one web process", _web)
    web.add_argument("--host", default="127.0.0.1")
    web.add_argument("--port", type=int, default=8000)
    _add(commands, "worker", "one worker", _worker)
    _add(commands, "migrate", "bring the schema up to date and load reference data", _migrate)
    _add(commands, "seed", "make the demo town (never in production)", _seed)
    _add(commands, "routes", "list every address and who may come in", _routes)
    _add(commands, "check", "verify every invariant of the stored data; 1 if any is broken", _check)
    admin = _add(commands, "admin", "admins are made here only", _admin)
    admin.add_argument("action", choices=["create"])
    admin.add_argument("--email", required=True)
    admin.add_argument("--name", default="Admin")
    dev = _add(commands, "dev", "everything on this machine, for development", _dev)
    if "dev" in (sys.argv[1:] if argv is None else argv)[:1]:
        importlib.import_module("app.dev.run").add_arguments(dev)
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, words: str, run: Command
) -> argparse.ArgumentParser:
    made = commands.add_parser(name, help=words, description=words)
    made.set_defaults(run=run)
    return made


def _web(args: argparse.Namespace) -> int:
    settings = Settings.from_env()
    asyncio.run(_reach_database(settings.database_url))
    from app.main import create_app
    from app.web.server import CannotListen, serve

    try:
        serve(create_app(settings), args.host, args.port)
    except CannotListen as problem:
        return _sorry(str(problem))
    return 0


def _worker(_args: argparse.Namespace) -> int:
    settings = Settings.from_env()
    asyncio.run(_reach_database(settings.database_url))
    from tasks.run import run

    run(settings)
    return 0


def _migrate(_args: argparse.Namespace) -> int:
    from app.schema import upgrade

    settings = Settings.from_env()
    upgrade(settings.migration_database_url, settings.database_url)
    print("The schema and the reference data are up to date.")
    return 0


def _seed(args: argparse.Namespace) -> int:
    if Settings.from_env().production:
        return _sorry("The demo town is never made in production.")
    return int(importlib.import_module("app.dev.seed").main(args))


def _dev(args: argparse.Namespace) -> int:
    return int(importlib.import_module("app.dev.run").main(args))


def _check(_args: argparse.Namespace) -> int:
    from app.check.run import main as check

    return check(Settings.from_env())


def _routes(_args: argparse.Namespace) -> int:
    from app.main import create_app
    from app.web.guards import declared

    for method, path, who in declared(create_app(Settings.from_env())):
        print(f"{method:7} {path:50} {who}")
    return 0


def _admin(args: argparse.Namespace) -> int:
    from app.accounts.sign_up import make_admin
    from app.core.encryption import Vault
    from app.core.secrets import Passwords

    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    passwords = Passwords(Vault(Settings.from_env().secret_key))
    made = partial(make_admin, passwords=passwords, email=args.email, password=password, full_name=args.name)
    try:
        asyncio.run(_in_one_transaction(made))
    except Invalid as error:
        return _sorry(" ".join(error.errors.values()))
    print(f"{args.email} is an admin now.")
    return 0


async def _in_one_transaction(work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    importlib.import_module("app.models")
    database = Database(Settings.from_env().database_url, pool_size=1)
    try:
        async with database.work() as db:
            return await work(db)
    finally:
        await database.close()


async def _reach_database(url: str) -> None:
    database = Database(url, pool_size=1)
    try:
        await database.ping()
    finally:
        await database.close()


def _about_the_database(problem: BaseException) -> str:
    told = getattr(problem, "orig", None) or problem
    words = str(told).splitlines()[0].removeprefix("<class 'asyncpg.exceptions.").strip() if str(told) else ""
    return f"Doorstep cannot use the database that DATABASE_URL names: {words or type(told).__name__}."


def _sorry(words: str) -> int:
    print(words, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
