"""/admin/tasks and /metrics: waiting and failed tasks, undeliverable messages, worker health."""

from datetime import timedelta

import pytest
from litestar import Litestar
from sqlalchemy import select

from app.core import clock
from app.core.outbox import Outbox
from app.core.schedule import PROCESS_STARTED_AT, ScheduleRun, ScheduleRuns, TaskFailure
from app.notifications.channel import ChannelState
from app.operations.admin_pages import TASK_LABELS
from app.web.metrics import RequestMetrics
from tasks.saq_config import TASKS
from tasks.timetable import TIMETABLE
from tests import application
from tests.factories import a_customer, an_admin
from tests.person import Person

NOW = clock.now().replace(microsecond=0)


@pytest.fixture
async def app(own_url, services):
    async with application.serving(application.settings(own_url, services.redis_url)) as made:
        yield made


@pytest.fixture
async def meena(app: Litestar):
    async with app.state.services.database.work() as db:
        user = await an_admin(db)
    async with Person(app) as person:
        yield await person.signed_in_as(user, app.state.services.database)


async def failed(app, name="expire_holds"):
    async with app.state.services.database.work() as db:
        runs = ScheduleRuns(db)
        await runs.add([(name, NOW)])
        await runs.begin((name, NOW), NOW, NOW + timedelta(seconds=20))
        await runs.fail((name, NOW), NOW, "OperationalError")


async def test_a_silent_worker_is_a_loud_warning_until_one_reports(app, meena):
    with clock.freeze(PROCESS_STARTED_AT + timedelta(minutes=2, seconds=1)):
        assert "No worker has started yet" in (await meena.visit("/admin/tasks")).text
    async with app.state.services.database.work() as db:
        await ScheduleRuns(db).add([("expire_holds", NOW)])
        await ScheduleRuns(db).begin(("expire_holds", NOW), clock.now(), clock.now() + timedelta(seconds=20))
    page = await meena.visit("/admin/tasks")
    assert "Worker last seen" in page.text
    assert "No worker" not in page.text
    assert "No worker" not in (await meena.visit("/admin")).text
    with clock.freeze(clock.now() + timedelta(minutes=3)):
        assert "No worker is running. Last seen" in (await meena.visit("/admin/tasks")).text
        for path in ("/admin", "/admin/bookings"):
            warned = await meena.visit(path)
            assert "No worker has been seen for 2 minutes" in warned.text
            assert "/admin/tasks" in warned.links


async def test_a_worker_has_two_minutes_to_begin_before_pages_warn(app, meena):
    with clock.freeze(PROCESS_STARTED_AT + timedelta(seconds=110)):
        assert "Waiting for a worker to start" in (await meena.visit("/admin/tasks")).text
        for path in ("/admin", "/admin/bookings", "/admin/tasks"):
            assert "No worker" not in (await meena.visit(path)).text
    with clock.freeze(PROCESS_STARTED_AT + timedelta(seconds=130)):
        assert "No worker has been seen for 2 minutes" in (await meena.visit("/admin")).text


async def test_a_room_that_was_switched_off_is_shown_with_its_reason(app, meena):
    async with app.state.services.database.work() as db:
        db.add(ChannelState(channel="chat", failures=10, disabled_at=NOW, last_error="refused with 404"))
    page = await meena.visit("/admin/tasks")
    assert "Google Chat notifications were switched off" in page.text
    assert "refused with 404" in page.text


async def test_a_failed_run_is_tried_again_or_discarded_once(app, meena):
    await failed(app)
    page = await meena.visit("/admin/tasks")
    assert "OperationalError" in page.text
    address = f"/admin/tasks/runs/expire_holds/{int(NOW.timestamp())}/retry"
    assert (await meena.submit(page, address)).status == 303
    assert (await meena.submit(page, address)).status == 409
    async with app.state.services.database.work() as db:
        row = await db.get(ScheduleRun, ("expire_holds", NOW))
        assert (row.failed_at, row.attempts) == (None, 0)
    await failed(app, "release_payouts")
    page = await meena.visit("/admin/tasks")
    assert (await meena.submit(page, f"/release_payouts/{int(NOW.timestamp())}/removal")).status == 303
    assert "OperationalError" not in (await meena.visit("/admin/tasks")).text


