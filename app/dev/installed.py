"""What a database has already, so that a start need not run programs that would find nothing to do."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from app.dev import demo_people
from app.dev.processes import StartError

ROOT = Path(__file__).resolve().parents[2]
# What the result of `doorstep migrate` depends on.
SOURCES = (
    "migrations/**/*.py",
    "app/core/migrate.py",
    "app/schema.py",
    "app/accounts/pincode_data.py",
    "app/accounts/data/pincodes.tsv",
)
TABLES = "SELECT to_regclass('public.alembic_version') IS NOT NULL AND to_regclass('public.users') IS NOT NULL"
REVISION = "SELECT version_num FROM alembic_version"
DESCRIPTION = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
HAS_TOWN = "SELECT EXISTS (SELECT 1 FROM users WHERE lower(email) = $1)"


@dataclass(frozen=True, slots=True)
class Installed:
    """`revision` is the schema's; `description` is what `describe` wrote after the last upgrade."""

    revision: str = ""
    description: str | None = None
    has_town: bool = False

    @property
    def is_current(self) -> bool:
        """Whether `doorstep migrate` has been run with the present files, and nobody has migrated since."""
        return bool(self.revision) and self.description == description_of(self.revision)


def inspect(url: str) -> Installed:
    """Read what the database has. Raises StartError."""
    try:
        return asyncio.run(_inspect(url))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartError(f"The database can't be read: {error}.") from error


def describe(owner_url: str) -> None:
    """Write down that this database has been upgraded with the present files."""
    asyncio.run(_describe(owner_url))


def description_of(revision: str) -> str:
    """The revision, and a digest of all that `doorstep migrate` reads."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in SOURCES for path in ROOT.glob(pattern)}):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{revision} {digest.hexdigest()}"


async def _inspect(url: str) -> Installed:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        if not await connection.fetchval(TABLES):
            return Installed()
        return Installed(
            await connection.fetchval(REVISION) or "",
            await connection.fetchval(DESCRIPTION),
            await connection.fetchval(HAS_TOWN, demo_people.CUSTOMER_EMAIL),
        )
    finally:
        await connection.close(timeout=5)


async def _describe(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        name = await connection.fetchval("SELECT quote_ident(current_database())")
        revision = await connection.fetchval(REVISION)
        await connection.execute(f"COMMENT ON DATABASE {name} IS '{description_of(revision)}'")
    finally:
        await connection.close(timeout=5)
