"""Exports on real PostgreSQL: the content of the file, and its life from request to expiry."""

import asyncio
import csv
import io
import os
import re
import shutil
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.check.run import find_violations
from app.core import clock
from app.core.errors import Invalid, Refused
from app.exports import builder, lifecycle
from app.exports.export import Export
from tasks.context import Context
from tasks.exports import build_export, expire_exports
from tests.application import task_context
from tests.bookings.scenes import Scene
from tests.factories import a_customer, an_admin

NAUGHTY = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", '=HYPERLINK("http://evil.example","x")']


@pytest.fixture
def ctx(scene: Scene, tmp_path) -> Context:
    settings = scene.app.state.services.settings
    stored = settings.__class__.from_env(
        {"DOORSTEP_ENV": "test", "DATABASE_URL": settings.database_url, "UPLOADS_DIR": str(tmp_path / "kept")}
    )
    return task_context(scene.database, stored)


@pytest.fixture
async def admin(scene: Scene):
    async with scene.database.work() as db:
        return await an_admin(db, "Second Admin")


async def request_export(scene: Scene, by, kind="bookings", bom=False, **filters: str) -> Export:
    async with scene.database.work() as db:
        return await lifecycle.request_export(db, by, kind, filters, bom=bom)


async def now(scene: Scene, export: Export) -> Export:
    async with scene.database.work() as db:
        return await db.get_one(Export, export.id)


async def built(
    scene: Scene, ctx, by, kind="bookings", bom=False, **filters: str
) -> tuple[Export, list[dict[str, str]]]:
    export = await request_export(scene, by, kind, bom, **filters)
    await build_export(ctx, export_id=export.id)
    export = await now(scene, export)
    assert (export.state, export.error) == ("ready", None)
    return export, rows_of(ctx, export)


def bytes_of(ctx, export: Export) -> bytes:
    return ctx["services"].storage.path(export.stored_as).read_bytes()


def rows_of(ctx, export: Export) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(bytes_of(ctx, export).decode(), newline="")))
    assert export.rows_total == export.rows_done == len(rows)
    return rows


def paise(rows, column: str) -> int:
    return sum(int(row[column].replace(".", "")) for row in rows if row[column])


async def test_bookings_are_all_there_with_names_and_sums(booked_scene: Scene, ctx, admin):
    _, rows = await built(booked_scene, ctx, admin)
    recorded = await booked_scene.rows(
        "SELECT b.reference, c.full_name, coalesce(p.full_name, ''), b.state FROM bookings b"
        " JOIN users c ON c.id = customer_id LEFT JOIN users p ON p.id = professional_id ORDER BY b.id"
    )
    assert len(recorded) > 5
    assert [(row["reference"], row["customer"], row["professional"], row["state"]) for row in rows] == recorded
    # As India writes it down, wherever the database counts.
    starts = "SELECT to_char(starts_at AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD HH24:MI:SS') FROM bookings"
    assert [(row["start (Asia/Kolkata)"],) for row in rows] == await booked_scene.rows(starts + " ORDER BY id")
    booked = (
        "SELECT CASE WHEN requested_at IS NULL THEN ''"
        " ELSE to_char(created_at AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD HH24:MI:SS') END"
    )
    assert [(row["booked (Asia/Kolkata)"],) for row in rows] == await booked_scene.rows(
        booked + " FROM bookings ORDER BY id"
    )
    assert "" in {row["booked (Asia/Kolkata)"] for row in rows}
    assert paise(rows, "price") == await booked_scene.scalar("SELECT sum(price) FROM bookings")
    assert paise(rows, "fee") == await booked_scene.scalar("SELECT coalesce(sum(fee), 0) FROM bookings")


@pytest.mark.parametrize(
    ("filters", "where"),
    [
        ({"state": "done"}, "state IN ('completed', 'closed')"),
        ({"state": "cancelled", "cancelled_as": "customer"}, "cancelled_as = 'customer'"),
        ({"rating": "yes"}, "rating IS NOT NULL"),
        ({"pincode": "600020"}, "pincode = '600020'"),
        ({"q": "asha"}, "customer_id = (SELECT id FROM users WHERE full_name LIKE 'Asha%')"),
        ({"state": "no such state"}, "false"),
        ({"from": "not a day"}, "false"),
    ],
)
async def test_the_filters_of_the_tables_address_hold(booked_scene: Scene, ctx, admin, filters, where):
    _, rows = await built(booked_scene, ctx, admin, **filters)
    recorded = await booked_scene.rows(f"SELECT reference FROM bookings WHERE {where} ORDER BY id")
    assert bool(recorded) == (where != "false")
    assert [(row["reference"],) for row in rows] == recorded


