"""/profile/payment-methods: the remembered payment methods of a customer."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.i18n import _
from app.payments.saved_methods_repository import SavedMethods
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, page, redirect


class SavedMethodPages(Controller):
    path = "/profile/payment-methods"
    opt = only("customer")

    @get(name="saved_methods")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return page(request, "payments/saved_methods.html", saved_methods=await SavedMethods(db, me).all())

    @post("/{saved_id:int}/removal", name="saved_method_removal")
    async def remove(
        self, request: Request, saved_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await SavedMethods(db, me).remove(saved_id)
        flash(request, _("Payment method removed."))
        return redirect(request, "/profile/payment-methods")
