"""/cases: the cases of a customer or a professional, and the thread of one."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.cases.case import MAX_MESSAGE_LENGTH, SAFETY_TOPICS
from app.cases.cases import post_message
from app.cases.repository import BookingCases
from app.core.errors import Invalid, RateLimited, Refused
from app.web.actions import Rejection, submit
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page


class CasePages(Controller):
    path = "/cases"
    opt = only("customer", "professional")

    @get(name="cases")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return page(request, "cases/index.html", cases=await BookingCases(db).listed(me))

    @get("/{ref:str}", name="case")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _render(request, db, me, ref)

    @post("/{ref:str}/messages", name="case-message")
    async def write(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        await BookingCases(db).row(ref, me)
        return await submit(
            request,
            lambda: post_message(db, me, ref, form.get("message", "")),
            form=form,
            catch=(Invalid, Refused, RateLimited),
            on_error=lambda rejection: _render(request, db, me, ref, rejection),
            then=lambda case: f"/cases/{case.reference}",
        )


async def _render(
    request: Request, db: AsyncSession, me: Me, ref: str, rejection: Rejection | None = None
) -> HtmlResponse:
    cases = BookingCases(db)
    case = await cases.row(ref, me)
    return page(
        request,
        "cases/case.html",
        "cases/_case.html",
        status=rejection.status if rejection else 200,
        headers=rejection.headers if rejection else None,
        case=case,
        is_safety=case.topic in SAFETY_TOPICS,
        is_opener=case.side == me.role,
        messages=await cases.messages(case, me),
        refund=await cases.refund_state(case.refund_id),
        redo=await cases.redo_of(case.booking_id) if "redo" in (case.outcomes or ()) else None,
        values=rejection.values if rejection else {},
        errors=rejection.errors if rejection else {},
        message=rejection.message if rejection else "",
        max_length=MAX_MESSAGE_LENGTH,
    )
