"""The `doorstep` command: runs the processes and the maintenance commands."""

import argparse
import asyncio
import gc
import getpass
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from app.core.db import Database
from app.core.errors import Invalid
from app.core.events import origin
from app.settings import BadSettings, Settings

Command = Callable[[argparse.Namespace], int]
CHECK_STATEMENT_SECONDS = 600  # whole tables are read


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; an error that an operator can fix prints one sentence and returns 1."""
    args = _parser(argv).parse_args(argv)
    origin_token = origin.set("command")
    try:
        return int(args.run(args))
    except BadSettings as error:
        return _fail(str(error))
    except (OSError, SQLAlchemyError) as error:
        return _fail(_database_error(error))
    except KeyboardInterrupt:
        return 130
    finally:
        origin.reset(origin_token)


def _parser(argv: Sequence[str] | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="doorstep", description="Run and maintain Doorstep.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    web = _add(commands, "web", "run a web process", _web)
    web.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    web.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
    _add(commands, "worker", "run a worker", _worker)
    _add(commands, "migrate", "update the database schema and the reference data", _migrate)
    seed = _add(commands, "seed", "create the demo town (not in production)", _seed)
    parts = ["present", "history", "all"]
    seed.add_argument(
        "--part", choices=parts, default="all", help="its present, its history, or all and check it (all)"
    )
    _add(commands, "routes", "list every address, who may use it, and its handler", _routes)
    _add(commands, "ledger", "print the trial balance; exit code 1 if it does not balance", _ledger)
    catalogue = _add(commands, "catalogue", "fill texts that standard services lack; admins' texts stay", _catalogue)
    catalogue.add_argument("action", choices=["fill"])
    payouts = _add(commands, "payouts", "make the payout run until last Sunday", _payouts)
    payouts.add_argument("action", choices=["run"])
    _add(commands, "check", "check the stored data against every rule; exit code 1 if a rule is broken", _check)
    _add(commands, "rekey", "move what SECRET_KEY_PREVIOUS encrypted to SECRET_KEY; may be run again", _rekey)
    admin = _add(commands, "admin", "create an admin account", _admin)
    admin.add_argument("action", choices=["create"])
    admin.add_argument("--email", required=True, help="email address to sign in with")
    admin.add_argument("--name", default="Admin", help="full name (Admin)")
    console = _add(commands, "console", "open an interactive Python with the services and all models", _console)
    console.add_argument("--data", type=Path, help="data folder of a running `doorstep dev` (.dev in the checkout)")
    dev = _add(commands, "dev", "run everything on this machine, for development", _dev)
    if "dev" in (sys.argv[1:] if argv is None else argv)[:1]:
        importlib.import_module("app.dev.run").add_arguments(dev)
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, description: str, run: Command
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=description, description=description)
    command.set_defaults(run=run)
    return command


def _web(args: argparse.Namespace) -> int:
    settings = Settings.from_env()
    asyncio.run(_check_database(settings.database_url))
    from app.main import create_app
    from app.web.server import CannotListen, serve

    try:
        serve(create_app(settings), args.host, args.port)
    except CannotListen as error:
        return _fail(str(error))
    return 0


def _worker(_args: argparse.Namespace) -> int:
    settings = Settings.from_env()
    asyncio.run(_check_database(settings.database_url))
    from tasks.worker import run

    run(settings)
    return 0


def _migrate(_args: argparse.Namespace) -> int:
    from app.schema import upgrade

    settings = Settings.from_env()
    upgrade(settings.migration_database_url, settings.database_url)
    print("The database schema and the reference data are up to date.")
    return 0


def _seed(args: argparse.Namespace) -> int:
    if Settings.from_env().production:
        return _fail("The demo town can't be created in production.")
    gc.disable()  # nearly all that is imported and made stays until the end: to look for garbage takes a quarter more
    return int(importlib.import_module("app.dev.seed").main(args))


def _dev(args: argparse.Namespace) -> int:
    return int(importlib.import_module("app.dev.run").main(args))


def _check(_args: argparse.Namespace) -> int:
    from app.check.run import main as check
    from app.services import compose

    services = compose(Settings.from_env(), statement_timeout=CHECK_STATEMENT_SECONDS)
    return check(services.database, services.storage)


def _ledger(_args: argparse.Namespace) -> int:
    from app.billing.trial_balance_command import main as print_balance
    from app.services import compose

    return print_balance(compose(Settings.from_env(), statement_timeout=CHECK_STATEMENT_SECONDS).database)


def _catalogue(_args: argparse.Namespace) -> int:
    from app.catalog.standard_texts import main as fill
    from app.listeners import install_listeners
    from app.services import compose

    install_listeners()
    return fill(compose(Settings.from_env(), statement_timeout=CHECK_STATEMENT_SECONDS).database)


def _payouts(_args: argparse.Namespace) -> int:
    from app.billing.payouts import make_weekly_run
    from app.listeners import install_listeners
    from app.services import compose

    install_listeners()
    services = compose(Settings.from_env(), statement_timeout=CHECK_STATEMENT_SECONDS)

    async def make() -> int:
        try:
            async with services.database.work() as db:
                return await make_weekly_run(db)
        finally:
            await services.database.close()

    people = asyncio.run(make())
    print(f"Payouts to {people} professionals are on their way." if people else "Nothing is due.")
    return 0


def _rekey(_args: argparse.Namespace) -> int:
    from app.operations.rekey import main as rekey
    from app.services import compose

    services = compose(Settings.from_env(), application_name="rekey")
    return rekey(services.database, services.encryption, services.passwords)


def _routes(_args: argparse.Namespace) -> int:
    from app.main import create_app
    from app.web.guards import list_routes

    for route in list_routes(create_app(Settings.from_env())):
        print(f"{route.method:7} {route.path:50} {route.access:28} {route.handler}")
    return 0


def _console(args: argparse.Namespace) -> int:
    from app.console import run
    from app.services import compose

    settings = Settings.from_env()
    if not settings.production:
        dev = importlib.import_module("app.dev.run")
        try:
            settings = dev.running_settings(args.data or dev.DATA)
        except dev.StartError as error:
            return _fail(str(error))
    asyncio.run(_check_database(settings.database_url))
    run(compose(settings, application_name="console"))
    return 0


def _admin(args: argparse.Namespace) -> int:
    from app.accounts.sign_up import create_admin
    from app.services import compose

    services = compose(Settings.from_env())
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")

    async def create() -> None:
        try:
            async with services.database.work() as db:
                await create_admin(db, services.passwords, email=args.email, password=password, full_name=args.name)
        finally:
            await services.database.close()

    try:
        asyncio.run(create())
    except Invalid as error:
        return _fail(" ".join(error.errors.values()))
    print(f"Created the admin account {args.email}.")
    return 0


async def _check_database(url: str) -> None:
    database = Database(url, pool_size=1)
    try:
        await database.ping()
    finally:
        await database.close()


def _database_error(error: BaseException) -> str:
    original = getattr(error, "orig", None) or error
    message = str(original).splitlines()[0].removeprefix("<class 'asyncpg.exceptions.").strip() if str(original) else ""
    return f"Doorstep can't use the database in DATABASE_URL: {message or type(original).__name__}."


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
