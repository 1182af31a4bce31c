"""The export pages: from a table with its filters to the file, by forms and links alone."""

from datetime import timedelta

import pytest

from app.core import clock
from app.exports import lifecycle
from tasks.exports import build_export
from tests.application import task_context
from tests.bookings.scenes import Scene
from tests.factories import an_admin
from tests.person import Page, Person


def worker_of(scene: Scene):
    return task_context(scene.database, scene.app.state.services.settings)


async def built(scene: Scene) -> None:
    for (export_id,) in await scene.rows("SELECT id FROM exports WHERE state = 'queued'"):
        await build_export(worker_of(scene), export_id=export_id)


async def started(person: Person, path: str) -> Page:
    return await person.submit_and_follow(await person.visit(path), having="bom")


@pytest.mark.parametrize(
    "path",
    ["/admin/bookings?period=all", "/admin/customers", "/admin/professionals", "/admin/ledger", "/admin/invoices"],
)
async def test_each_table_leads_to_its_export(booked_scene: Scene, meena: Person, path):
    table = await meena.visit(path)
    form = await meena.submit_and_follow(table, "/admin/exports")
    page = await meena.submit_and_follow(form, having="bom")
    await built(booked_scene)
    page = await meena.visit(page.path)
    assert "Ready" in page.text
    file = await meena.get(next(link for link in page.links if link.endswith("/file")))
    kind = path.removeprefix("/admin/").partition("?")[0]
    assert await booked_scene.scalar("SELECT filters FROM exports") == {}
    assert file.headers["content-disposition"].startswith(f'attachment; filename="doorstep-{kind}-')
    assert len(file.text.splitlines()) - 1 == await booked_scene.scalar("SELECT rows_total FROM exports") > 0
    assert int(file.headers["content-length"]) == len(file.content)
    assert file.headers["content-type"] == "text/csv; charset=utf-8"


async def test_a_file_is_for_excel_unless_the_box_is_cleared(booked_scene: Scene, meena: Person):
    form = await meena.visit("/admin/exports?table=customers")
    assert form.form("/admin/exports", having="bom").fields["bom"] == "yes"
    await meena.submit_and_follow(form, having="bom")
    await meena.submit_and_follow(form, having="bom", bom="")
    assert await booked_scene.rows("SELECT bom FROM exports ORDER BY id") == [(True,), (False,)]


async def test_filters_of_the_tables_address_come_along(booked_scene: Scene, meena: Person):
    table = await meena.visit("/admin/bookings?state=done&q=asha&pincode=600020&sort=price")
    form = await meena.submit_and_follow(table, "/admin/exports")
    assert "“asha”" in form.text
    page = await meena.submit_and_follow(form, having="bom", bom="yes")
    (stored,) = await booked_scene.rows("SELECT filters, bom FROM exports")
    assert stored == ({"state": "done", "q": "asha", "pincode": "600020"}, True)
    await built(booked_scene)
    file = await meena.get(page.path + "/file")
    assert file.content.startswith(b"\xef\xbb\xbfreference,")
    statement = (
        "SELECT reference FROM bookings WHERE state IN ('completed', 'closed') AND pincode = '600020'"
        " AND customer_id = :asha ORDER BY id"
    )
    rows = [row[0] for row in await booked_scene.rows(statement, asha=booked_scene.asha.id)]
    assert [line.split(",")[0] for line in file.text.splitlines()[1:]] == rows != []


async def test_todays_table_is_exported_as_it_is_shown(booked_scene: Scene, meena: Person):
    form = await meena.submit_and_follow(await meena.visit("/admin/bookings"), "/admin/exports")
    assert '<li class="chip">Today</li>' in form.text
    await meena.submit_and_follow(form, having="bom", bom="yes")
    assert await booked_scene.rows("SELECT filters FROM exports") == [({"period": "today"},)]


async def test_the_file_is_the_askers_alone_and_each_download_is_written_down(scene: Scene, meena: Person):
    page = await started(meena, "/admin/exports?table=customers")
    early = await meena.get(page.path + "/file")
    assert early.status_code == 404
    await built(scene)
    for _ in range(2):
        file = await meena.get(page.path + "/file")
        assert file.status_code == 200
    assert file.headers["x-content-type-options"] == "nosniff"
    assert file.headers["cache-control"] == "no-store"
    assert "sandbox" in file.headers["content-security-policy"]
    assert await scene.scalar("SELECT count(*) FROM events WHERE name = 'export.seen'") == 2
    async with scene.database.work() as db:
        another = await an_admin(db, "Other Admin")
    other = await scene.browser(another)
    for path in (page.path, page.path + "/file"):
        assert (await other.get(path)).status_code == 404
    ravi = await scene.browser(scene.ravi)
    assert (await ravi.get(page.path)).status_code == 403
    async with Person(scene.app) as visitor:
        assert (await visitor.get(page.path + "/file")).status_code == 303


