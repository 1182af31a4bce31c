"""The tasks of documents, as a worker runs them."""

import os
import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.outbox import Outbox
from app.core.storage import MAIN_PART
from app.listeners import install_listeners
from app.vetting import document_changes
from app.vetting.document_scan import ScannedDocument
from tasks.operations import sweep_files
from tasks.timetable import TIMETABLE
from tasks.vetting import warn_of_expiry
from tests.application import settings, task_context
from tests.factories import a_professional, an_admin
from tests.vetting.samples import a_picture


@pytest.fixture
def ctx(own_database, own_url, tmp_path):
    return task_context(own_database, settings(own_url, "redis://localhost", UPLOADS_DIR=str(tmp_path / "uploads")))


async def with_document(ctx, runs_out=None):
    storage = ctx["services"].storage
    async with ctx["services"].database.work() as db:
        ravi = await a_professional(db, "Ravi Kumar")
        documents = ScannedDocument("permit.png", "image/png", a_picture(), [a_picture("JPEG")])
        document = await document_changes.submit_document(db, storage, ravi, ravi.id, "identity", documents, runs_out)
        await document_changes.approve_documents(db, await an_admin(db), ravi.id)
    return storage, document


async def test_what_a_killed_process_left_is_swept_and_documents_stay(ctx):
    storage, document = await with_document(ctx)
    async with ctx["services"].database.work() as db:
        left = await storage.store(db, {MAIN_PART: b"of a process that was killed before its commit"})
    for name in (left, document.stored_as):
        for path in (storage.path(name), storage.path(name).parent):
            os.utime(path, (time.time() - 700,) * 2)
    assert await sweep_files(ctx) == 1
    assert list(storage.names()) == [document.stored_as]
    assert await sweep_files(ctx) == 0


async def test_the_owner_is_warned_once_however_often_the_task_runs(ctx):
    install_listeners()
    await with_document(ctx, clock.today() + timedelta(days=7))
    assert [await warn_of_expiry(ctx) for _ in range(3)] == [1, 0, 0]
    async with ctx["services"].database.work() as db:
        assert list(await db.scalars(select(Outbox.kind).where(Outbox.kind.like("paper%")))) == ["paper_running_out"]


def test_both_stand_in_the_timetable():
    assert {warn_of_expiry, sweep_files} <= {scheduled.task for scheduled in TIMETABLE}
