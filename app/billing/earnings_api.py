"""Earnings and weekly statements in the JSON API: GET /api/earnings, /api/earnings/statements/{week}."""

from datetime import date
from typing import Annotated, Literal

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.billing.earnings import next_payout_of, weeks_of
from app.billing.statement_pages import WEEKS_ON_PAGE
from app.billing.statement_repository import StatementLine, Statements
from app.billing.statements import parse_week
from app.core.api_types import Moment
from app.core.datetimes import to_ist
from app.web.api import json_response
from app.web.guards import only
from app.web.http import JsonResponse
from app.web.openapi import Doc

TAG = "Earnings"
WeekName = Annotated[str, Meta(description="ISO week, Monday to Sunday in Asia/Kolkata.", examples=["2026-W48"])]
SignedPaise = Annotated[int, Meta(description="Paise; negative where it was taken back.", examples=[12665])]


class WeekJson(Struct, kw_only=True):
    """A week."""

    week: WeekName
    earned_paise: Annotated[int, Meta(description="Earnings and tips, after commission.", examples=[12665])]


class NextPayoutJson(Struct, kw_only=True):
    """The next payout, if nothing changes until then."""

    day: Annotated[date, Meta(description="When it is made.", examples=["2026-12-07"])]
    amount_paise: SignedPaise
    on_hold_paise: Annotated[int, Meta(description="On hold for 7 days, not in it.", examples=[0])]
    on_the_way_paise: Annotated[int, Meta(description="Sent to the bank before.", examples=[0])]
    held: Annotated[
        Literal["small", "left", "blocked", "account", "changed"] | None,
        Meta(description="Why it will be held; else null.", examples=["account", None]),
    ]


class EarningsJson(Struct, kw_only=True):
    """What you earned, and what you are paid next."""

    weeks: Annotated[list[WeekJson], Meta(description="The last 12 weeks, oldest first.", examples=[[]])]
    next_payout: NextPayoutJson


class WeekListJson(Struct, kw_only=True):
    """Your weeks with a statement, the latest first."""

    items: Annotated[list[WeekJson], Meta(description="At most 53.", examples=[[]])]


class StatementLineJson(Struct, kw_only=True):
    """A transaction of a statement."""

    at: Moment
    kind: Annotated[str, Meta(description="What it is, as docs/ledger.md lists it.", examples=["capture"])]
    booking: Annotated[str | None, Meta(description="Reference of the booking.", examples=["7K3MQ9WD", None])]
    price_paise: SignedPaise
    commission_paise: SignedPaise
    tip_paise: SignedPaise
    fee_paise: SignedPaise
    withheld_paise: SignedPaise
    tax_paise: SignedPaise
    net_paise: SignedPaise
    payout_state: Annotated[
        Literal["pending", "paid", "failed"] | None,
        Meta(description="Of a payout; else null.", examples=["paid", None]),
    ]
    payout_reference: Annotated[
        str | None, Meta(description="The bank's reference of a payout.", examples=["UTR000123456789", None])
    ]


class StatementJson(Struct, kw_only=True):
    """The statement of a week."""

    week: WeekName
    opening_paise: Annotated[int, Meta(description="What was owed before.", examples=[0])]
    closing_paise: Annotated[int, Meta(description="What is owed after.", examples=[12665])]
    lines: Annotated[list[StatementLineJson], Meta(description="In the order of time.", examples=[[]])]


EARNINGS = Doc(summary="Get your earnings and the next payout", tag=TAG, responses={200: EarningsJson})
LIST = Doc(summary="List your weekly statements", tag=TAG, responses={200: WeekListJson})
SHOW = Doc(
    summary="Get the statement of a week", tag=TAG, path={"week": "Such as 2026-W48."}, responses={200: StatementJson}
)


class EarningsApi(Controller):
    path = "/api/earnings"
    opt = only("professional", api=True)

    @get(name="api_earnings", opt={"doc": EARNINGS})
    async def index(self, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> JsonResponse:
        payout = await next_payout_of(db, me.id)
        weeks = await weeks_of(Statements(db, me.id))
        return json_response(
            EarningsJson(
                weeks=[WeekJson(week=week.week, earned_paise=week.amount) for week in weeks],
                next_payout=NextPayoutJson(
                    day=payout.day,
                    amount_paise=payout.amount,
                    on_hold_paise=payout.on_hold,
                    on_the_way_paise=payout.on_the_way,
                    held=payout.reason,  # type: ignore[arg-type]  # one of the query's words
                ),
            )
        )

    @get("/statements", name="api_statements", opt={"doc": LIST})
    async def statements(self, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> JsonResponse:
        weeks = await Statements(db, me.id).weeks(WEEKS_ON_PAGE)
        return json_response(WeekListJson(items=[WeekJson(week=week.week, earned_paise=week.earned) for week in weeks]))

    @get("/statements/{week:str}", name="api_statement", opt={"doc": SHOW})
    async def statement(
        self, week: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        statement = await Statements(db, me.id).statement(parse_week(week))
        return json_response(
            StatementJson(
                week=statement.week,
                opening_paise=statement.opening,
                closing_paise=statement.closing,
                lines=[_line_json(line) for line in statement.lines],
            )
        )


def _line_json(line: StatementLine) -> StatementLineJson:
    return StatementLineJson(
        at=to_ist(line.at),
        kind=line.kind,
        booking=line.reference,
        price_paise=line.price,
        commission_paise=line.commission,
        tip_paise=line.tip,
        fee_paise=line.fee,
        withheld_paise=line.withheld,
        tax_paise=line.tax,
        net_paise=line.net,
        payout_state=line.payout_state,  # type: ignore[arg-type]  # a PayoutState
        payout_reference=line.payout_reference,
    )
