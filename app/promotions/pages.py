"""/credit: a customer's credit, where it came from and went, and the link that invites friends."""

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.i18n import _
from app.payments.credit import credit_balance, credit_lines
from app.promotions.labels import credit_label
from app.promotions.referral_repository import Referrals
from app.promotions.referrals import REFERRAL_PAISE, invite_code
from app.settings import Settings
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page


class CreditPages(Controller):
    path = "/credit"
    opt = only("customer")

    @get(name="credit")
    async def show(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        signed_up, rewarded = await Referrals(db).counts(me.id)
        return page(
            request,
            "promotions/credit.html",
            balance=await credit_balance(db, me.id),
            lines=[(_(credit_label(line)), line) for line in await credit_lines(db, me.id)],
            invite_link=f"{settings.base_url}/register?invite={invite_code(me.id)}",
            reward=REFERRAL_PAISE,
            signed_up=signed_up,
            rewarded=rewarded,
        )
