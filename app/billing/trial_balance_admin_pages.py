"""/admin/ledger/balance: the trial balance, of everything or until the end of a day."""

from datetime import date

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.trial_balance_repository import trial_balance
from app.bookings.labels import LEDGER_ACCOUNTS, translated
from app.core.datetimes import YEARS, parse_day
from app.core.i18n import _
from app.web.admin import admin_page
from app.web.forms import parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request

PATH = "/admin/ledger/balance"


class TrialBalanceAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-ledger-balance")
    async def show(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        typed = parse_query(request).get("until", "").strip()
        until: date | None = parse_day(typed, YEARS) if typed else None
        errors = {"until": _("Enter a day, such as 2026-11-24.")} if typed and until is None else {}
        return await admin_page(
            request,
            db,
            "billing/balance.html",
            status=422 if errors else 200,
            balance=None if errors else await trial_balance(db, until),
            accounts=translated(LEDGER_ACCOUNTS),
            values={"until": until.isoformat() if until else typed},
            errors=errors,
        )
