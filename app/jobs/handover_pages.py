"""What a professional tells from the road and at the door: on the way, there, the two codes, more work, nobody in."""

from collections.abc import Awaitable, Callable

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings import extras
from app.bookings.repository import Bookings
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Vault
from app.core.errors import Invalid, Refused
from app.core.i18n import _
from app.jobs import absence, handover
from app.jobs.pages import draw_job, held_by
from app.jobs.schemas import CodeEntry, NewExtra
from app.web.forms import form, read, shown_again
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go


class DeparturePages(Controller):
    path = "/jobs/{ref:str}/departure"
    opt = only("professional")

    @post(name="departure")
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        async def depart() -> None:
            (await Bookings(db).for_professional(me, ref, lock=True)).depart(me)

        return await _done(request, db, me, ref, depart)


class ArrivalPages(Controller):
    path = "/jobs/{ref:str}/arrival"
    opt = only("professional")

    @post(name="arrival")
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        async def arrive() -> None:
            (await Bookings(db).for_professional(me, ref, lock=True)).arrive(me)

        return await _done(request, db, me, ref, arrive)


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
        after: NamedDependency[AfterCommit],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        sent = await form(request)

        async def start() -> None:
            await handover.start(db, lambda: database.work(after), me, ref, read(CodeEntry, sent).code, vault)

        return await _done(request, db, me, ref, start)


class CompletionPages(Controller):
    path = "/jobs/{ref:str}/completion"
    opt = only("professional", blocked_may=True)

    @post(name="completion")
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        sent = await form(request)

        async def complete() -> None:
            await handover.complete(db, lambda: database.work(after), me, ref, read(CodeEntry, sent).code, vault)

        return await _done(request, db, me, ref, complete)


class ExtraPages(Controller):
    path = "/jobs/{ref:str}/extras"
    opt = only("professional")

    @post(name="extras")
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)

        async def propose() -> None:
            extra = read(NewExtra, sent)
            booking = await Bookings(db).for_professional(me, ref, lock=True)
            extras.propose(booking, me, extra.text, extra.price)

        said = _("Sent. The customer decides on their own page.")
        return await _done(request, db, me, ref, propose, do="extra", values=shown_again(sent), said=said)


class AbsencePages(Controller):
    path = "/jobs/{ref:str}/absence"
    opt = only("professional")

    @post(name="absence")
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        async def report() -> None:
            await absence.report(db, me, ref)

        return await _done(request, db, me, ref, report, said=_("Reported. You need not wait any longer."))


# How


async def _done(
    request: Request,
    db: AsyncSession,
    me: Me,
    reference: str,
    deed: Callable[[], Awaitable[None]],
    *,
    said: str = "",
    do: str = "",
    values: dict[str, str] | None = None,
) -> HtmlResponse:
    """Back to the job; or the job again, with the wrong field or the refusal in words."""
    try:
        await deed()
    except Invalid as error:
        shown = {**(values or {}), **{name: str(value) for name, value in error.values.items()}}
        booking = await held_by(db, me, reference)
        return await draw_job(request, db, me, booking, status=422, do=do, errors=error.errors, values=shown)
    except Refused as refusal:
        return await draw_job(request, db, me, await held_by(db, me, reference), status=409, refusal=refusal)
    if said:
        flash(request, said)
    return go(request, f"/jobs/{reference.upper()}" if me.blocked is None else "/blocked")
