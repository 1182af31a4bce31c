"""/admin/bookings/…/cancellation, reschedule, reassignment, note, message: forms that say what they do."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.contact_fields import MAX_REASON_LENGTH
from app.accounts.repository import Users
from app.bookings.booking import Booking
from app.bookings.moves import State, StateRefused
from app.bookings.repository import Bookings
from app.bookings.schemas import read_start
from app.bookings.slot_picker import agreed_service, day_of
from app.catalog.service import Service
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Refused
from app.core.i18n import N_, _
from app.dispatch import interventions
from app.dispatch.assignment import find_assignment_candidates
from app.scheduling.slot_search import nearest_starts
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form, parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.validation import validate_form

MAX_STARTS = 12
Render = Callable[..., Awaitable[HtmlResponse]]


class CancellationForm(Struct, kw_only=True):
    fee: Annotated[Literal["none", "rule"], Meta(extra={"error": N_("Choose whether there is a fee.")})] = "none"
    reason: str = ""


class RescheduleForm(Struct, kw_only=True):
    start: Annotated[str, Meta(max_length=64, extra={"error": N_("Pick a time.")})]


class ReassignmentForm(Struct, kw_only=True):
    professional_id: Annotated[int, Meta(gt=0, le=2**63 - 1, extra={"error": N_("Choose again.")})]
    reason: str = ""


class MessageForm(Struct, kw_only=True):
    to: Annotated[Literal["customer", "professional"], Meta(extra={"error": N_("Choose whom you write to.")})]
    text: str = ""


class NoteForm(Struct, kw_only=True):
    text: str = ""


class AdminCancellationPages(Controller):
    path = "/admin/bookings/{ref:str}/cancellation"
    opt = only("admin")

    @get(name="admin-cancellation")
    async def show(self, request: Request, ref: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render_cancellation(request, db, ref)

    @post()
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def cancel() -> Booking:
            fields = validate_form(CancellationForm, form)
            return await interventions.cancel(db, me, ref, fields.reason, with_fee=fields.fee == "rule")

        return await _submit(
            request, db, ref, cancel, _render_cancellation, _("Booking cancelled. Both sides were notified.")
        )


class AdminReschedulePages(Controller):
    path = "/admin/bookings/{ref:str}/reschedule"
    opt = only("admin")

    @get(name="admin-reschedule")
    async def show(self, request: Request, ref: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render_reschedule(request, db, ref)

    @post()
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def move() -> Booking:
            return await interventions.move(db, me, ref, read_start(validate_form(RescheduleForm, form).start))

        return await _submit(request, db, ref, move, _render_reschedule, _("Booking moved. Both sides were notified."))


class AdminReassignmentPages(Controller):
    path = "/admin/bookings/{ref:str}/reassignment"
    opt = only("admin")

    @get(name="admin-reassignment")
    async def show(self, request: Request, ref: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render_reassignment(request, db, ref)

    @post()
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def reassign() -> Booking:
            fields = validate_form(ReassignmentForm, form)
            return await interventions.reassign(db, me, ref, fields.professional_id, fields.reason, encryption)

        return await _submit(
            request, db, ref, reassign, _render_reassignment, _("Job reassigned. Everyone concerned was notified.")
        )


class NoteAdminPages(Controller):
    path = "/admin/bookings/{ref:str}/note"
    opt = only("admin")

    @get(name="admin-note")
    async def show(self, request: Request, ref: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render_note(request, db, ref)

    @post()
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def add() -> Booking:
            return await interventions.add_note(db, me, ref, validate_form(NoteForm, form).text)

        return await _submit(request, db, ref, add, _render_note, _("Note saved."), tab="history")


class MessageAdminPages(Controller):
    path = "/admin/bookings/{ref:str}/message"
    opt = only("admin")

    @get(name="admin-message")
    async def show(self, request: Request, ref: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render_message(request, db, ref)

    @post()
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def send() -> Booking:
            fields = validate_form(MessageForm, form)
            return await interventions.send_message(db, me, ref, fields.to, fields.text)

        return await _submit(request, db, ref, send, _render_message, _("Message sent."), tab="history")


async def _submit(
    request: Request,
    db: AsyncSession,
    ref: str,
    action: Callable[[], Awaitable[Booking]],
    render: Render,
    message: str,
    tab: str = "",
) -> HtmlResponse:
    return await submit(
        request,
        action,
        form=await parse_form(request),
        on_error=lambda rejection: render(request, db, ref, rejection),
        then=lambda booking: f"/admin/bookings/{booking.reference}" + (f"?tab={tab}" if tab else ""),
        message=message,
    )


async def _render_cancellation(
    request: Request, db: AsyncSession, ref: str, rejection: Rejection | None = None
) -> HtmlResponse:
    booking = await Bookings(db).by_reference(ref)
    refusal: Refused | None = None
    try:
        interventions.require_cancellable(booking)
    except Refused as refused:
        refusal = refused
    return await _page(
        request,
        db,
        "dispatch/cancellation.html",
        booking,
        rejection,
        refusal,
        cost=await interventions.preview_cancellation(db, booking),
        professional=await _professional(db, booking),
        values={"fee": "none"} | (rejection.values if rejection else {}),
        max_length=MAX_REASON_LENGTH,
    )


async def _render_reschedule(
    request: Request, db: AsyncSession, ref: str, rejection: Rejection | None = None
) -> HtmlResponse:
    """The nearest free starts to the one that was chosen, to a day, or to the booking's own."""
    booking = await Bookings(db).by_reference(ref)
    is_possible = booking.state in (State.REQUESTED, State.ASSIGNED)
    service = agreed_service(booking, await db.get_one(Service, booking.service_id))
    day = parse_query(request).get("day", "")
    near = clock.at(day_of(day), 12 * 60) if day else booking.starts_at
    starts = (
        await nearest_starts(db, service, booking.pincode, near, customer_id=booking.customer_id, limit=MAX_STARTS)
        if is_possible
        else []
    )
    return await _page(
        request,
        db,
        "dispatch/reschedule.html",
        booking,
        rejection,
        None if is_possible else StateRefused(booking.state),
        starts=starts,
        day=near.astimezone(clock.IST).date().isoformat(),
        professional=await _professional(db, booking),
        values=rejection.values if rejection else {},
    )


