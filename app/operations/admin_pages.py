"""/admin/tasks: is a worker running, the timetable, failed tasks, messages that could not be sent."""

from dataclasses import dataclass
from datetime import datetime

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import ROW_IDS, Users
from app.core import clock
from app.core.after_commit import AfterCommit
from app.core.errors import Missing, Refused
from app.core.i18n import N_, _
from app.core.paging import AnyRow
from app.core.queue import MAIL_QUEUE, enqueue_after_commit
from app.core.schedule import ScheduleRuns, Timetable, is_worker_silent
from app.notifications.channel_repository import ChannelStates
from app.operations.repository import BackgroundWork
from app.operations.worker_health import queue_depths
from app.settings import Settings
from app.web.admin import admin_page
from app.web.forms import parse_form, parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, redirect

PATH = "/admin/tasks"
TASK_LABELS = {
    "end_priority_offers": N_("Offer bookings to others when the chosen professional doesn't answer"),
    "build_export": N_("Create export"),
    "close_old_bookings": N_("Close completed bookings after 7 days"),
    "count_bookings": N_("Count bookings of each service"),
    "count_ledger": N_("Count new lines of the ledger"),
    "complete_overdue_jobs": N_("Complete unfinished jobs automatically"),
    "drain_outbox": N_("Send emails"),
    "drain_google_chat": N_("Send notifications to Google Chat"),
    "drain_webhooks": N_("Send webhooks"),
    "erase_old_contacts": N_("Erase the contact persons of old visits"),
    "expire_exports": N_("Delete old exports"),
    "run_payouts": N_("Make the weekly payout run"),
    "release_payouts": N_("Release payouts on hold"),
    "cancel_unfilled_bookings": N_("Cancel unfilled bookings"),
    "expire_holds": N_("Release unpaid holds"),
    "prune_keys": N_("Delete old keys"),
    "prune_offered_hours": N_("Delete outdated hours of services"),
    "prune_runs": N_("Delete old task runs"),
    "prune_reports": N_("Delete old reports of reviews"),
    "prune_messages": N_("Delete old messages and photos"),
    "prune_appeals": N_("Delete old appeals"),
    "prune_cases": N_("Delete old cases"),
    "prune_saved_methods": N_("Delete old payment methods"),
    "prune_sessions": N_("Delete old sessions"),
    "send_job_reminders": N_("Send reminders 1 day and 2 hours before jobs"),
    "send_evening_reminders": N_("Send evening reminders"),
    "send_offer_waves": N_("Announce offers"),
    "send_room_digest": N_("Send tomorrow's list to Google Chat"),
    "run_due_task": N_("Run scheduled task"),
    "send_monthly_reports": N_("Send monthly reports"),
    "sweep_files": N_("Delete unused files"),
    "requeue_stale_exports": N_("Restart stalled exports"),
    "warn_of_expiry": N_("Send document expiry warnings"),
}


@dataclass(frozen=True, slots=True)
class TimetableLine:
    """A scheduled task: its last run, if there was one, and the next."""

    name: str
    label: str
    last: AnyRow | None
    next: datetime


class NavigationAdminPages(Controller):
    path = "/admin/navigation"
    opt = only("admin")

    @get(name="admin-navigation")
    async def show(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        """The navigation of the page at `at`, with its counts of this moment."""
        return await admin_page(request, db, "layouts/_rail_list.html", at=parse_query(request).get("at", ""))


class TaskAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-tasks")
    async def index(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        after_commit: NamedDependency[AfterCommit],
        settings: NamedDependency[Settings],
        timetable: NamedDependency[Timetable],
    ) -> HtmlResponse:
        work = BackgroundWork(db)
        last_started_at = await ScheduleRuns(db).last_started_at()
        return await admin_page(
            request,
            db,
            "operations/tasks.html",
            "operations/_tasks.html",
            worker_seen_at=last_started_at,
            worker_stale=is_worker_silent(last_started_at, clock.now()),
            redis=after_commit.bus.up,
            disabled_channels=await ChannelStates(db).disabled(),
            queues=await queue_depths(after_commit),
            depth=await work.outbox_depth(clock.now()),
            mailbox=not settings.smtp_url,  # in development emails stay and are read there
            lines=_lines(timetable, await work.last_runs()),
            runs=await work.failed_runs(),
            failures=await work.open_failures(),
            parked=await work.parked_messages(),
            task_label=task_label,
        )

    @post("/runs/{name:str}/{tick:str}/{action:str}", name="settle_run")
    async def run(
        self,
        request: Request,
        name: FromPath[str],
        tick: FromPath[str],
        action: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> HtmlResponse:
        await parse_form(request)
        run, is_retry = (name, _tick_of(tick)), _is_retry(action)
        done = await (ScheduleRuns(db).retry(run) if is_retry else ScheduleRuns(db).discard(run, clock.now()))
        return await _settled(request, db, me, done, name, is_retry=is_retry)

    @post("/failures/{failure_id:int}/{action:str}", name="settle_failure")
    async def failure(
        self,
        request: Request,
        failure_id: FromPath[int],
        action: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> HtmlResponse:
        await parse_form(request)
        is_retry = _is_retry(action)
        settled_as = "retried" if is_retry else "discarded"
        failure = await BackgroundWork(db).settle_failure(_checked_id(failure_id), clock.now(), settled_as)
        if failure is not None and is_retry:
            enqueue_after_commit(db, failure.name, queue=failure.queue, **failure.ids)
        task = failure.name if failure else ""
        return await _settled(request, db, me, failure is not None, task, is_retry=is_retry)

    @post("/mails/{mail_id:int}/{action:str}", name="settle_mail")
    async def message(
        self,
        request: Request,
        mail_id: FromPath[int],
        action: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> HtmlResponse:
        await parse_form(request)
        is_retry, message_id, work = _is_retry(action), _checked_id(mail_id), BackgroundWork(db)
        done = await (work.retry_message(message_id, clock.now()) if is_retry else work.discard_message(message_id))
        if done and is_retry:
            enqueue_after_commit(db, "drain_outbox", queue=MAIL_QUEUE)
        return await _settled(request, db, me, done, f"mail {mail_id}", is_retry=is_retry)


def task_label(task: str) -> str:
    """The label of a task; its name if it has none."""
    return _(TASK_LABELS[task]) if task in TASK_LABELS else task


def _lines(timetable: Timetable, last_runs: dict[str, AnyRow]) -> list[TimetableLine]:
    now = clock.now()
    return [
        TimetableLine(task.name, task_label(task.name), last_runs.get(task.name), task.next_after(now))
        for task in timetable
    ]


def _tick_of(timestamp: str) -> datetime:
    try:
        tick = datetime.fromtimestamp(int(timestamp), clock.IST)
    except (ValueError, OverflowError, OSError):
        raise Missing from None
    return tick


def _is_retry(action: str) -> bool:
    """Retry or discard; anything else is no address of ours."""
    if action not in ("retry", "removal"):
        raise Missing
    return action == "retry"


def _checked_id(number: int) -> int:
    if number not in ROW_IDS:
        raise Missing
    return number


async def _settled(
    request: Request, db: AsyncSession, me: Me, done: bool, task: str, *, is_retry: bool
) -> HtmlResponse:
    """Record it in the admin's history and go back to the page. Raises Refused("settled")."""
    if not done:
        raise Refused(_("This has already been dealt with."), reason="settled")
    admin = await Users(db).get(me.id, lock=True)
    admin.record("person.task_retried" if is_retry else "person.task_discarded", by=me, task=task)
    flash(request, _("The task will be tried again.") if is_retry else _("Task discarded."))
    return redirect(request, PATH)
