"""JSON API of the ledger, for admins: the trial balance."""

from datetime import date
from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.trial_balance_repository import trial_balance
from app.core.api_types import Paise, Price
from app.core.datetimes import YEARS, parse_day
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.money import format_decimal
from app.web.api import json_response, read_query
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Ledger"


class BalanceQuery(Struct, kw_only=True):
    """Until when."""

    until: Annotated[
        str,
        Meta(max_length=64, description="The last day that counts; empty for everything.", examples=["2026-11-30"]),
    ] = ""


class AccountBalanceJson(Struct, kw_only=True):
    """An account of the ledger."""

    account: Annotated[str, Meta(description="Its name, as docs/ledger.md lists it.", examples=["earnings"])]
    debit: Price
    debit_paise: Paise
    credit: Price
    credit_paise: Paise
    balance_paise: Annotated[int, Meta(description="Debit less credit, in paise.", examples=[-12665])]


class TrialBalanceJson(Struct, kw_only=True):
    """Debit, credit and balance of every account with entries."""

    until: Annotated[date | None, Meta(description="The last day that counts.", examples=["2026-11-30", None])]
    accounts: Annotated[list[AccountBalanceJson], Meta(description="The accounts.", examples=[[]])]
    debit: Price
    debit_paise: Paise
    credit: Price
    credit_paise: Paise
    is_balanced: Annotated[bool, Meta(description="Whether debit and credit are the same.", examples=[True])]


BALANCE = Doc(summary="Get the trial balance", tag=TAG, query=BalanceQuery, responses={200: TrialBalanceJson})


class LedgerApi(Controller):
    path = "/api/admin/ledger"
    opt = only("admin", api=True)

    @get("/balance", name="api_ledger_balance", opt={"doc": BALANCE})
    async def balance(self, request: Request, db: NamedDependency[AsyncSession]) -> JsonResponse:
        typed = read_query(request, BalanceQuery).until.strip()
        until = parse_day(typed, YEARS) if typed else None
        if typed and until is None:
            raise Invalid({"until": _("Enter a day, such as 2026-11-24.")})
        balance = await trial_balance(db, until)
        return json_response(
            TrialBalanceJson(
                until=until,
                accounts=[
                    AccountBalanceJson(
                        account=account.account,
                        debit=format_decimal(account.debit),
                        debit_paise=account.debit,
                        credit=format_decimal(account.credit),
                        credit_paise=account.credit,
                        balance_paise=account.balance,
                    )
                    for account in balance.accounts
                ],
                debit=format_decimal(balance.debit),
                debit_paise=balance.debit,
                credit=format_decimal(balance.credit),
                credit_paise=balance.credit,
                is_balanced=balance.is_balanced,
            )
        )