async def test_customers_and_professionals_are_those_of_the_tables(booked_scene: Scene, ctx, admin):
    _, customers = await built(booked_scene, ctx, admin, "customers")
    event_query = "SELECT full_name, email FROM users WHERE role = 'customer' ORDER BY id"
    assert {row["phone"] for row in customers if row["phone"]} <= {
        f"{phone[:3]} {phone[3:8]} {phone[8:]}" for (phone,) in await booked_scene.rows("SELECT phone FROM users")
    }
    assert any(row["phone"].startswith("+91 ") for row in customers)
    assert [(row["name"], row["email"]) for row in customers] == await booked_scene.rows(event_query)
    made = "SELECT count(*) FROM bookings WHERE requested_at IS NOT NULL"
    assert sum(int(row["bookings"]) for row in customers) == await booked_scene.scalar(made)
    _, ravi = await built(booked_scene, ctx, admin, "professionals", q=booked_scene.ravi.email)
    assert [row["name"] for row in ravi] == [booked_scene.ravi.full_name]
    _, filtered = await built(
        booked_scene, ctx, admin, "professionals", service=str(booked_scene.service.id), state="approved"
    )
    assert {row["name"] for row in filtered} == {booked_scene.ravi.full_name, booked_scene.kumar.full_name}
    _, refused = await built(booked_scene, ctx, admin, "customers", state="blocked")
    assert refused == []


async def test_the_ledger_balances_and_earnings_are_ones_own(booked_scene: Scene, ctx, admin):
    _, lines = await built(booked_scene, ctx, admin, "ledger")
    assert len(lines) == await booked_scene.scalar("SELECT count(*) FROM ledger_entries") > 0
    assert paise(lines, "debit") == paise(lines, "credit")
    assert paise(lines, "debit") == await booked_scene.scalar("SELECT sum(amount) FROM ledger_entries WHERE amount > 0")
    _, some = await built(booked_scene, ctx, admin, "ledger", account="commission")
    event_query = "SELECT coalesce(sum(-amount), 0) FROM ledger_entries WHERE account = 'commission'"
    assert paise(some, "credit") - paise(some, "debit") == await booked_scene.scalar(event_query) != 0
    _, own = await built(booked_scene, ctx, booked_scene.ravi, "earnings")
    event_query = (
        "SELECT -sum(amount) FROM ledger_entries WHERE person_id = :id AND account IN ('earnings', 'payout_held')"
    )
    assert (
        paise(own, "credit") - paise(own, "debit")
        == await booked_scene.scalar(event_query, id=booked_scene.ravi.id)
        > 0
    )
    assert paise(own, "price") == paise(own, "commission") + paise(own, "net") > paise(own, "net")
    assert (await built(booked_scene, ctx, booked_scene.kumar, "earnings"))[1] == []


async def test_invoices_are_all_there_under_the_tables_filters(scene: Scene, ctx, admin):
    await scene.scalar("UPDATE users SET full_name = '=1+1' WHERE id = :id RETURNING 1", id=scene.asha.id)
    await scene.done(await scene.browser(scene.asha))
    _, rows = await built(scene, ctx, admin, "invoices")
    assert len(rows) == await scene.scalar("SELECT count(*) FROM invoices") > 0
    assert paise(rows, "total") == await scene.scalar("SELECT sum(total) FROM invoices")
    assert "'=1+1" in {row["billed to"] for row in rows}
    first = rows[0]
    (found,) = (await built(scene, ctx, admin, "invoices", number=first["number"]))[1]
    assert found == first
    assert (await built(scene, ctx, admin, "invoices", **{"from": "2050-01-01"}))[1] == []


async def test_each_exports_their_own(scene: Scene, admin):
    for by, kind in (
        (admin, "earnings"),
        (scene.ravi, "bookings"),
        (scene.ravi, "ledger"),
        (scene.ravi, "invoices"),
        (admin, "secrets"),
    ):
        with pytest.raises(Invalid):
            await request_export(scene, by, kind)
    for _ in range(lifecycle.MAX_EXPORTS_IN_PROGRESS):
        await request_export(scene, admin)
    with pytest.raises(Refused):
        await request_export(scene, admin)


async def named_naughtily(scene: Scene) -> None:
    async with scene.database.work() as db:
        for name in NAUGHTY:
            person = await a_customer(db, "Devi Nair")
            await db.execute(text("UPDATE users SET full_name = :name WHERE id = :id"), {"name": name, "id": person.id})


