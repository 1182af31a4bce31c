"""Ravi, who is approved, his browser, and a private folder of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar

from app.accounts.user import User
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.storage import Storage
from app.listeners import install_listeners
from tests.factories import a_professional, an_admin
from tests.own_application import own_app, own_storage, scene
from tests.person import Person

__all__ = ["own_app", "own_storage", "scene"]


@pytest.fixture
def storage(app: Litestar, tmp_path: Path) -> Iterator[Storage]:
    """The application's own, moved."""
    storage_before: Storage = app.state.services.storage
    before, storage_before.root = storage_before.root, tmp_path / "uploads"
    yield storage_before
    storage_before.root = before


@pytest.fixture
async def ravi(app_database: Database) -> User:
    async with app_database.work() as db:
        return await a_professional(db, "Ravi Kumar")


@pytest.fixture
async def meena(app_database: Database) -> User:
    async with app_database.work() as db:
        return await an_admin(db, "Meena Iyer")


@pytest.fixture
async def ravis(ravi: User, browser_of, storage: Storage) -> Person:
    return await browser_of(ravi)


@pytest.fixture
async def meenas(meena: User, browser_of, storage: Storage) -> Person:
    return await browser_of(meena)


@pytest.fixture
def folder(tmp_path: Path) -> Storage:
    """A private folder without an application."""
    return Storage(tmp_path / "uploads")


@pytest.fixture
def encryption() -> Encryption:
    return Encryption("a key for tests of papers alone")


@pytest.fixture
def rules_at_work() -> None:
    """Facts write their mails, as in every process of ours."""
    install_listeners()
