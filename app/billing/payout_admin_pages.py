"""/admin/payouts: what is due and what is held, runs, the bank's file, and what the bank paid."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import ROW_IDS
from app.billing.payout import Payout, PayoutRun
from app.billing.payout_repository import Payouts
from app.billing.payouts import bank_file, make_run, mark_failed, mark_paid
from app.billing.schemas import FailedBody, PaidBody, RunBody
from app.core import clock
from app.core.datetimes import YEARS, parse_day
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing
from app.core.i18n import N_, _
from app.core.money import format_rupees
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form, parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.validation import validate_form

PATH = "/admin/payouts"
MAX_RUNS = 52
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
        database: NamedDependency[Database],
        encryption: NamedDependency[Encryption],
    ) -> Stream:
        return file_response(await bank_file(db, database.reading, encryption, me, _checked(run_id)), run_id)

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


def file_response(pieces: AsyncIterator[str], run_id: int) -> Stream:
    headers = {
        "content-disposition": f'attachment; filename="doorstep-payouts-{run_id}.csv"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Stream(pieces, media_type="text/csv", headers=headers)


def _checked(run_id: int) -> int:
    if run_id not in ROW_IDS:
        raise Missing
    return run_id


async def _render_index(request: Request, db: AsyncSession, rejection: Rejection | None = None) -> HtmlResponse:
    payouts, now, query = Payouts(db), clock.now(), parse_query(request)
    cursors = {name: query.get(name, "") for name in ("due", "held")}
    due = await payouts.due_page(now, cursors["due"], held=False)
    held = await payouts.due_page(now, cursors["held"], held=True)
    yesterday = clock.today() - timedelta(days=1)
    return await admin_page(
        request,
        db,
        "billing/payouts.html",
        status=rejection.status if rejection else 200,
        totals=await payouts.due_totals(now),
        due=due,
        held=held,
        cursors=cursors,
        urls={"due": _page_urls(cursors, "due", due.next), "held": _page_urls(cursors, "held", held.next)},
        reasons={reason: _(label) for reason, label in HELD_REASONS.items()},
        runs=await payouts.runs(MAX_RUNS),
        values={"until": yesterday.isoformat(), **(rejection.values if rejection else {})},
        errors=rejection.errors if rejection else {},
        refusal=rejection.refusal if rejection else None,
    )


def _page_urls(cursors: Mapping[str, str], name: str, following: str | None) -> dict[str, str]:
    """The first and the next page of one list, while the other stays where it is; "" where there is none."""
    return {
        "first": _index_url({**cursors, name: ""}, name) if cursors[name] else "",
        "next": _index_url({**cursors, name: following}, name) if following else "",
    }


def _index_url(cursors: Mapping[str, str], anchor: str) -> str:
    query = urlencode({name: cursor for name, cursor in cursors.items() if cursor})
    return f"{PATH}?{query}#{anchor}" if query else f"{PATH}#{anchor}"


async def _render_run(
    request: Request, db: AsyncSession, run_id: int, rejection: Rejection | None = None
) -> HtmlResponse:
    payouts, after = Payouts(db), parse_query(request).get("after", "")
    run = await payouts.run(_checked(run_id))
    context: dict[str, Any] = {
        "run": await payouts.summary(run.id),
        "after": after,
        "page": await payouts.of_run(run.id, after),
        "values": rejection.values if rejection else {},
        "errors": rejection.errors if rejection else {},
        "refusal": rejection.refusal if rejection else None,
    }
    status = rejection.status if rejection else 200
    return await admin_page(request, db, "billing/payout_run.html", status=status, **context)
