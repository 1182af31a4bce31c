"""/jobs/…: departure, arrival, start, completion, extras and customer no-show, as the professional reports them."""

from collections.abc import Awaitable, Callable, Mapping

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.extra import propose_extra
from app.bookings.repository import Bookings
from app.core.after_commit import AfterCommit
from app.core.db import Database, TransactionFactory
from app.core.encryption import Encryption
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.references import parse_reference
from app.jobs import handover
from app.jobs.pages import find_job, render_job
from app.jobs.schemas import CodeEntry, Delay, Departure, NewExtra, StartEntry
from app.web.actions import Rejection, submit
from app.web.forms import Form, parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import redirect, wants_fragment
from app.web.validation import validate_form

CONFIRMED = "yes"  # the field `early`: do it long before the slot (W23)


class DeparturePages(Controller):
    path = "/jobs/{ref:str}/departure"
    opt = only("professional")

    @post(name="departure")
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def depart() -> None:
            await handover.depart(db, me, ref, early=validate_form(Departure, form).early == CONFIRMED)

        return await _submit(request, db, me, ref, depart)


class ArrivalPages(Controller):
    path = "/jobs/{ref:str}/arrival"
    opt = only("professional")

    @post(name="arrival")
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        async def arrive() -> None:
            await handover.arrive(db, me, ref)

        return await _submit(request, db, me, ref, arrive)


class DelayPages(Controller):
    path = "/jobs/{ref:str}/late"
    opt = only("professional")

    @post(name="late")
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def report() -> None:
            await handover.report_delay(db, me, ref, validate_form(Delay, form).minutes)

        return await _submit(
            request,
            db,
            me,
            ref,
            report,
            do="late",
            form=form,
            message=_("The customer has been notified of when you'll come."),
        )


class StartPages(Controller):
    path = "/jobs/{ref:str}/start"
    opt = only("professional")

    @post(name="start")
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        form = await parse_form(request, may_repeat=True)

        async def start() -> None:
            await _refuse_repeated(form, lambda: database.work(after_commit), me, ref, "start")
            entry = validate_form(StartEntry, form)
            await handover.start(
                db,
                lambda: database.work(after_commit),
                me,
                ref,
                entry.code,
                encryption,
                early=entry.early == CONFIRMED,
            )

        return await _submit(request, db, me, ref, start, form=form)


class CompletionPages(Controller):
    path = "/jobs/{ref:str}/completion"
    opt = only("professional", allow_blocked=True)

    @post(name="completion")
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        form = await parse_form(request, may_repeat=True)

        async def complete() -> None:
            await _refuse_repeated(form, lambda: database.work(after_commit), me, ref, "finish")
            await handover.complete(
                db, lambda: database.work(after_commit), me, ref, validate_form(CodeEntry, form).code, encryption
            )

        return await _submit(request, db, me, ref, complete)


class ExtraPages(Controller):
    path = "/jobs/{ref:str}/extras"
    opt = only("professional")

    @post(name="extras")
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def propose() -> None:
            extra = validate_form(NewExtra, form)
            booking = await Bookings(db).for_professional(me, ref, lock=True)
            propose_extra(booking, me, extra.text, extra.price)

        message = _("Sent. The customer can approve or decline it on their booking page.")
        return await _submit(request, db, me, ref, propose, do="extra", form=form, message=message)


class NoShowPages(Controller):
    path = "/jobs/{ref:str}/absence"
    opt = only("professional")

    @post(name="no-show")
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        async def report() -> None:
            await handover.report_no_show(db, me, ref)

        return await _submit(request, db, me, ref, report, message=_("Reported. You don't need to wait any longer."))


async def _refuse_repeated(form: Form, new_transaction: TransactionFactory, me: Me, reference: str, phase: str) -> None:
    """Refuse fields that came twice; more than one code counts as one wrong try."""
    if not form.repeated:
        return
    if "code" in form.repeated:
        await handover.count_attempt(new_transaction, me, reference, phase)
    raise Invalid(form.repeated)


async def _submit(
    request: Request,
    db: AsyncSession,
    me: Me,
    reference: str,
    action: Callable[[], Awaitable[None]],
    *,
    message: str = "",
    do: str = "",
    form: Mapping[str, str] | None = None,
) -> HtmlResponse:
    """Run the action and return to the job; `do` names the form that is shown again when it is invalid."""

    async def render_error(rejection: Rejection) -> HtmlResponse:
        booking = await find_job(db, me, reference)
        return await render_job(request, db, me, booking, do="" if rejection.refusal else do, rejection=rejection)

    async def render_result(_result: None) -> HtmlResponse:
        if me.blocked is not None:
            return redirect(request, "/blocked")
        if not wants_fragment(request):
            return redirect(request, f"/jobs/{parse_reference(reference)}")
        await db.flush()
        return await render_job(request, db, me, await find_job(db, me, reference))

    return await submit(request, action, form=form, on_error=render_error, message=message, then=render_result)
