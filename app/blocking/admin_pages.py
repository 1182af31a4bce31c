"""Block and unblock a person, with a preview of the consequences, for the admin's tables of people."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import ROW_IDS, Users
from app.accounts.session import Sessions
from app.accounts.user import Role, User
from app.blocking.block import block, block_impact, unblock
from app.core.db import Database
from app.core.errors import Missing
from app.core.i18n import _
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, redirect, wants_fragment
from app.web.validation import typed_text


class BlockAdminPages(Controller, ABC):
    """/block and /unblock below one table's records: the subclass gives path, role, and renders its changed row."""

    opt = only("admin", fresh=True)
    role: ClassVar[Role]

    @abstractmethod
    async def render_changed(self, request: Request, db: AsyncSession, person_id: int, message: str) -> HtmlResponse:
        """Render the record's panel and its row of the table, for HTMX."""

    @get("/{person_id:int}/block")
    async def show_block(
        self, request: Request, person_id: FromPath[int], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        person = await self._person(db, person_id)
        return await _render(request, db, "block", person, impact=await block_impact(db, person))

    @post("/{person_id:int}/block")
    async def create_block(
        self,
        request: Request,
        person_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
    ) -> HtmlResponse:
        form = await parse_form(request)
        person = await self._person(db, person_id)

        async def on_error(rejection: Rejection) -> HtmlResponse:
            return await _render(request, db, "block", person, rejection, impact=await block_impact(db, person))

        return await submit(
            request,
            lambda: block(db, Sessions(database), me, person_id, typed_text(form, "reason"), form.get("seen")),
            form=form,
            on_error=on_error,
            then=lambda _result: self._done(request, db, person_id, _("%(name)s is blocked.", name=person.full_name)),
        )

    @get("/{person_id:int}/unblock")
    async def show_unblock(
        self, request: Request, person_id: FromPath[int], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _render(request, db, "unblock", await self._person(db, person_id))

    @post("/{person_id:int}/unblock")
    async def create_unblock(
        self, request: Request, person_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        person = await self._person(db, person_id)
        return await submit(
            request,
            lambda: unblock(db, me, person_id, typed_text(form, "reason")),
            form=form,
            on_error=lambda rejection: _render(request, db, "unblock", person, rejection),
            then=lambda _result: self._done(request, db, person_id, _("%(name)s is unblocked.", name=person.full_name)),
        )

    async def _person(self, db: AsyncSession, person_id: int) -> User:
        """Missing when the account is not in this table."""
        if person_id not in ROW_IDS:
            raise Missing
        person = await Users(db).get(person_id)
        if person.role != self.role:
            raise Missing
        return person

    async def _done(self, request: Request, db: AsyncSession, person_id: int, message: str) -> HtmlResponse:
        """The changed panel and row, or a redirect to the record's page with the message."""
        if wants_fragment(request):
            return await self.render_changed(request, db, person_id, message)
        flash(request, message)
        return redirect(request, _record_url(request))


async def _render(
    request: Request,
    db: AsyncSession,
    name: str,
    person: User,
    rejection: Rejection | None = None,
    **more: Any,
) -> HtmlResponse:
    context: dict[str, Any] = {
        "person": person,
        "record": _record_url(request),
        "action": _with_query(request, request.scope["path"]),
        "in_panel": wants_fragment(request),
        "block": await Users(db).active_block(person.id),
        "values": {"reason": rejection.values.get("reason", "") if rejection else ""},
        "errors": rejection.errors if rejection else {},
        "refusal": rejection.refusal if rejection else None,
        "status": rejection.status if rejection else 200,
    }
    return await admin_page(request, db, f"blocking/{name}.html", f"blocking/_{name}.html", **context, **more)


def _record_url(request: Request) -> str:
    """The page of the person the form is about."""
    return _with_query(request, request.scope["path"].rsplit("/", 1)[0])


def _with_query(request: Request, path: str) -> str:
    """Preserve the query string, which holds the state of the table."""
    query = request.scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{query}" if query else path
