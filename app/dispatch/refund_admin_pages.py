"""/admin/bookings/…/refund and /admin/refunds: money back, what waits for a second admin, what failed (W29)."""

from typing import Annotated, Any, Literal

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Users
from app.bookings.repository import Bookings
from app.core.errors import Invalid
from app.core.i18n import N_, _
from app.core.money import format_for_input, format_rupees
from app.dispatch.refund_decisions import answer_refund, parse_amount, refund, send_again
from app.dispatch.refund_repository import STATES, RefundQueue
from app.payments.refund import SECOND_ADMIN_ABOVE, Refund, RefundState
from app.payments.refunds import preview_refund
from app.payments.repository import Charges
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form, parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.table import table_view
from app.web.validation import validate_form

PATH = "/admin/refunds"


class RefundForm(Struct, kw_only=True):
    amount: str = ""
    borne_by: Annotated[Literal["doorstep", "shares"], Meta(extra={"error": N_("Choose who bears the refund.")})] = (
        "doorstep"
    )
    reason: str = ""
    as_credit: str = ""


class AnswerForm(Struct, kw_only=True):
    answer: Annotated[Literal["yes", "no"], Meta(extra={"error": N_("Choose yes or no.")})]


class BookingRefundAdminPages(Controller):
    path = "/admin/bookings/{ref:str}/refund"
    opt = only("admin", right="money")

    @get(name="admin-refund")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        """`amount` of the query string: show what a refund of so many rupees would do."""
        return await _render_form(request, db, me, ref)

    @post(opt=only("admin", fresh=True, right="money"))
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        booking = await Bookings(db).by_reference(ref)

        async def create_refund() -> Refund:
            fields = validate_form(RefundForm, form)
            return await refund(
                db, me, ref, fields.amount, fields.borne_by, fields.reason, as_credit=fields.as_credit == "yes"
            )

        return await submit(
            request,
            create_refund,
            form=form,
            on_error=lambda rejection: _render_form(request, db, me, ref, rejection),
            then=f"/admin/bookings/{booking.reference}?tab=money",
            message=_message,
        )


class RefundAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-refunds")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render_queue(request, db, me)

    @post(
        "/{refund_id:int}/confirmation", name="admin-refund-confirmation", opt=only("admin", fresh=True, right="money")
    )
    async def confirm(
        self, request: Request, refund_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        await RefundQueue(db).row(refund_id)  # what does not exist is 404, whatever was sent

        async def answer() -> Refund:
            return await answer_refund(db, me, refund_id, yes=validate_form(AnswerForm, form).answer == "yes")

        return await submit(
            request,
            answer,
            form=form,
            on_error=lambda rejection: _render_queue(request, db, me, rejection),
            then=PATH,
            message=_message,
        )

    @post("/{refund_id:int}/retry", name="admin-refund-retry", opt=only("admin", fresh=True, right="money"))
    async def retry(
        self, request: Request, refund_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await submit(
            request,
            lambda: send_again(db, me, refund_id),
            on_error=lambda rejection: _render_queue(request, db, me, rejection),
            then=PATH,
            message=_message,
        )


def _message(refund: Refund) -> str:
    """What became of the refund."""
    if refund.state == RefundState.REQUESTED:
        return _("Another admin has to confirm this refund.")
    if refund.state == RefundState.DONE:
        return _("%(amount)s refunded. The customer was notified.", amount=format_rupees(refund.amount))
    if refund.may_be_retried:
        return _("The bank didn't take the refund. You can send it again under Refunds.")
    return _("Refund declined. No money was moved.")


async def _render_form(
    request: Request, db: AsyncSession, me: Me, ref: str, rejection: Rejection | None = None
) -> HtmlResponse:
    booking = await Bookings(db).by_reference(ref)
    typed = rejection.values.get("amount", "") if rejection else parse_query(request).get("amount", "")
    errors, amount = dict(rejection.errors) if rejection else {}, None
    if typed:
        try:
            amount = parse_amount(typed)
        except Invalid as error:
            errors |= error.errors
    preview = await preview_refund(db, booking, amount)
    professional = await Users(db).get(preview.professional_id) if preview.professional_id else None
    defaults = {"amount": typed or format_for_input(preview.amount), "borne_by": "doorstep"}
    in_all = preview.refunded + preview.waiting + preview.amount
    response = await admin_page(
        request,
        db,
        "dispatch/refund.html",
        booking=booking,
        preview=preview,
        professional=professional,
        balance=(await Charges(db).balances_of(professional.id))[0] if professional else 0,
        needs_second=in_all > SECOND_ADMIN_ABOVE,
        has_second=await Users(db).has_admin_besides(me.id),
        values=defaults | (rejection.values if rejection else {}),
        errors=errors,
        refusal=rejection.refusal if rejection else None,
    )
    response.status_code = rejection.status if rejection else 422 if errors else 200
    return response


async def _render_queue(request: Request, db: AsyncSession, me: Me, rejection: Rejection | None = None) -> HtmlResponse:
    view = table_view(request, PATH, sorts=("requested",), default="requested", filters=("state",))
    queue = RefundQueue(db)
    state = view.filters["state"] if view.filters["state"] in STATES else ""
    context: dict[str, Any] = {
        "view": view,
        "state": state,
        "page": await queue.page(state, view.after),
        "counts": await queue.counts(),
        "my_id": me.id,
        "has_second": await Users(db).has_admin_besides(me.id),
        "refusal": (rejection.message or rejection.errors.get("answer", "")) if rejection else "",
    }
    response = await admin_page(request, db, "dispatch/refunds.html", "dispatch/_refunds.html", **context)
    response.status_code = rejection.status if rejection else 200
    return response
