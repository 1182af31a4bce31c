"""JSON API of payouts, for admins."""

from datetime import date
from typing import Annotated, Literal

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.billing.payout_admin_pages import MAX_RUNS, file_response
from app.billing.payout_repository import Payouts
from app.billing.payouts import bank_file, make_run, mark_failed, mark_paid
from app.billing.schemas import FailedBody, PaidBody, RunBody
from app.core import clock
from app.core.api_types import Id, Moment, Paged, Paise, Price
from app.core.datetimes import YEARS, parse_day, to_ist
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.money import format_decimal
from app.web.api import json_response, read_body, read_query, row_id
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Payouts"
RUN_PARAMS = {"run_id": "ID of the payout run."}
Name = Annotated[str, Meta(description="Name of the professional.", examples=["Mani Raj"])]
Next = Annotated[
    str | None,
    Meta(description="Value of `after` for the next page; null on the last page.", examples=["WzEyXQ", None]),
]
MOMENT = "2026-12-01T10:00:00+05:30"


class DueJson(Struct, kw_only=True):
    """What is owed to a professional now."""

    professional_id: Id
    name: Name
    amount_paise: Annotated[int, Meta(description="Earnings and tips; may be negative.", examples=[17665])]
    earnings_paise: Annotated[int, Meta(description="Earnings of it.", examples=[12665])]
    tips_paise: Annotated[int, Meta(description="Tips of it.", examples=[5000])]
    on_hold_paise: Annotated[int, Meta(description="Earnings on hold for 7 days, besides.", examples=[0])]
    held: Annotated[
        Literal["small", "left", "blocked", "account", "changed"] | None,
        Meta(description="Why it cannot be paid out; else null.", examples=["account", None]),
    ]


class RunLineJson(Struct, kw_only=True):
    """A payout run in the list."""

    id: Id
    until: Annotated[date, Meta(description="The last day that counts.", examples=["2026-11-29"])]
    created_at: Moment
    amount: Price
    amount_paise: Paise
    people: Annotated[int, Meta(ge=0, description="How many are paid.", examples=[12])]
    pending: Annotated[int, Meta(ge=0, description="Payouts in progress.", examples=[0])]
    failed: Annotated[int, Meta(ge=0, description="Payouts that failed.", examples=[0])]


class PayoutListJson(Struct, kw_only=True):
    """What is due and what is held, in pages, with the sums of the whole; and the latest runs."""

    due: Annotated[list[DueJson], Meta(description="What is owed, and why it is held.", examples=[[]])]
    next: Next
    people: Annotated[int, Meta(ge=0, description="How many can be paid now.", examples=[12])]
    amount_paise: Annotated[int, Meta(description="What they are paid.", examples=[151980])]
    held_people: Annotated[int, Meta(ge=0, description="How many are held.", examples=[1])]
    held_paise: Annotated[int, Meta(description="Earnings and tips that are held.", examples=[12665])]
    on_hold_paise: Annotated[int, Meta(description="Earnings on hold for 7 days, besides.", examples=[0])]
    runs: Annotated[list[RunLineJson], Meta(description="Newest first.", examples=[[]])]


class PayoutJson(Struct, kw_only=True):
    """A payout to one professional."""

    id: Id
    professional_id: Id
    name: Name
    account: Annotated[str, Meta(description="The account, masked.", examples=["…7890"])]
    amount: Price
    amount_paise: Paise
    state: Annotated[Literal["pending", "paid", "failed"], Meta(description="Its state.", examples=["paid"])]
    reference: Annotated[str | None, Meta(description="The bank's reference.", examples=["UTR000123456789", None])]
    reason: Annotated[str | None, Meta(description="Why it failed.", examples=["The account is closed.", None])]
    decided_at: Annotated[Moment | None, Meta(description="When it was marked.", examples=[MOMENT, None])]


class PayoutRunJson(Struct, kw_only=True):
    """A payout run with its payouts."""

    id: Id
    until: Annotated[date, Meta(description="The last day that counts.", examples=["2026-11-29"])]
    created_at: Moment
    people: Annotated[int, Meta(ge=1, description="How many are paid.", examples=[12])]
    amount: Price
    amount_paise: Paise
    payouts: Annotated[list[PayoutJson], Meta(description="One for each professional, in pages.", examples=[[]])]
    next: Next


