"""/admin/admins: the table and the panel of one admin; demote an admin (W18)."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import Users
from app.accounts.session import Sessions
from app.accounts.user import Role
from app.audit.history import History
from app.blocking.admin_pages import BlockAdminPages
from app.core.db import Database
from app.core.errors import Refused
from app.core.i18n import _
from app.core.paging import AnyRow
from app.people.admin_repository import Admins
from app.people.admin_roles import change_right, demote
from app.web.actions import submit
from app.web.admin import admin_page
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import swap
from app.web.table import TableView, table_view

PATH = "/admin/admins"


class AdminAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-admins")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render(request, db, "people/_admins.html")

    @get("/{admin_id:int}", name="admin-admin")
    async def show(self, request: Request, admin_id: FromPath[int], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render(request, db, "people/_admin.html", await Admins(db).get(admin_id))

    @post("/{admin_id:int}/demotion", name="demotion", opt=only("admin", fresh=True, right="owner"))
    async def demotion(
        self,
        request: Request,
        admin_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
    ) -> HtmlResponse:
        await parse_form(request)
        admin = await Admins(db).get(admin_id)
        return await submit(
            request,
            lambda: demote(db, Sessions(database), me, admin_id),
            catch=(Refused,),
            on_error=lambda rejection: _render(request, db, "people/_admin.html", admin, rejection.refusal),
            message=_("%(name)s is no longer an admin.", name=admin.full_name),
            then=PATH,
        )

    @post("/{admin_id:int}/right", name="admin-right", opt=only("admin", fresh=True, right="owner"))
    async def change_right(
        self, request: Request, admin_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        admin = await Admins(db).get(admin_id)
        return await submit(
            request,
            lambda: change_right(db, me, admin_id, form.get("right", "")),
            catch=(Refused,),
            on_error=lambda rejection: _render(request, db, "people/_admin.html", admin, rejection.refusal),
            message=_("The rights of %(name)s are changed.", name=admin.full_name),
            then=f"{PATH}/{admin_id}",
        )


class AdminBlockPages(BlockAdminPages):
    path = PATH
    opt = only("admin", fresh=True, right="owner")
    role = Role.ADMIN

    async def render_changed(self, request: Request, db: AsyncSession, person_id: int, message: str) -> HtmlResponse:
        return await render_changed(request, db, person_id, message)


async def render_changed(request: Request, db: AsyncSession, admin_id: int, message: str) -> HtmlResponse:
    """Render the panel and its row after an action."""
    view, admin = _view(request), await Admins(db).get(admin_id)
    context: dict[str, Any] = {"view": view, "admin": admin, "row": admin, "message": message, "refusal": None}
    context |= await _record_context(db, admin)
    headers = {"hx-replace-url": view.record_url(admin_id)}
    return swap(request, "people/admin_changed.swap.html", headers=headers, **context)


async def _render(
    request: Request, db: AsyncSession, fragment: str, admin: AnyRow | None = None, refusal: Refused | None = None
) -> HtmlResponse:
    view = _view(request)
    context: dict[str, Any] = {"view": view, "admin": admin, "refusal": refusal}
    context["admins"] = await Admins(db).list_all(view.q)
    if admin is not None:
        context |= await _record_context(db, admin)
    status = 409 if refusal else 200
    return await admin_page(request, db, "people/admins.html", fragment, status=status, **context)


async def _record_context(db: AsyncSession, admin: AnyRow) -> dict[str, Any]:
    return {"history": await History(db).of(f"user-{admin.id}"), "block": await Users(db).active_block(admin.id)}


def _view(request: Request) -> TableView:
    return table_view(request, PATH, sorts=("name",), default="name")
