"""/admin/cases: the queue by the clock, a case with its booking and its money, and the decision (W27)."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Users
from app.bookings.repository import Bookings
from app.cases.case import MAX_MESSAGE_LENGTH, SAFETY_TOPICS, Case
from app.cases.cases import assign_case, post_message, reopen_case
from app.cases.decision import decide_case, read_decision
from app.cases.repository import TABS, BookingCases
from app.core.errors import Invalid, RateLimited, Refused
from app.core.i18n import _
from app.core.storage import Upload
from app.payments.repository import Charges
from app.photos.photo_pages import read_photos
from app.photos.photo_upload import MAX_PHOTOS_AT_ONCE, MAX_PHOTOS_REQUEST_BYTES, PHOTO_TYPES
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import Form, parse_form
from app.web.guards import has_right, only, require_right
from app.web.http import HtmlResponse, Request
from app.web.table import table_view
from app.web.uploads import with_files_to_choose
from app.web.validation import typed_text

PATH = "/admin/cases"
REPEATED_FIELD = "outcome"  # the one field of the decision that may come twice


class RightNeeded(Invalid):
    """The outcome takes a right that the admin doesn't have: 403, beside the outcome, and no written word is lost."""


class CaseAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-cases")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        view = table_view(request, PATH, sorts=("due",), default="due", filters=("tab",))
        cases = BookingCases(db)
        tab = view.filters["tab"] if view.filters["tab"] in TABS else ""
        return await admin_page(
            request,
            db,
            "cases/admin/cases.html",
            "cases/admin/_cases.html",
            view=view,
            tab=tab,
            page=await cases.page(tab, me, view.after),
            counts=await cases.counts(me),
            safety_topics=SAFETY_TOPICS,
        )

    @get("/{ref:str}", name="admin-case")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _render(request, db, me, ref)

    @post("/{ref:str}/messages", name="admin-case-message", request_max_body_size=MAX_PHOTOS_REQUEST_BYTES)
    async def write(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def write() -> Case:
            message = typed_text(form, "message")
            photos = await read_photos(request, me, form.all_files("photos"))
            return await post_message(db, me, ref, message, photos)

        return await submit(
            request,
            write,
            form=form,
            catch=(Invalid, Refused, RateLimited),
            on_error=lambda rejection: _render(request, db, me, ref, rejection, files=form.files),
            then=lambda case: f"{PATH}/{case.reference}",
        )

    @post("/{ref:str}/assignment", name="admin-case-assignment")
    async def assign(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        case = await BookingCases(db).row(ref, me)
        return await submit(
            request,
            lambda: assign_case(db, me, ref),
            on_error=lambda rejection: _render(request, db, me, ref, rejection),
            then=f"{PATH}/{case.reference}",
            message=_("The case is yours."),
        )

    @post("/{ref:str}/decision", name="admin-case-decision", opt=only("admin", fresh=True))
    async def decide(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        """Afterwards the next open case of the queue, or the queue."""
        form = await parse_form(request, may_repeat=True)
        await BookingCases(db).row(ref, me)

        async def decide() -> str:
            decision = _read_decision(form)
            if not has_right(me, decision.right):
                raise RightNeeded({"outcome": _("Your admin account doesn't have the right for this. Ask an owner.")})
            case = await decide_case(db, me, ref, decision)
            if case.payout_released:
                require_right(me, "money")
            next_open = await BookingCases(db).next_open()
            return f"{PATH}/{next_open}" if next_open else PATH

        return await submit(
            request,
            decide,
            form=form,
            on_error=lambda rejection: _render(request, db, me, ref, rejection, form.all(REPEATED_FIELD)),
            then=lambda url: url,
            message=_("The case is decided. Both sides read your reason."),
        )

    @post("/{ref:str}/reopening", name="admin-case-reopening")
    async def reopen(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        case = await BookingCases(db).row(ref, me)
        return await submit(
            request,
            lambda: reopen_case(db, me, ref),
            catch=(Refused,),
            on_error=lambda rejection: _render(request, db, me, ref, rejection),
            then=f"{PATH}/{case.reference}",
            message=_("The case is open again."),
        )


def _read_decision(form: Form) -> Any:
    if form.unreadable:
        raise Invalid(form.unreadable)
    if repeated := {name: text for name, text in form.repeated.items() if name != REPEATED_FIELD}:
        raise Invalid(repeated)
    outcomes = form.all(REPEATED_FIELD)
    if len(set(outcomes)) < len(outcomes):
        raise Invalid({REPEATED_FIELD: _("Send this only once.")})
    return read_decision(
        outcomes, form.get("amount", ""), form.get("borne_by", "") or "doorstep", typed_text(form, "reason")
    )


async def _render(
    request: Request,
    db: AsyncSession,
    me: Me,
    ref: str,
    rejection: Rejection | None = None,
    chosen: list[str] | None = None,
    files: dict[str, Upload] | None = None,
) -> HtmlResponse:
    cases = BookingCases(db)
    case = await cases.row(ref, me)
    booking = await Bookings(db).by_reference(case.booking)
    charges = await Charges(db).of_booking(booking.id)
    is_decider = case.decided_by_id == me.id
    response = await admin_page(
        request,
        db,
        "cases/admin/case.html",
        "cases/admin/_case.html",
        case=case,
        booking=booking,
        is_safety=case.topic in SAFETY_TOPICS,
        messages=await cases.messages(case, me),
        charges=charges,
        refundable=sum(charge.refundable for charge in charges),
        refund=await cases.refund_state(case.refund_id),
        redo=await cases.redo_of(booking.id),
        may_reopen=case.state == "decided" and not (is_decider and await Users(db).has_admin_besides(me.id)),
        is_decider=is_decider,
        chosen=chosen or [],
        values=rejection.values if rejection else {},
        errors=with_files_to_choose(files or {}, rejection.errors) if rejection else {},
        problem=rejection.message if rejection else "",
        max_length=MAX_MESSAGE_LENGTH,
        most_photos=MAX_PHOTOS_AT_ONCE,
        photo_types=PHOTO_TYPES,
    )
    response.status_code = rejection.status if rejection else 200
    if rejection and isinstance(rejection.error, RightNeeded):
        response.status_code = 403
    return response
