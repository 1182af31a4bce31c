"""An admin starts an export, watches its progress, leaves, and downloads the file from the list."""

import asyncio
import re

import pytest
from playwright.async_api import expect
from sqlalchemy import text

from app.core.after_commit import AfterCommit
from app.exports import builder
from tasks.exports import build_export
from tests.application import settings, task_context
from tests.factories import an_admin

pytestmark = [pytest.mark.browser, pytest.mark.slow]
UPDATE_TIMEOUT_MS = 15_000  # milliseconds, on a busy machine
MANY = """
    INSERT INTO users (role, full_name, email, phone, password_hash, created_at)
    SELECT 'customer', 'Person ' || n, 'export' || n || '@example.org', '97' || lpad(n::text, 8, '0'), '-', now()
      FROM generate_series(1, 20000) n
"""


@pytest.fixture
async def ctx(services, live_url, live_database):
    after = AfterCommit(services.redis_url)
    await after.start()
    yield task_context(live_database, settings(live_url, services.redis_url), after_commit=after)
    await after.stop()


@pytest.fixture
def held(monkeypatch) -> asyncio.Event:
    """Write slowly, part by part, and after some parts wait until the event is set."""
    go, copy = asyncio.Event(), builder.ExportCopy._copy_rows

    class SlowLine:
        def __init__(self, line):
            self.line, self.parts = line, 0

        async def copy_from_query(self, *values, output, **more):
            async def take(part):
                await output(part)
                self.parts += 1
                await (asyncio.sleep(0.3) if self.parts < 8 else go.wait())

            return await self.line.copy_from_query(*values, output=take, **more)

    async def slowly(self, line, request, file):
        await copy(self, SlowLine(line), request, file)

    monkeypatch.setattr(builder.ExportCopy, "_copy_rows", slowly)
    monkeypatch.setattr(builder, "PROGRESS_SECONDS", 0.2)
    return go


async def test_watched_left_found_again_and_downloaded(live_database, webs, window, ctx, held):
    async with live_database.work() as db:
        meena = await an_admin(db, "Meena Iyer")
        await db.execute(text(MANY))
    list_page = await window(meena, webs[0], "/admin/customers?q=person")
    page = list_page.page
    await page.get_by_role("button", name="Export").click()
    await expect(page.locator("#start")).to_contain_text("“person”")
    await page.get_by_role("button", name="Start export").click()
    await page.wait_for_url(re.compile(r"/admin/exports/\w{8}$"))
    await expect(page.locator("main")).to_contain_text("Starting in a moment")
    async with live_database.work() as db:
        statement = "SELECT id, reference FROM exports WHERE requested_by_id = :id"
        export_id, reference = (await db.execute(text(statement), {"id": meena.id})).one()
    making = asyncio.create_task(build_export(ctx, export_id=export_id))

    bar = page.locator("progress.bar")
    await expect(bar).to_have_attribute("max", "20000", timeout=UPDATE_TIMEOUT_MS)
    visited = set()
    for _ in range(200):
        visited.add(int(await bar.get_attribute("value") or 0))
        if len([value for value in visited if 0 < value < 20_000]) >= 3:
            break
        await page.wait_for_timeout(50)
    assert len([value for value in visited if 0 < value < 20_000]) >= 3, visited

    await page.goto("/admin/customers")
    held.set()
    await asyncio.wait_for(making, 30)
    await page.goto("/admin/exports")
    row = page.locator(f"#export-{reference}")
    await expect(row).to_contain_text("Ready", timeout=UPDATE_TIMEOUT_MS)
    await row.get_by_role("link").click()
    async with page.expect_download() as fetched:
        await page.get_by_role("link", name="Download").click()
    file = await fetched.value
    assert re.fullmatch(rf"doorstep-customers-\d{{4}}-\d\d-\d\d-{reference}\.csv", file.suggested_filename)
    lines = (await file.path()).read_text().splitlines()
    assert len(lines) == 20_001
    assert list_page.console_messages == []
