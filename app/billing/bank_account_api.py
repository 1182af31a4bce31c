"""The bank account of a professional in the JSON API."""

from typing import Annotated, Literal

from litestar import Controller, get, post
from litestar.di import NamedDependency
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.billing.bank_account_repository import BankAccounts
from app.billing.bank_accounts import change_bank_account
from app.billing.bank_codes import bank_name
from app.billing.schemas import BankAccountBody
from app.core.api_types import Moment
from app.core.datetimes import to_ist
from app.core.encryption import Encryption
from app.web.api import json_response, read_body
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Earnings"


class BankAccountJson(Struct, kw_only=True):
    """A bank account or UPI ID; no response has its number."""

    kind: Annotated[Literal["bank", "upi"], Meta(description="Bank account or UPI ID.", examples=["bank"])]
    holder: Annotated[str, Meta(description="Name of the account's holder.", examples=["Mani Raj"])]
    masked: Annotated[str, Meta(description="The last digits, or the UPI ID, masked.", examples=["…7890"])]
    ifsc: Annotated[str | None, Meta(description="IFSC of the branch.", examples=["SBIN0000300", None])]
    bank: Annotated[str | None, Meta(description="Name of the bank.", examples=["State Bank of India", None])]
    set_at: Moment
    effective_at: Moment


class OwnBankAccountJson(Struct, kw_only=True):
    """Where you are paid out to."""

    account: Annotated[
        BankAccountJson | None, Meta(description="The account in force; null before the first.", examples=[None])
    ]


SHOW = Doc(summary="Get your bank account", tag=TAG, responses={200: OwnBankAccountJson})
CHANGE = Doc(
    summary="Change your bank account; it counts after 24 hours",
    tag=TAG,
    body=BankAccountBody,
    responses={200: OwnBankAccountJson},
)


class BankAccountApi(Controller):
    path = "/api/bank-account"

    @get(name="api_bank_account", opt=only("professional", api=True, doc=SHOW))
    async def show(self, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> JsonResponse:
        return json_response(await _own(db, me))

    @post(name="api_change_bank_account", status_code=200, opt=only("professional", api=True, doc=CHANGE, fresh=True))
    async def change(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> JsonResponse:
        body = await read_body(request, BankAccountBody)
        await change_bank_account(db, encryption, me, body.typed())
        return json_response(await _own(db, me))


async def _own(db: AsyncSession, me: Me) -> OwnBankAccountJson:
    account = await BankAccounts(db).current(me.id)
    if account is None:
        return OwnBankAccountJson(account=None)
    return OwnBankAccountJson(
        account=BankAccountJson(
            kind="bank" if account.ifsc else "upi",
            holder=account.holder,
            masked=account.masked,
            ifsc=account.ifsc,
            bank=bank_name(account.ifsc) if account.ifsc else None,
            set_at=to_ist(account.set_at),
            effective_at=to_ist(account.effective_at),
        )
    )
