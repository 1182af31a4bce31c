"""/admin/admins: who looks after Doorstep; the right is given to a customer's account and taken away again (W18)."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Users
from app.accounts.session import Sessions
from app.audit.history import History
from app.core.db import Database
from app.core.errors import Refused
from app.core.i18n import _
from app.core.keyset import AnyRow
from app.people.admin_repository import Admins
from app.people.admin_roles import demote
from app.web.admin import desk
from app.web.forms import form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, swap
from app.web.table import View, view

PATH = "/admin/admins"


class AdminDesk(Controller):
    path = PATH
    opt = only("admin")

    @get(name="desk-admins")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _draw(request, db, "people/_admins.html")

    @get("/{admin_id:int}", name="desk-admin")
    async def show(self, request: Request, admin_id: FromPath[int], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _draw(request, db, "people/_admin.html", await Admins(db).one(admin_id))

    @post("/{admin_id:int}/demotion", name="demotion", opt=only("admin", fresh=True))
    async def demotion(
        self,
        request: Request,
        admin_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
    ) -> HtmlResponse:
        await form(request)
        admin = await Admins(db).one(admin_id)
        try:
            await demote(db, Sessions(database), me, admin_id)
        except Refused as refusal:
            return await _draw(request, db, "people/_admin.html", admin, refusal=refusal)
        flash(request, _("%(name)s is no admin any more.", name=admin.full_name))
        return go(request, PATH)


async def redrawn(request: Request, db: AsyncSession, admin_id: int, words: str) -> HtmlResponse:
    """The panel and its row, after something was done to this admin."""
    asked, admin = _view(request), await Admins(db).one(admin_id)
    context: dict[str, Any] = {"view": asked, "admin": admin, "row": admin, "said": words, "refusal": None}
    context |= await _about(db, admin)
    headers = {"hx-replace-url": asked.record_url(admin_id)}
    return swap(request, "people/admin_changed.swap.html", headers=headers, **context)


async def _draw(
    request: Request, db: AsyncSession, fragment: str, admin: AnyRow | None = None, refusal: Refused | None = None
) -> HtmlResponse:
    asked = _view(request)
    context: dict[str, Any] = {"view": asked, "admin": admin, "refusal": refusal}
    context["admins"] = await Admins(db).listed(asked.q)
    if admin is not None:
        context |= await _about(db, admin)
    status = 409 if refusal else 200
    return await desk(request, db, "people/admins.html", fragment, status=status, **context)


async def _about(db: AsyncSession, admin: AnyRow) -> dict[str, Any]:
    return {"history": await History(db).of(f"user-{admin.id}"), "block": await Users(db).block_of(admin.id)}


def _view(request: Request) -> View:
    return view(request, PATH, sorts=("name",), default="name")
