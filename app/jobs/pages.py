"""/jobs: a professional's offers, agenda and jobs; accept, pass on or hand back."""

from dataclasses import dataclass

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.booking import Booking
from app.bookings.code import entry_locked_until, is_spent
from app.bookings.decline import is_arrival_contested
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.timeline import admin_messages, timeline_steps
from app.bookings.timeline_repository import timeline_events
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Missing, Refused
from app.core.i18n import _
from app.core.references import is_reference, parse_reference
from app.jobs import acceptance
from app.jobs.agenda import Agenda, agenda_of
from app.jobs.offers import Offer, find_expired_offers, find_workday
from app.jobs.repository import Jobs
from app.jobs.schemas import MaybeReason, Reason
from app.payments.shares import earning_of
from app.scheduling.candidates import ProfessionalSchedule
from app.scheduling.exclusion import ExcludedBy
from app.scheduling.exclusion_repository import Exclusions
from app.scheduling.service_area_repository import load_service_area
from app.web.actions import Rejection, submit
from app.web.forms import parse_form
from app.web.guards import UserBlocked, only
from app.web.http import HtmlResponse, Request
from app.web.panels import load_panels
from app.web.render import page, redirect, wants_fragment
from app.web.validation import validate_form

TABS = ("offers", "today", "coming")
OFFERS_PER_PAGE = 12


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
        show: FromQuery[str] = "",
    ) -> HtmlResponse:
        """`seen` are the offers that were open before; displayed ones that expired are shown once more."""
        return await render_jobs(request, db, me, tab=tab, seen=seen.split(","), count=_parse_count(show))


class JobPages(Controller):
    path = "/jobs/{ref:str}"
    opt = only("professional", allow_blocked=True)

    @get(name="job")
    async def show(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        do: FromQuery[str] = "",
    ) -> HtmlResponse:
        """`do` opens the form of a rarer action: "return" (hand back), "absence" (customer no-show) or "extra"."""
        try:
            booking = await find_job(db, me, ref)
        except Missing:
            return await _render_offer(request, db, me, ref)
        return await render_job(request, db, me, booking, do=do)


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
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        async def accept() -> Booking:
            return await acceptance.accept(db, me, ref, encryption)

        return await submit(
            request,
            accept,
            catch=(Refused,),
            on_error=lambda rejection: _render_refused_offer(request, db, me, ref, rejection),
            message=_("The job is yours. We've notified the customer."),
            then=lambda booking: f"/jobs/{booking.reference}",
        )


class PassPages(Controller):
    path = "/jobs/{ref:str}/pass"
    opt = only("professional")

    @post(name="pass")
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        show: FromQuery[str] = "",
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def pass_on() -> Booking:
            return await acceptance.pass_on(db, me, ref, validate_form(MaybeReason, form).reason)

        async def render_error(rejection: Rejection) -> HtmlResponse:
            if rejection.refusal:
                return await _render_refused_offer(request, db, me, ref, rejection)
            return await _render_offer(request, db, me, ref, rejection)

        async def render_result(_booking: Booking) -> HtmlResponse:
            if wants_fragment(request):
                return await render_jobs(request, db, me, count=_parse_count(show))
            return redirect(request, "/jobs")

        return await submit(request, pass_on, form=form, on_error=render_error, then=render_result)


class HandBackPages(Controller):
    path = "/jobs/{ref:str}/return"
    opt = only("professional")

    @post(name="hand-back")
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def hand_back() -> None:
            await acceptance.hand_back(db, me, ref, validate_form(Reason, form).reason)

        async def render_error(rejection: Rejection) -> HtmlResponse:
            booking = await find_job(db, me, ref)
            return await render_job(
                request, db, me, booking, do="" if rejection.refusal else "return", rejection=rejection
            )

        return await submit(
            request,
            hand_back,
            form=form,
            on_error=render_error,
            message=_("You gave up the job. It's now offered to others."),
            then="/jobs",
        )


@dataclass(frozen=True, slots=True)
class Workday:
    """A professional's schedule with what is offered and what is agreed."""

    schedule: ProfessionalSchedule
    offers: list[Offer]
    agenda: Agenda


async def find_job(db: AsyncSession, me: Me, reference: str) -> Booking:
    """Return the job assigned to `me`. UserBlocked for a blocked professional unless it has started (W2)."""
    if not is_reference(parse_reference(reference)):
        raise Missing
    booking = await Bookings(db).for_professional(me, reference)
    if me.blocked is not None and booking.state != State.STARTED:
        raise UserBlocked(me.blocked)
    return booking


