"""/admin/appeals: appeals of blocks, oldest first, and the decision by another admin (W30)."""

from typing import Annotated, Any, Literal

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.blocking.appeal import ANSWER_PERIOD, Outcome
from app.blocking.appeal_repository import STATES, Appeals
from app.blocking.appeals import decide_appeal, has_other_admin
from app.core.i18n import N_, _
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.table import table_view
from app.web.validation import validate_form

PATH = "/admin/appeals"


class DecisionForm(Struct, kw_only=True):
    outcome: Annotated[Literal["lift", "keep"], Meta(extra={"error": N_("Choose whether to lift the block.")})]
    reason: str = ""


class AppealAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-appeals")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        view = table_view(request, PATH, sorts=("created",), default="created", filters=("state",))
        appeals = Appeals(db)
        state = view.filters["state"] if view.filters["state"] in STATES else ""
        return await admin_page(
            request,
            db,
            "blocking/appeals.html",
            "blocking/_appeals.html",
            view=view,
            state=state,
            page=await appeals.page(state, view.after),
            counts=await appeals.counts(),
            answer_days=ANSWER_PERIOD.days,
        )

    @get("/{appeal_id:int}", name="admin-appeal")
    async def show(
        self, request: Request, appeal_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _render(request, db, me, appeal_id)

    @post("/{appeal_id:int}/decision", name="admin-appeal-decision", opt=only("admin", fresh=True))
    async def decide(
        self, request: Request, appeal_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        await Appeals(db).row(appeal_id)  # what does not exist is 404, whatever was sent

        async def decide() -> Outcome:
            decision = validate_form(DecisionForm, form)
            outcome = Outcome(decision.outcome)
            await decide_appeal(db, me, appeal_id, outcome, decision.reason)
            return outcome

        return await submit(
            request,
            decide,
            form=form,
            on_error=lambda rejection: _render(request, db, me, appeal_id, rejection),
            then=f"{PATH}/{appeal_id}",
            message=lambda outcome: (
                _("The block is lifted.") if outcome == Outcome.LIFT else _("Decided: the block stays.")
            ),
        )


async def _render(
    request: Request, db: AsyncSession, me: Me, appeal_id: int, rejection: Rejection | None = None
) -> HtmlResponse:
    appeal = await Appeals(db).row(appeal_id)
    is_blocker = appeal.blocked_by_id == me.id
    has_other = is_blocker and await has_other_admin(db, me.id)
    context: dict[str, Any] = {
        "appeal": appeal,
        "photos": await Appeals(db).photos(appeal),
        "record": f"/admin/{appeal.role}s/{appeal.user_id}",
        "may_decide": appeal.decided_at is None and not has_other,
        "for_another": appeal.decided_at is None and has_other,
        "is_only_admin": is_blocker and not has_other,
        "answer_days": ANSWER_PERIOD.days,
        "values": rejection.values if rejection else {},
        "errors": rejection.errors if rejection else {},
        "refusal": rejection.refusal if rejection else None,
    }
    response = await admin_page(request, db, "blocking/appeal_decision.html", **context)
    response.status_code = rejection.status if rejection else 200
    return response