async def test_no_cell_begins_as_a_formula_does(scene: Scene, ctx, admin):
    await named_naughtily(scene)
    export, rows = await built(scene, ctx, admin, "customers")
    names = [row["name"] for row in rows]
    assert [name for name in names if name.startswith("'")] == [f"'{name}" for name in NAUGHTY]
    cells = [cell for row in csv.reader(io.StringIO(bytes_of(ctx, export).decode(), newline="")) for cell in row]
    cells = [cell for cell in cells if not re.fullmatch(r"\+91 \d{5} \d{5}", cell)]  # a phone is no formula
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n")]


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
async def test_libreoffice_works_nothing_out(scene: Scene, ctx, admin, tmp_path):
    """Convert the file with formulas evaluated, as a spreadsheet program opens it."""
    await named_naughtily(scene)
    export, _ = await built(scene, ctx, admin, "customers", bom=True)
    (tmp_path / "names.csv").write_bytes(bytes_of(ctx, export))
    (tmp_path / "control.csv").write_text("name\n=1+1\n")

    def converted(name: str) -> str:
        # Comma, double quote, UTF-8, from line 1, formulas worked out.
        viewed = "--infilter=Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1,true"
        home = f"-env:UserInstallation=file://{tmp_path}/office"
        command = ["soffice", home, "--headless", viewed, "--convert-to", "fods", "--outdir", str(tmp_path)]
        subprocess.run([*command, str(tmp_path / f"{name}.csv")], check=True, capture_output=True, timeout=120)
        return next(tmp_path.glob(f"{name}*.fods")).read_text()

    assert "table:formula" in await asyncio.to_thread(converted, "control")
    sheet = await asyncio.to_thread(converted, "names")
    assert "HYPERLINK" in sheet
    assert "table:formula" not in sheet


async def test_utf8_with_its_mark_and_without(scene: Scene, ctx, admin):
    async with scene.database.work() as db:
        await a_customer(db, "ஆஷா, “the second”\nRaman")
    plain, rows = await built(scene, ctx, admin, "customers")
    assert "ஆஷா, “the second”\nRaman" in [row["name"] for row in rows]
    assert not bytes_of(ctx, plain).startswith(builder.BYTE_ORDER_MARK)
    export = await request_export(scene, admin, "customers", bom=True)
    await build_export(ctx, export_id=export.id)
    assert bytes_of(ctx, await now(scene, export)) == builder.BYTE_ORDER_MARK + bytes_of(ctx, plain)


@pytest.fixture
async def many(scene: Scene) -> Scene:
    """Customers enough for a build to take a while."""
    async with scene.database.work() as db:
        await db.execute(
            text(
                "INSERT INTO users (role, full_name, email, phone, password_hash, created_at)"
                " SELECT 'customer', 'Person ' || n, 'person' || n || '@example.org', '98' || lpad(n::text, 8, '0'),"
                " '-', now() FROM generate_series(1, 30000) n"
            )
        )
    return scene


async def until(what, export_id: int, scene: Scene) -> None:
    for _ in range(400):
        if what(await scene.rows("SELECT state, rows_done FROM exports WHERE id = :id", id=export_id)):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never")


async def slowly(monkeypatch) -> asyncio.Event:
    """Copies stop after their first piece until the event is set: a slow disk."""
    go = asyncio.Event()
    copy = builder.ExportCopy._copy_rows

    async def waiting(self, line, request, file):
        class Slow:
            async def copy_from_query(self, *values, output, **more):
                async def take(piece):
                    await output(piece)
                    await go.wait()

                return await line.copy_from_query(*values, output=take, **more)

        await copy(self, Slow(), request, file)

    monkeypatch.setattr(builder.ExportCopy, "_copy_rows", waiting)
    monkeypatch.setattr(builder, "PROGRESS_SECONDS", 0.05)
    return go


async def test_the_file_is_one_moment_while_rows_change(many: Scene, ctx, admin, monkeypatch):
    go = await slowly(monkeypatch)
    before = await many.rows("SELECT full_name FROM users WHERE role = 'customer' ORDER BY id")
    export = await request_export(many, admin, "customers")
    making = asyncio.create_task(build_export(ctx, export_id=export.id))
    await until(lambda rows: rows[0][1] > 0, export.id, many)
    async with many.database.work() as db:
        await db.execute(text("UPDATE users SET full_name = 'Somebody else' WHERE role = 'customer'"))
        await a_customer(db, "Too late")
    go.set()
    await making
    assert [(row["name"],) for row in rows_of(ctx, await now(many, export))] == before