async def test_a_mail_that_was_given_up_is_sent_again_or_discarded(app, meena):
    async with app.state.services.database.work() as db:
        asha = await a_customer(db, "Asha Raman")
        for number, why in enumerate(("refused with 550", "refused with 551", "muted", "out of date")):
            row = {"kind": "password_changed", "recipient_id": asha.id, "dedupe_key": f"x{number}", "data": {}}
            db.add(Outbox(**row, created_at=NOW, due_at=NOW, parked_at=NOW, attempts=3, last_error=why))
    page = await meena.visit("/admin/tasks")
    assert "refused with 550" in page.text
    assert "muted" not in page.text  # nothing is wrong with that
    forms = [form.action for form in page.forms if "/mails/" in form.action]
    assert len(forms) == 4
    assert (await meena.submit(page, forms[0])).status == 303
    assert (await meena.submit(page, forms[3])).status == 303
    async with app.state.services.database.work() as db:
        rows = {row.dedupe_key: row for row in await db.scalars(select(Outbox))}
    settled = {key: (row.parked_at is None, row.last_error) for key, row in rows.items()}
    assert sorted(settled[key][0] for key in ("x0", "x1")) == [False, True]
    assert "discarded" in {settled["x0"][1], settled["x1"][1]}
    assert (await meena.post_fields(forms[3], {})).status == 409


async def test_a_task_that_was_given_up_is_handed_over_again(app, meena):
    async with app.state.services.database.work() as db:
        row = TaskFailure(
            name="build_export",
            queue="exports",
            ids={"export_id": 7},
            error="OSError: disk full",
            attempts=5,
            failed_at=NOW,
        )
        db.add(row)
    page = await meena.visit("/admin/tasks")
    assert "disk full" in page.text
    (retry,) = [form.action for form in page.forms if form.action.endswith(f"/failures/{row.id}/retry")]
    assert (await meena.submit(page, retry)).status == 303
    assert (await meena.submit(page, retry)).status == 409
    assert (await app.state.services.after_commit.tasks.queued_counts())["exports"] >= 1


@pytest.mark.parametrize(
    "address",
    [
        "/admin/tasks/runs/expire_holds/x/retry",
        "/admin/tasks/runs/expire_holds/99999999999999999999/retry",
        "/admin/tasks/mails/1/burn",
        "/admin/tasks/mails/9223372036854775808/retry",
        "/admin/tasks/failures/0/retry",
    ],
)
async def test_nonsense_settles_nothing(meena, address):
    assert (await meena.post_fields(address, {})).status == 404


def test_every_task_has_a_name_in_words():
    assert {line.name for line in TIMETABLE} | {task.__qualname__ for task in TASKS} == set(TASK_LABELS)


async def test_every_process_shows_what_all_of_them_counted(app, meena):
    await meena.visit("/admin/tasks")
    other = RequestMetrics(app.state.services.after_commit.bus)
    for seconds in (0.003, 0.2, 9):
        other.record("GET", "/counted/here/alone", 200, seconds)
    await other.publish_gauges({"streams": 3, "connections": 2})
    await other.flush()
    text = (await meena.get("/metrics")).text
    line = 'method="GET",route="/counted/here/alone",status="200"'
    assert f"doorstep_requests_total{{{line}}} 3.0" in text
    assert f'doorstep_request_seconds_bucket{{le="0.005",{line}}} 1.0' in text
    assert f'doorstep_request_seconds_bucket{{le="0.25",{line}}} 2.0' in text
    assert f'doorstep_request_seconds_bucket{{le="+Inf",{line}}} 3.0' in text
    assert 'route="/admin/tasks"' in text
    assert "doorstep_streams_open 3.0" in text
    assert "doorstep_outbox_due" in text
    assert 'doorstep_queue_waiting{name="mail"}' in text
