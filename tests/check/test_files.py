"""`doorstep check` compares the private folder with its rows: each kind of damage is created once and found."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.check.run import find_violations
from app.core.storage import Storage
from app.vetting.document_changes import submit_document
from app.vetting.document_scan import ScannedDocument
from tests.factories import a_professional
from tests.vetting.samples import a_picture


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path / "uploads")


@pytest.fixture
async def stored_folder(db, storage: Storage) -> Path:
    """The folder of one document of two pages."""
    ravi = await a_professional(db, "Ravi Kumar")
    documents = ScannedDocument("permit.pdf", "application/pdf", a_picture(), [a_picture("JPEG")] * 2)
    document = await submit_document(db, storage, ravi, ravi.id, "identity", documents)
    await db.flush()
    return storage.path(str(document.stored_as)).parent


def grown_old(path: Path) -> None:
    for item in (*path.glob("*"), path):
        os.utime(item, (time.time() - 700,) * 2)


def orphan(folder: Path) -> Path:
    return Path(shutil.copytree(folder, folder.with_name("f" * 32)))


def unfinished(folder: Path) -> Path:
    return Path(shutil.copytree(folder, folder.parents[2] / "incoming" / ("e" * 32)))


PLANTED: dict[str, tuple[str, Callable[[Path], object]]] = {
    "the file is gone": ("paper missing", lambda folder: (folder / "paper").unlink()),
    "a picture is gone": ("2.jpg missing", lambda folder: (folder / "2.jpg").unlink()),
    "all of it is gone": ("missing", shutil.rmtree),
    "something more": ("3.jpg unexpected", lambda folder: (folder / "3.jpg").write_bytes(b"x")),
    "cut short": ("bytes instead of", lambda folder: (folder / "paper").write_bytes(b"short")),
    "other bytes": (
        "digest differs",
        lambda folder: (folder / "paper").write_bytes((folder / "paper").read_bytes()[:-1] + b"\0"),
    ),
    "a file that no row mentions": ("no row refers to it", lambda folder: grown_old(orphan(folder))),
    "a file that was never finished": ("no row refers to it", lambda folder: grown_old(unfinished(folder))),
}


async def test_a_document_as_it_was_kept_is_sound(db, stored_folder, storage):
    orphan(stored_folder), unfinished(stored_folder)  # younger than ten minutes: it may still be in use
    assert await find_violations(db, storage) == []


@pytest.mark.parametrize("name", PLANTED)
async def test_what_must_not_be_is_found(db, stored_folder, storage, name):
    message, plant = PLANTED[name]
    plant(stored_folder)
    [found] = await find_violations(db, storage)
    assert found.rule == "files-match-rows"
    assert message in found.subject
