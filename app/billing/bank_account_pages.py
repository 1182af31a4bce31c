"""/bank-account: where a professional is paid out to, and what it was before."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.billing.bank_account_repository import BankAccounts
from app.billing.bank_accounts import change_bank_account
from app.billing.bank_codes import bank_name
from app.billing.schemas import BankAccountForm
from app.core import clock
from app.core.encryption import Encryption
from app.core.i18n import _
from app.web.actions import Rejection, submit
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page
from app.web.validation import validate_form

PATH = "/bank-account"


class BankAccountPages(Controller):
    path = PATH
    opt = only("professional")

    @get(name="bank-account")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render(request, db, me)

    @post(opt=only("professional", fresh=True))
    async def change(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        form = await parse_form(request)
        return await submit(
            request,
            lambda: change_bank_account(db, encryption, me, validate_form(BankAccountForm, form).typed()),
            form=form,
            on_error=lambda rejection: _render(request, db, me, rejection),
            then=PATH,
            message=_("Saved. We pay out to this account from tomorrow on, and sent you an email about the change."),
        )


async def _render(request: Request, db: AsyncSession, me: Me, rejection: Rejection | None = None) -> HtmlResponse:
    accounts = BankAccounts(db)
    current = await accounts.current(me.id)
    return page(
        request,
        "billing/bank_account.html",
        status=rejection.status if rejection else 200,
        current=current,
        bank=bank_name(current.ifsc) if current and current.ifsc else None,
        is_waiting=current is not None and current.effective_at > clock.now(),
        history=[account for account in await accounts.history(me.id) if account.ended_at is not None],
        # The number is typed again: no page shows a whole one.
        values={"holder": me.name, **{name: value for name, value in (rejection.values if rejection else {}).items()
                                      if name != "number"}},
        errors=rejection.errors if rejection else {},
    )  # fmt: skip
