"""/admin/dispatch: unassigned bookings by remaining time, their candidates with objections, and assignment."""

from typing import Annotated, Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import ROW_IDS, Users
from app.bookings.booking import Booking
from app.bookings.repository import Bookings
from app.core.encryption import Encryption
from app.core.errors import Missing, Refused
from app.core.i18n import N_, _
from app.dispatch.assignment import assign, find_assignment_candidates
from app.dispatch.unassigned_repository import CHIP_CONDITIONS, UnassignedBookings
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import redirect, swap, wants_fragment
from app.web.table import TableView, table_view
from app.web.validation import validate_form

PATH = "/admin/dispatch"
MAX_UNAVAILABLE = 40  # candidates shown of those who cannot have the job


class AssignmentForm(Struct, kw_only=True):
    professional_id: Annotated[int, Meta(gt=0, extra={"error": N_("Choose again.")})]


class UnassignedAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-dispatch")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        table = await _table(db, _view(request))
        return await admin_page(request, db, "dispatch/unassigned.html", "dispatch/_assign.html", **table)

    @get("/{ref:str}", name="admin-unassigned")
    async def show(self, request: Request, ref: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        try:
            return await _render(request, db, ref)
        except Missing:
            # Assigned or over meanwhile: its own page shows that.
            booking = await Bookings(db).by_reference(ref)
            return redirect(request, f"/admin/bookings/{booking.reference}")

    @post("/{ref:str}/assignment", name="admin-assignment")
    async def assign(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        professional_id = validate_form(AssignmentForm, await parse_form(request)).professional_id
        professional = await Users(db).get(_valid_id(professional_id))

        async def assign_job() -> Booking:
            return await assign(db, me, ref, professional.id, encryption)

        async def render_error(rejection: Rejection) -> HtmlResponse:
            try:
                return await _render(request, db, ref, rejection)
            except Missing:
                raise rejection.error from None

        def render_result(booking: Booking) -> HtmlResponse:
            if not wants_fragment(request):
                return redirect(request, f"/admin/bookings/{booking.reference}")
            return swap(request, "dispatch/assigned.swap.html", view=_view(request), assigned=booking, message=message)

        message = _("%(name)s now has the job. Both have been notified.", name=professional.full_name)
        return await submit(
            request,
            assign_job,
            catch=(Refused,),
            on_error=render_error,
            message="" if wants_fragment(request) else message,
            then=render_result,
        )


def _view(request: Request) -> TableView:
    return table_view(request, PATH, sorts=("starts",), default="starts", filters=("left",))


def _valid_id(person_id: int) -> int:
    if person_id not in ROW_IDS:
        raise Missing
    return person_id


async def _render(request: Request, db: AsyncSession, ref: str, rejection: Rejection | None = None) -> HtmlResponse:
    """Render one unassigned booking with its candidates; Missing when it is not unassigned any more."""
    view = _view(request)
    table = {} if wants_fragment(request) else await _table(db, view)
    context = {"view": view, **table, **await _record(db, ref), "refusal": rejection.refusal if rejection else None}
    response = await admin_page(request, db, "dispatch/unassigned.html", "dispatch/_unassigned.html", **context)
    response.status_code = rejection.status if rejection else 200
    return response


async def _table(db: AsyncSession, view: TableView) -> dict[str, Any]:
    unassigned = UnassignedBookings(db)
    left = view.filters["left"] if view.filters["left"] in CHIP_CONDITIONS else ""
    counts = await unassigned.counts()
    return {
        "view": view,
        "page": await unassigned.page(left, counts, descending=view.descending, after=view.after),
        "counts": counts,
        "unassigned": None,
    }


async def _record(db: AsyncSession, ref: str) -> dict[str, Any]:
    unassigned = await UnassignedBookings(db).find(ref)
    booking = await Bookings(db).by_reference(ref)
    candidates = await find_assignment_candidates(db, booking)
    unavailable = [candidate for candidate in candidates if not candidate.is_free]
    return {
        "unassigned": unassigned,
        "booking": booking,
        "free": [candidate for candidate in candidates if candidate.is_free],
        "unavailable": unavailable[:MAX_UNAVAILABLE],
        "unavailable_more": max(len(unavailable) - MAX_UNAVAILABLE, 0),
    }