async def test_an_old_password_is_required_again(scene: Scene, meena: Person):
    page = await started(meena, "/admin/exports?table=customers")
    await built(scene)
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        repeated = await meena.get(page.path + "/file")
    assert (repeated.status_code, repeated.headers["location"].split("?")[0]) == (303, "/login/again")
    assert await scene.scalar("SELECT count(*) FROM events WHERE name = 'export.seen'") == 0


async def test_what_expired_or_was_discarded_is_410_in_words(scene: Scene, meena: Person):
    page = await started(meena, "/admin/exports?table=customers")
    await built(scene)
    await scene.rows("UPDATE exports SET expires_at = now() - interval '1 second' RETURNING id")
    removed = await meena.visit(page.path + "/file")
    assert removed.status == 410
    assert "The 7 days are over" in removed.text
    assert "/file" not in (await meena.visit(page.path)).text
    other = await started(meena, "/admin/exports?table=ledger")
    await built(scene)
    listed = await meena.submit_and_follow(await meena.visit(other.path), "/removal")
    assert "The file is deleted" in listed.text
    removed = await meena.visit(other.path + "/file")
    assert (removed.status, "You deleted this export" in removed.text) == (410, True)


async def test_invoices_are_exported_with_the_right_for_money_only(booked_scene: Scene, meena: Person):
    form = await meena.submit_and_follow(await meena.visit("/admin/invoices?kind=commission"), "/admin/exports")
    assert "Commission invoice" in form.text
    page = await meena.submit_and_follow(form, having="bom")
    await built(booked_scene)
    file = next(link for link in (await meena.visit(page.path)).links if link.endswith("/file"))
    assert (await meena.get(file)).status_code == 200
    await booked_scene.scalar("UPDATE users SET admin_right = 'support' WHERE role = 'admin' RETURNING 1")
    assert (await meena.get(file)).status_code == 403
    assert "Invoices" not in (await meena.visit("/admin/exports")).text.partition('id="yours"')[0]
    refused = await meena.submit(form, having="bom")
    assert refused.status == 403
    assert await booked_scene.scalar("SELECT count(*) FROM exports") == 1


async def test_progress_is_shown_without_scripts_and_as_a_piece(scene: Scene, meena: Person):
    page = await started(meena, "/admin/exports?table=bookings")
    assert "Starting in a moment" in page.text
    running = "UPDATE exports SET state = 'running', started_at = now(), heartbeat_at = now(), rows_total = 2000"
    await scene.rows(running + ", rows_done = 500 RETURNING id")
    piece = await meena.get(page.path, headers={"hx-request": "true", "hx-request-type": "partial"})
    assert piece.text.lstrip().startswith("<section")
    assert '<progress class="bar" max="2000" value="500"' in piece.text
    await scene.rows("UPDATE exports SET state = 'failed', error = 'OSError' RETURNING id")
    repeated = await meena.submit_and_follow(await meena.visit(page.path), "/again")
    assert "Starting in a moment" in repeated.text
    refused = await meena.post_fields(page.path + "/again", {})
    assert refused.status == 409


async def test_a_professionals_earnings_are_their_own(booked_scene: Scene, meena: Person):
    ravi, kumar = await booked_scene.browser(booked_scene.ravi), await booked_scene.browser(booked_scene.kumar)
    assert "/earnings/export" in (await ravi.visit("/earnings")).links
    page = await started(ravi, "/earnings/export")
    assert page.path.startswith("/earnings/exports/")
    await built(booked_scene)
    file = await ravi.get(page.path + "/file")
    own = "SELECT count(*) FROM ledger_entries WHERE person_id = :id AND account IN ('earnings', 'payout_held')"
    assert len(file.text.splitlines()) - 1 == await booked_scene.scalar(own, id=booked_scene.ravi.id) > 0
    assert (await kumar.get(page.path + "/file")).status_code == 404
    assert (await meena.get(page.path)).status_code == 403
    notices = await ravi.visit("/notices")
    assert "Your export is ready" in notices.text


async def test_nonsense_is_reported_and_too_many_are_refused(scene: Scene, meena: Person):
    form = await meena.visit("/admin/exports")
    for kind in ("", "earnings", "secrets"):
        assert (await meena.submit(form, "/admin/exports", having="bom", table=kind)).status == 422
    for _ in range(lifecycle.MAX_EXPORTS_IN_PROGRESS):
        await started(meena, "/admin/exports?table=ledger")
    refused = await meena.submit(await meena.visit("/admin/exports?table=ledger"), having="bom")
    assert refused.status == 409
    assert "You already have 5 exports in progress" in refused.text
    assert await scene.scalar("SELECT count(*) FROM exports") == lifecycle.MAX_EXPORTS_IN_PROGRESS
    for path in ("/admin/exports/NOSUCHXX", "/admin/exports/%00", "/earnings/exports/X"):
        assert (await meena.get(path)).status_code in (403, 404, 422)
