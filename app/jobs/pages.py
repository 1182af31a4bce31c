"""/jobs: what a professional is offered, holds and does next; and an offer's answer."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings import reservation
from app.bookings.booking import Booking
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.core import clock
from app.core.encryption import Vault
from app.core.errors import Invalid, Missing, Refused
from app.core.i18n import _
from app.jobs import handover
from app.jobs.absence import possible_from
from app.jobs.agenda import agenda_of
from app.jobs.offers import Bench, Offer, bench_of, gone_from, open_to, reach_of
from app.jobs.repository import Jobs
from app.jobs.schemas import MaybeReason, Reason
from app.payments.shares import earning_of
from app.web.forms import form, read, shown_again
from app.web.guards import BlockedPerson, only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page, wants_fragment

TABS = ("offers", "today", "coming")
REFERENCE = 8


class JobListPages(Controller):
    path = "/jobs"
    opt = only("professional")

    @get(name="jobs")
    async def index(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        tab: FromQuery[str] = "offers",
        seen: FromQuery[str] = "",
    ) -> HtmlResponse:
        """`seen` are the references of the offers on the screen: what became of them is told once."""
        return await draw_list(request, db, me, tab=tab, seen=seen.split(","))


class JobPages(Controller):
    path = "/jobs/{ref:str}"
    opt = only("professional", blocked_may=True)

    @get(name="job")
    async def show(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        do: FromQuery[str] = "",
    ) -> HtmlResponse:
        """`do` opens one of the rarer deeds: return, absence, extra."""
        try:
            booking = await held_by(db, me, ref)
        except Missing:
            return await _draw_offer(request, db, me, ref)
        return await draw_job(request, db, me, booking, do=do)


class AcceptancePages(Controller):
    path = "/jobs/{ref:str}/acceptance"
    opt = only("professional")

    @post(name="acceptance")
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        try:
            booking = await reservation.accept(db, me, ref, vault)
        except Refused as refusal:
            return await draw_list(request, db, me, status=409, seen=[ref], refusal=refusal)
        flash(request, _("The job is yours. The customer has been told."))
        return go(request, f"/jobs/{booking.reference}")


class PassPages(Controller):
    path = "/jobs/{ref:str}/pass"
    opt = only("professional")

    @post(name="pass")
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        try:
            reason = read(MaybeReason, await form(request)).reason
            await reservation.pass_on(db, me, ref, reason)
        except Missing:
            if not await Jobs(db).has_declined(me, ref):
                raise
        except Invalid as error:
            return await _draw_offer(request, db, me, ref, status=422, errors=error.errors, values=error.values)
        except Refused as refusal:
            return await draw_list(request, db, me, status=409, seen=[ref], refusal=refusal)
        if wants_fragment(request):
            return await draw_list(request, db, me)
        return go(request, "/jobs")


class ReturnPages(Controller):
    path = "/jobs/{ref:str}/return"
    opt = only("professional")

    @post(name="return")
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            await reservation.hand_back(db, me, ref, read(Reason, sent).reason)
        except Missing:
            if not await Jobs(db).has_declined(me, ref):
                raise
        except Invalid as error:
            booking = await held_by(db, me, ref)
            values = shown_again(sent)
            return await draw_job(request, db, me, booking, status=422, do="return", errors=error.errors, values=values)
        except Refused as refusal:
            return await draw_job(request, db, me, await held_by(db, me, ref), status=409, refusal=refusal)
        flash(request, _("You handed the job back. It is offered to others now."))
        return go(request, "/jobs")


# What several doors draw


async def held_by(db: AsyncSession, me: Me, reference: str) -> Booking:
    """The job, if it is `me`'s; somebody blocked sees only the one that has started (W2)."""
    if not _is_reference(reference):
        raise Missing
    booking = await Bookings(db).for_professional(me, reference)
    if me.blocked is not None and booking.state != State.STARTED:
        raise BlockedPerson(me.blocked)
    return booking


async def draw_job(
    request: Request,
    db: AsyncSession,
    me: Me,
    booking: Booking,
    *,
    status: int = 200,
    do: str = "",
    errors: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    refusal: Refused | None = None,
) -> HtmlResponse:
    now = clock.now()
    code = booking.live_code("start" if booking.state == State.ASSIGNED else "finish")
    return page(
        request,
        "jobs/job.html",
        "jobs/_job.html",
        status=status,
        booking=booking,
        party=await Jobs(db).party_of(booking) if booking.contact_open(now) else None,
        earning=earning_of(booking.total),
        do=do,
        report_from=possible_from(booking),
        locked_until=handover.locked_until(code, now),
        spent=handover.is_spent(code),
        errors=errors or {},
        values=values or {},
        refusal=refusal,
    )


async def draw_list(
    request: Request,
    db: AsyncSession,
    me: Me,
    *,
    tab: str = "offers",
    status: int = 200,
    seen: list[str] | None = None,
    refusal: Refused | None = None,
) -> HtmlResponse:
    bench, offers, agenda = await _desk(db, me)
    known = [reference.upper() for reference in seen or [] if _is_reference(reference)]
    return page(
        request,
        "jobs/jobs.html",
        "jobs/jobs.swap.html",
        status=status,
        tab=tab if tab in TABS else "offers",
        bench=bench,
        offers=offers,
        fresh=[offer for offer in offers if known and offer.reference not in known],
        gone=await gone_from(db, me, known, offers) if known else [],
        reach=await reach_of(db, bench) if not offers else None,
        agenda=agenda,
        refusal=refusal,
    )


async def _desk(db: AsyncSession, me: Me) -> tuple[Bench, list[Offer], Any]:
    jobs = await Jobs(db).agenda(me)
    bench = await bench_of(db, me, [job.busy for job in jobs if not job.is_done])
    return bench, await open_to(db, bench), agenda_of(jobs, bench.worker.home)


async def _draw_offer(
    request: Request,
    db: AsyncSession,
    me: Me,
    reference: str,
    *,
    status: int = 200,
    errors: dict[str, str] | None = None,
    values: dict[str, Any] | None = None,
) -> HtmlResponse:
    """The reduced form, for whoever could accept it; else 404, which on an open page replaces what stood there."""
    if me.blocked is not None:
        raise BlockedPerson(me.blocked)
    if not _is_reference(reference):
        raise Missing
    jobs = await Jobs(db).agenda(me)
    bench = await bench_of(db, me, [job.busy for job in jobs if not job.is_done])
    offers = await open_to(db, bench, reference)
    if not offers and not wants_fragment(request):
        raise Missing
    return page(
        request,
        "jobs/offer.html",
        "jobs/_offer.html",
        status=status if offers else 404,
        reference=reference.upper(),
        offer=offers[0] if offers else None,
        gone=await gone_from(db, me, [reference.upper()], offers),
        errors=errors or {},
        values=values or {},
    )


def _is_reference(text: str) -> bool:
    return len(text) == REFERENCE and text.isascii() and text.isalnum()
