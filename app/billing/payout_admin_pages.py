"""/admin/payouts: what is due and what is held, runs, the bank's file, and what the bank paid."""

from datetime import timedelta
from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import ROW_IDS
from app.billing.payout import Payout, PayoutRun
from app.billing.payout_repository import Payouts
from app.billing.payouts import bank_file, due_now, make_run, mark_failed, mark_paid
from app.billing.schemas import FailedBody, PaidBody, RunBody
from app.core import clock
from app.core.datetimes import YEARS, parse_day
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing
from app.core.i18n import N_, _
from app.core.money import format_rupees
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.validation import validate_form

PATH = "/admin/payouts"
MAX_RUNS, MAX_SHOWN = 52, 200
HELD_REASONS = {
    "account": N_("no bank account yet"),
    "changed": N_("the account was changed in the last 24 hours"),
    "blocked": N_("the account is blocked"),
    "left": N_("the account was deleted"),
    "small": N_("less than ₹1, or a negative balance"),
}


class PayoutAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-payouts")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render_index(request, db)

    @post(opt=only("admin", fresh=True, right="money"))
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def create_run() -> PayoutRun:
            until = parse_day(validate_form(RunBody, form).until, YEARS)
            if until is None:
                raise Invalid({"until": _("Enter a day that is over.")})
            return await make_run(db, me, until)

        return await submit(
            request,
            create_run,
            form=form,
            on_error=lambda rejection: _render_index(request, db, rejection),
            then=lambda run: f"{PATH}/{run.id}",
        )

    @get("/{run_id:int}", name="admin-payout-run")
    async def show(self, request: Request, run_id: FromPath[int], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render_run(request, db, run_id)

    @get(
        "/{run_id:int}/file",
        name="admin-payout-file",
        opt=only("admin", fresh=True, right="money", in_transaction=True),
    )
    async def file(
        self,
        run_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> Response[bytes]:
        return file_response(await bank_file(db, encryption, me, _checked(run_id)), run_id)

    @post("/{run_id:int}/paid", name="admin-payout-paid", opt=only("admin", fresh=True, right="money"))
    async def paid(
        self, request: Request, run_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        await Payouts(db).run(_checked(run_id))  # what does not exist is 404, whatever was sent

        async def mark() -> Payout:
            fields = validate_form(PaidBody, form)
            return await mark_paid(db, me, run_id, fields.professional_id, fields.reference)

        return await submit(
            request,
            mark,
            form=form,
            on_error=lambda rejection: _render_run(request, db, run_id, rejection),
            then=f"{PATH}/{run_id}",
            message=lambda payout: _("%(amount)s paid. The professional was notified.",
                                     amount=format_rupees(payout.amount)),
        )  # fmt: skip

    @post("/{run_id:int}/failed", name="admin-payout-failed", opt=only("admin", fresh=True, right="money"))
    async def failed(
        self, request: Request, run_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        await Payouts(db).run(_checked(run_id))

        async def mark() -> Payout:
            fields = validate_form(FailedBody, form)
            return await mark_failed(db, me, run_id, fields.professional_id, fields.reason)

        return await submit(
            request,
            mark,
            form=form,
            on_error=lambda rejection: _render_run(request, db, run_id, rejection),
            then=f"{PATH}/{run_id}",
            message=lambda payout: _("%(amount)s is owed again. The professional was notified.",
                                     amount=format_rupees(payout.amount)),
        )  # fmt: skip


def file_response(text: str, run_id: int) -> Response[bytes]:
    headers = {
        "content-disposition": f'attachment; filename="doorstep-payouts-{run_id}.csv"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(text.encode(), media_type="text/csv", headers=headers)


def _checked(run_id: int) -> int:
    if run_id not in ROW_IDS:
        raise Missing
    return run_id


async def _render_index(request: Request, db: AsyncSession, rejection: Rejection | None = None) -> HtmlResponse:
    due = await due_now(db)
    payable = [line for line in due if line.reason is None]
    held = [line for line in due if line.reason is not None or line.held]
    yesterday = clock.today() - timedelta(days=1)
    return await admin_page(
        request,
        db,
        "billing/payouts.html",
        status=rejection.status if rejection else 200,
        payable=payable[:MAX_SHOWN],
        payable_count=len(payable),
        payable_amount=sum(line.amount for line in payable),
        held=held[:MAX_SHOWN],
        held_count=len(held),
        reasons={reason: _(label) for reason, label in HELD_REASONS.items()},
        runs=await Payouts(db).runs(MAX_RUNS),
        values={"until": yesterday.isoformat(), **(rejection.values if rejection else {})},
        errors=rejection.errors if rejection else {},
        refusal=rejection.refusal if rejection else None,
    )


async def _render_run(
    request: Request, db: AsyncSession, run_id: int, rejection: Rejection | None = None
) -> HtmlResponse:
    run = await Payouts(db).run(_checked(run_id))
    context: dict[str, Any] = {
        "run": run,
        "payouts": await Payouts(db).of_run(run.id),
        "values": rejection.values if rejection else {},
        "errors": rejection.errors if rejection else {},
        "refusal": rejection.refusal if rejection else None,
    }
    status = rejection.status if rejection else 200
    return await admin_page(request, db, "billing/payout_run.html", status=status, **context)