async def test_two_at_once_do_not_meet_and_one_is_built_once(many: Scene, ctx, admin):
    both = [await request_export(many, admin, "customers"), await request_export(many, many.ravi, "earnings")]
    await asyncio.gather(*(build_export(ctx, export_id=export.id) for export in both * 2))
    first, other = [await now(many, export) for export in both]
    assert first.stored_as != other.stored_as
    assert len(rows_of(ctx, first)) > 30_000
    assert rows_of(ctx, other) == []
    built_once = "SELECT count(*) FROM events WHERE name = 'export.ready'"
    assert await many.scalar(built_once) == 2
    assert await many.scalar("SELECT count(*) FROM inbox_items WHERE kind = 'export_ready'") == 2
    assert left_over(ctx) == []


def left_over(ctx) -> list[Any]:
    return list(ctx["services"].storage.incoming.glob("*"))


async def test_discarded_while_it_is_made_it_stops(many: Scene, ctx, admin, monkeypatch):
    await slowly(monkeypatch)
    storage = ctx["services"].storage
    export = await request_export(many, admin, "customers")
    making = asyncio.create_task(build_export(ctx, export_id=export.id))
    await until(lambda rows: rows[0][1] > 0, export.id, many)
    async with many.database.work() as db:
        await lifecycle.discard(db, storage, admin, export.reference)
    await asyncio.wait_for(making, 10)
    assert (await now(many, export)).state == "discarded"
    assert (left_over(ctx), list(storage.names())) == ([], [])


async def test_a_worker_that_was_stopped_half_way_is_followed_by_another(many: Scene, ctx, admin, monkeypatch):
    go = await slowly(monkeypatch)
    export = await request_export(many, admin, "customers")
    making = asyncio.create_task(build_export(ctx, export_id=export.id))
    await until(lambda rows: rows[0][1] > 0, export.id, many)
    making.cancel()
    await asyncio.wait([making])
    go.set()
    await build_export(ctx, export_id=export.id)
    assert (await now(many, export)).state == "running", "it may still be alive"
    async with many.database.work() as db:
        assert await lifecycle.requeue_stale(db) == 0
    with clock.freeze(clock.now() + lifecycle.STALE_AFTER + timedelta(seconds=1)):
        async with many.database.work() as db:
            assert await lifecycle.requeue_stale(db) == 1
        await build_export(ctx, export_id=export.id)
    assert len(rows_of(ctx, await now(many, export))) > 30_000
    assert left_over(ctx) == []


async def test_what_fails_says_so_and_is_tried_again(scene: Scene, ctx, admin, monkeypatch):
    export = await request_export(scene, admin)
    with monkeypatch.context() as broken_disk:
        broken_disk.setattr(os, "fsync", lambda _handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        await build_export(ctx, export_id=export.id)
    failed = await now(scene, export)
    assert (failed.state, failed.error, failed.stored_as, left_over(ctx)) == ("failed", "OSError", None, [])
    async with scene.database.work() as db:
        await lifecycle.retry(db, admin, export.reference)
    await build_export(ctx, export_id=export.id)
    assert (await now(scene, export)).state == "ready"
    async with scene.database.work() as db:
        with pytest.raises(Refused):
            await lifecycle.retry(db, admin, export.reference)


async def test_after_a_week_the_file_is_gone_and_all_is_sound(scene: Scene, ctx, admin):
    export, _ = await built(scene, ctx, admin, "customers", q="asha")
    storage = ctx["services"].storage
    async with scene.database.work() as db:
        assert await find_violations(db, storage) == []
    assert await expire_exports(ctx) == 0
    with clock.freeze(clock.now() + lifecycle.FILE_RETENTION):
        assert [await expire_exports(ctx) for _ in range(2)] == [1, 0]
    assert ((await now(scene, export)).state, list(storage.names())) == ("expired", [])
    async with scene.database.work() as db:
        assert await find_violations(db, storage) == []


async def test_a_file_that_changed_or_went_is_found(scene: Scene, ctx, admin):
    export, _ = await built(scene, ctx, admin, "customers")
    storage = ctx["services"].storage
    path = storage.path(export.stored_as)
    content = path.read_bytes()
    for planted in (content + b"\n", content.replace(b"A", b"B", 1), None):
        path.write_bytes(planted) if planted is not None else path.unlink()
        async with scene.database.work() as db:
            found = await find_violations(db, storage)
        assert [item.rule for item in found] == ["files-match-rows"]
        assert export.reference in found[0].subject
