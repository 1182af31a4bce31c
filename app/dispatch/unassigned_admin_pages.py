"""/admin/dispatch: what nobody has accepted, by the time left; who could have it and why not; giving it by hand."""

from typing import Annotated, Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import IDS, Users
from app.bookings.repository import Bookings
from app.bookings.terms import UNFILLED_BEFORE
from app.core.encryption import Vault
from app.core.errors import Missing, Refused
from app.core.i18n import N_, _
from app.dispatch.assignment import candidates, give
from app.dispatch.unassigned_repository import CHIPS, Dispatch
from app.web.admin import desk
from app.web.forms import form, read
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, swap, wants_fragment
from app.web.table import View, view

PATH = "/admin/dispatch"
MOST_NOT_FREE = 40  # of those who cannot have it, so many are shown


class Chosen(Struct, kw_only=True):
    professional_id: Annotated[int, Meta(gt=0, extra={"error": N_("Please choose again.")})]


class DispatchDesk(Controller):
    path = PATH
    opt = only("admin")

    @get(name="desk-dispatch")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        table = await _table(db, _view(request))
        return await desk(request, db, "dispatch/unassigned.html", "dispatch/_assign.html", **table)

    @get("/{ref:str}", name="desk-unassigned")
    async def show(self, request: Request, ref: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        try:
            return await _drawn(request, db, ref)
        except Missing:
            # Somebody has it meanwhile, or it is over: the booking's own page says so.
            booking = await Bookings(db).by_reference(ref)
            return go(request, f"/admin/bookings/{booking.reference}")

    @post("/{ref:str}/assignment", name="desk-assignment")
    async def assign(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        person = await Users(db).get(_known(read(Chosen, await form(request)).professional_id))
        try:
            booking = await give(db, me, ref, person.id, vault)
        except Refused as refusal:
            return await _refused(request, db, ref, refusal)
        words = _("%(name)s has the job. Both have been told.", name=person.full_name)
        if not wants_fragment(request):
            flash(request, words)
            return go(request, f"/admin/bookings/{booking.reference}")
        return swap(request, "dispatch/assigned.swap.html", view=_view(request), given=booking, said=words)


# How


def _view(request: Request) -> View:
    return view(request, PATH, sorts=("starts",), default="starts", filters=("left",))


def _known(person_id: int) -> int:
    if person_id not in IDS:
        raise Missing
    return person_id


async def _refused(request: Request, db: AsyncSession, ref: str, no: Refused) -> HtmlResponse:
    """Why not; with everybody who could, as long as it still waits."""
    try:
        return await _drawn(request, db, ref, status=409, refusal=no)
    except Missing:
        raise no from None


async def _drawn(request: Request, db: AsyncSession, ref: str, *, status: int = 200, **more: Any) -> HtmlResponse:
    asked = _view(request)
    around = {} if wants_fragment(request) else await _table(db, asked)
    context = {"view": asked, "refusal": None, **around, **await _record(db, ref), **more}
    answer = await desk(request, db, "dispatch/unassigned.html", "dispatch/_unassigned.html", **context)
    answer.status_code = status
    return answer


async def _table(db: AsyncSession, asked: View) -> dict[str, Any]:
    waiting = Dispatch(db)
    left = asked.chosen["left"] if asked.chosen["left"] in CHIPS else ""
    return {
        "view": asked,
        "page": await waiting.waiting(left, descending=asked.descending, after=asked.after),
        "counts": await waiting.counts(),
        "unfilled_before": UNFILLED_BEFORE,
        "waits": None,
    }


async def _record(db: AsyncSession, ref: str) -> dict[str, Any]:
    waits = await Dispatch(db).one(ref)
    booking = await Bookings(db).by_reference(ref)
    found = await candidates(db, booking)
    not_free = [one for one in found if not one.is_free]
    return {
        "waits": waits,
        "booking": booking,
        "free": [one for one in found if one.is_free],
        "not_free": not_free[:MOST_NOT_FREE],
        "more_not_free": max(len(not_free) - MOST_NOT_FREE, 0),
        "unfilled_before": UNFILLED_BEFORE,
    }
