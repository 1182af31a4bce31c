"""/admin/tasks: what the worker does and did, what failed, what could not be sent; and that it is heard of at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from croniter import croniter
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import IDS, Users
from app.core import clock
from app.core.after_commit import AfterCommit
from app.core.errors import Missing, Refused
from app.core.i18n import N_, _
from app.core.keyset import AnyRow
from app.core.queue import MAIL, hand_over, later
from app.core.schedule import Runs, is_silent
from app.operations.repository import Work
from app.operations.worker_health import queues
from app.web.admin import desk
from app.web.forms import form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go

PATH = "/admin/tasks"
NAMES = {
    "ask_the_others": N_("Offers go to everybody when the one asked first did not answer"),
    "build_export": N_("An export"),
    "close_old_bookings": N_("Done bookings close after seven days"),
    "complete_left_running": N_("Jobs left running end by the clock"),
    "drain_outbox": N_("Mail goes out"),
    "drain_room": N_("Notices go to the desk's room"),
    "drain_webhooks": N_("Webhooks are told of bookings"),
    "expire_exports": N_("Old exports are deleted"),
    "free_payouts": N_("Held payouts are freed"),
    "give_up_unfilled": N_("Bookings that nobody took are given up"),
    "lapse_holds": N_("Times that were not paid are free again"),
    "prune_keys": N_("Old keys are forgotten"),
    "prune_runs": N_("Old runs are forgotten"),
    "prune_sessions": N_("Old sessions are forgotten"),
    "remind_before_jobs": N_("Reminders a day and two hours before"),
    "remind_in_the_evening": N_("Reminders in the evening"),
    "run_due_task": N_("A task of the timetable"),
    "send_monthly_reports": N_("Monthly reports"),
    "sweep_files": N_("Files that nobody mentions are deleted"),
    "take_up_exports": N_("Exports that stopped are taken up again"),
    "warn_of_expiry": N_("Warnings before a paper runs out"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A task of the timetable: its last run, if there was one, and the next."""

    name: str
    words: str
    last: AnyRow | None
    next: datetime


class TaskDesk(Controller):
    path = PATH
    opt = only("admin")

    @get(name="desk-tasks")
    async def index(
        self, request: Request, db: NamedDependency[AsyncSession], after: NamedDependency[AfterCommit]
    ) -> HtmlResponse:
        work = Work(db)
        heard = await Runs(db).last_heard()
        return await desk(
            request,
            db,
            "operations/tasks.html",
            "operations/_tasks.html",
            heard=heard,
            silent=is_silent(heard, clock.now()),
            redis=after.bus.up,
            switched_off=await work.switched_off(),
            queues=await queues(after),
            depth=await work.depth(clock.now()),
            mailbox=not request.app.state.settings.smtp_url,  # in development mails stay and are read there
            lines=_lines(request.app.state.timetable, await work.last_runs()),
            runs=await work.failed_runs(),
            failures=await work.failures(),
            parked=await work.parked(),
            name_of=name_of,
        )

    @post("/runs/{name:str}/{tick:str}/{deed:str}", name="settle_run")
    async def run(
        self,
        request: Request,
        name: FromPath[str],
        tick: FromPath[str],
        deed: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> HtmlResponse:
        await form(request)
        which, again = (name, _moment_of(tick)), _deed(deed)
        done = await (Runs(db).retry(which) if again else Runs(db).discard(which, clock.now()))
        return await _settled(request, db, me, done, name, again=again)

    @post("/failures/{failure_id:int}/{deed:str}", name="settle_failure")
    async def failure(
        self,
        request: Request,
        failure_id: FromPath[int],
        deed: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> HtmlResponse:
        await form(request)
        again = _deed(deed)
        found = await Work(db).settle_failure(_id(failure_id), clock.now(), "retried" if again else "discarded")
        if found is not None and again:
            hand_over(db, found.queue, found.name, found.ids)
        return await _settled(request, db, me, found is not None, found.name if found else "", again=again)

    @post("/mails/{mail_id:int}/{deed:str}", name="settle_mail")
    async def mail(
        self,
        request: Request,
        mail_id: FromPath[int],
        deed: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> HtmlResponse:
        await form(request)
        again, work = _deed(deed), Work(db)
        done = await (work.send_again(_id(mail_id), clock.now()) if again else work.discard_mail(_id(mail_id)))
        if done and again:
            later(db, "drain_outbox", queue=MAIL)
        return await _settled(request, db, me, done, f"mail {mail_id}", again=again)


async def _settled(request: Request, db: AsyncSession, me: Me, done: bool, what: str, *, again: bool) -> HtmlResponse:
    """Written into the history of whoever did it."""
    if not done:
        raise Refused(_("Somebody has settled this already."), reason="settled")
    person = await Users(db).get(me.id, lock=True)
    person.record("person.task_retried" if again else "person.task_discarded", by=me, task=what)
    flash(request, _("It is tried again.") if again else _("Discarded."))
    return go(request, PATH)


def name_of(task: str) -> str:
    """In words of the product; a task of an older version by its own name."""
    return _(NAMES[task]) if task in NAMES else task


def _lines(timetable: Sequence[tuple[str, str]], last: dict[str, AnyRow]) -> list[Line]:
    now = clock.now().astimezone(clock.IST)
    return [
        Line(name, name_of(name), last.get(name), croniter(cron, now).get_next(datetime)) for name, cron in timetable
    ]


def _deed(word: str) -> bool:
    """Again, or away with it."""
    if word not in ("retry", "removal"):
        raise Missing
    return word == "retry"


def _id(number: int) -> int:
    if number not in IDS:
        raise Missing
    return number


def _moment_of(typed: str) -> datetime:
    try:
        moment = datetime.fromtimestamp(int(typed), clock.IST)
    except (ValueError, OverflowError, OSError):
        raise Missing from None
    return moment