async def render_job(
    request: Request,
    db: AsyncSession,
    me: Me,
    booking: Booking,
    *,
    do: str = "",
    rejection: Rejection | None = None,
) -> HtmlResponse:
    """The job's page; a refusal for being early is a question ("departure", "start") that stands beside its button."""
    now = clock.now()
    code = booking.live_code("start" if booking.state == State.ASSIGNED else "finish")
    refusal = rejection.refusal if rejection else None
    question = refusal.about if refusal and refusal.reason == "early" else None
    events = await timeline_events(db, booking.reference)
    return page(
        request,
        "jobs/job.html",
        "jobs/_job.html",
        status=rejection.status if rejection else 200,
        booking=booking,
        contact=await Jobs(db).customer_contact(booking) if booking.contact_open(now) else None,
        earning=earning_of(booking.total),
        do=do,
        report_from=booking.no_show_reportable_from(),
        steps=timeline_steps(booking, events, me),
        admin_messages=admin_messages(events, me),
        is_contested=await is_arrival_contested(db, booking),
        locked_until=entry_locked_until(code, now),
        spent=is_spent(code),
        errors=rejection.errors if rejection else {},
        values=rejection.values if rejection and not refusal else {},
        refusal=refusal,
        question=question,
        is_excluded=await _is_excluded(db, me, booking),
        panels=await load_panels(request, db, "jobs.job", booking),
    )


async def _is_excluded(db: AsyncSession, me: Me, booking: Booking) -> bool | None:
    """Whether `me` excluded the customer of a job that is over; None while it is not."""
    if booking.state not in (State.COMPLETED, State.CLOSED, State.CANCELLED):
        return None
    return await Exclusions(db).exists(booking.customer_id, me.id, ExcludedBy.PROFESSIONAL)


async def render_jobs(
    request: Request,
    db: AsyncSession,
    me: Me,
    *,
    tab: str = "offers",
    seen: list[str] | None = None,
    count: int = OFFERS_PER_PAGE,
    rejection: Rejection | None = None,
) -> HtmlResponse:
    workday = await _load_workday(db, me)
    references = [reference for reference in map(parse_reference, seen or []) if is_reference(reference)]
    displayed = references[:count]
    return page(
        request,
        "jobs/jobs.html",
        "jobs/jobs.swap.html",
        status=rejection.status if rejection else 200,
        tab=tab if tab in TABS else "offers",
        schedule=workday.schedule,
        offers=workday.offers,
        count=count,
        next_count=min(count + OFFERS_PER_PAGE, len(workday.offers)),
        new_offers=[offer for offer in workday.offers if references and offer.reference not in references],
        expired=await find_expired_offers(db, me, displayed, workday.offers) if displayed else [],
        area=await load_service_area(db, workday.schedule) if not workday.offers else None,
        agenda=workday.agenda,
        refusal=rejection.refusal if rejection else None,
    )


async def _render_refused_offer(
    request: Request, db: AsyncSession, me: Me, reference: str, rejection: Rejection
) -> HtmlResponse:
    """Render the list with what became of the offer."""
    return await render_jobs(request, db, me, seen=[reference], rejection=rejection)


def _parse_count(show: str) -> int:
    """How many offers to show: what "Show more" asked for, else a page of them."""
    return max(int(show), OFFERS_PER_PAGE) if show.isascii() and show.isdecimal() and len(show) < 4 else OFFERS_PER_PAGE


async def _load_workday(db: AsyncSession, me: Me, reference: str | None = None) -> Workday:
    schedule, jobs, offers = await find_workday(db, me, reference)
    return Workday(schedule, offers, agenda_of(jobs, schedule.candidate.home))


async def _render_offer(
    request: Request, db: AsyncSession, me: Me, reference: str, rejection: Rejection | None = None
) -> HtmlResponse:
    """Render the offer for a professional who could accept it; else 404, which replaces the offer on an open page."""
    if me.blocked is not None:
        raise UserBlocked(me.blocked)
    if not is_reference(parse_reference(reference)):
        raise Missing
    offers = (await _load_workday(db, me, reference)).offers
    if not offers and not wants_fragment(request):
        raise Missing
    status = rejection.status if rejection else 200
    return page(
        request,
        "jobs/offer.html",
        "jobs/_offer.html",
        status=status if offers else 404,
        reference=parse_reference(reference),
        offer=offers[0] if offers else None,
        expired=await find_expired_offers(db, me, [parse_reference(reference)], offers),
        errors=rejection.errors if rejection else {},
        values=rejection.values if rejection else {},
    )