LIST = Doc(
    summary="List what is due and the payout runs",
    tag=TAG,
    query=Paged,
    responses={200: PayoutListJson},
    error_statuses=(404,),
)
CREATE = Doc(
    summary="Make the payout run of a day; the same day is the same run",
    tag=TAG,
    body=RunBody,
    responses={201: PayoutRunJson},
    error_statuses=(409,),
)
SHOW = Doc(summary="Get a payout run", tag=TAG, path=RUN_PARAMS, query=Paged, responses={200: PayoutRunJson})
FILE = Doc(summary="Download the file for the bank", tag=TAG, path=RUN_PARAMS, responses={200: str}, media="text/csv")
PAID = Doc(
    summary="Mark a payout as paid",
    tag=TAG,
    body=PaidBody,
    path=RUN_PARAMS,
    responses={200: PayoutRunJson},
    error_statuses=(409,),
)
FAILED = Doc(
    summary="Mark a payout as failed: it is owed again",
    tag=TAG,
    body=FailedBody,
    path=RUN_PARAMS,
    responses={200: PayoutRunJson},
    error_statuses=(409,),
)


class PayoutApi(Controller):
    path = "/api/admin/payouts"
    opt = only("admin", api=True)

    @get(name="api_payouts", opt={"doc": LIST})
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> JsonResponse:
        query, payouts, now = read_query(request, Paged), Payouts(db), clock.now()
        found = await payouts.due_page(now, query.after, held=None, limit=query.limit)
        totals = await payouts.due_totals(now)
        due = [
            DueJson(
                professional_id=line.professional_id,
                name=line.name,
                amount_paise=line.amount,
                earnings_paise=line.earnings,
                tips_paise=line.tips,
                on_hold_paise=line.on_hold,
                held=line.reason,  # type: ignore[arg-type]  # one of the query's words
            )
            for line in found.items
        ]
        runs = [
            RunLineJson(
                id=run.id,
                until=run.until,
                created_at=to_ist(run.created_at),
                amount=format_decimal(int(run.amount)),
                amount_paise=int(run.amount),
                people=run.people,
                pending=run.pending,
                failed=run.failed,
            )
            for run in await payouts.runs(MAX_RUNS)
        ]
        body = PayoutListJson(
            due=due,
            next=found.next,
            people=totals.people,
            amount_paise=totals.amount,
            held_people=totals.held_people,
            held_paise=totals.held_amount,
            on_hold_paise=totals.on_hold,
            runs=runs,
        )
        return json_response(body)

    @post(name="api_make_payouts", opt={"doc": CREATE, "right": "money", "fresh": True})
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        until = parse_day((await read_body(request, RunBody)).until, YEARS)
        if until is None:
            raise Invalid({"until": _("Enter a day that is over.")})
        run = await make_run(db, me, until)
        return json_response(await _run_json(db, run.id), 201)

    @get("/{run_id:int}", name="api_payout_run", opt={"doc": SHOW})
    async def show(self, request: Request, run_id: FromPath[int], db: NamedDependency[AsyncSession]) -> JsonResponse:
        query = read_query(request, Paged)
        return json_response(await _run_json(db, row_id(run_id), query.after, query.limit))

    @get(
        "/{run_id:int}/file",
        name="api_payout_file",
        opt={"doc": FILE, "right": "money", "fresh": True, "in_transaction": True},
    )
    async def file(
        self,
        run_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        encryption: NamedDependency[Encryption],
    ) -> Stream:
        return file_response(await bank_file(db, database.reading, encryption, me, row_id(run_id)), run_id)

    @post(
        "/{run_id:int}/paid",
        name="api_payout_paid",
        status_code=200,
        opt={"doc": PAID, "right": "money", "fresh": True},
    )
    async def paid(
        self, request: Request, run_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, PaidBody)
        await mark_paid(db, me, row_id(run_id), body.professional_id, body.reference)
        return json_response(await _run_json(db, run_id))

    @post(
        "/{run_id:int}/failed",
        name="api_payout_failed",
        status_code=200,
        opt={"doc": FAILED, "right": "money", "fresh": True},
    )
    async def failed(
        self, request: Request, run_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, FailedBody)
        await mark_failed(db, me, row_id(run_id), body.professional_id, body.reason)
        return json_response(await _run_json(db, run_id))


async def _run_json(db: AsyncSession, run_id: int, after: str | None = None, limit: int | None = None) -> PayoutRunJson:
    run = await Payouts(db).run(run_id)
    found = await Payouts(db).of_run(run_id, after, limit)
    return PayoutRunJson(
        id=run.id,
        until=run.until,
        created_at=to_ist(run.created_at),
        people=run.people,
        amount=format_decimal(run.amount),
        amount_paise=run.amount,
        payouts=[
            PayoutJson(
                id=row.id,
                professional_id=row.professional_id,
                name=row.name,
                account=row.masked,
                amount=format_decimal(row.amount),
                amount_paise=row.amount,
                state=row.state.value,
                reference=row.reference,
                reason=row.reason,
                decided_at=to_ist(row.decided_at) if row.decided_at else None,
            )
            for row in found.items
        ],
        next=found.next,
    )