async def _render_reassignment(
    request: Request, db: AsyncSession, ref: str, rejection: Rejection | None = None
) -> HtmlResponse:
    booking = await Bookings(db).by_reference(ref)
    is_possible = booking.state in interventions.REASSIGNABLE
    candidates = await find_assignment_candidates(db, booking) if is_possible else []
    others = [candidate for candidate in candidates if candidate.candidate.id != booking.professional_id]
    return await _page(
        request,
        db,
        "dispatch/reassignment.html",
        booking,
        rejection,
        None if is_possible else StateRefused(booking.state),
        free=[candidate for candidate in others if candidate.is_free],
        unavailable=[candidate for candidate in others if not candidate.is_free][:40],
        professional=await _professional(db, booking),
        values=rejection.values if rejection else {},
        max_length=MAX_REASON_LENGTH,
    )


async def _render_note(
    request: Request, db: AsyncSession, ref: str, rejection: Rejection | None = None
) -> HtmlResponse:
    booking = await Bookings(db).by_reference(ref)
    values = rejection.values if rejection else {}
    return await _page(
        request,
        db,
        "dispatch/note.html",
        booking,
        rejection,
        None,
        values=values,
        max_length=interventions.MAX_NOTE_LENGTH,
    )


async def _render_message(
    request: Request, db: AsyncSession, ref: str, rejection: Rejection | None = None
) -> HtmlResponse:
    booking = await Bookings(db).by_reference(ref)
    return await _page(
        request,
        db,
        "dispatch/message.html",
        booking,
        rejection,
        None,
        customer=await Users(db).get(booking.customer_id),
        professional=await _professional(db, booking),
        values=rejection.values if rejection else {"to": "customer"},
        max_length=interventions.MAX_NOTE_LENGTH,
    )


async def _page(
    request: Request,
    db: AsyncSession,
    template: str,
    booking: Booking,
    rejection: Rejection | None,
    impossible: Refused | None,
    **more: Any,
) -> HtmlResponse:
    """`impossible`: why the action cannot be done in this state; then the page is 409 and has no form."""
    refusal = (rejection.refusal if rejection else None) or impossible
    errors = rejection.errors if rejection else {}
    response = await admin_page(
        request, db, template, booking=booking, possible=impossible is None, refusal=refusal, errors=errors, **more
    )
    response.status_code = 409 if refusal else 422 if errors else 200
    return response


async def _professional(db: AsyncSession, booking: Booking) -> Any:
    return await Users(db).get(booking.professional_id) if booking.professional_id else None
