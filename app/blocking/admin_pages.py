"""…/block and …/unblock of everybody the desk lists: what it will do stands there before it is done."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import IDS, Users
from app.accounts.session import Sessions
from app.accounts.user import Role, User
from app.blocking.block import block, outlook, unblock
from app.core.db import Database
from app.core.errors import Invalid, Missing, Refused
from app.core.i18n import _
from app.people import admin_admin_pages, customer_admin_pages, professional_admin_pages
from app.web.admin import desk
from app.web.forms import form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, wants_fragment

# Each table of the desk, and whose accounts stand in it.
TABLES = {"customers": Role.CUSTOMER, "professionals": Role.PROFESSIONAL, "admins": Role.ADMIN}
BLOCK = [f"/{table}/{{person_id:int}}/block" for table in TABLES]
# Whose panel and row stand beside the form, where they do.
REDRAWN = {
    "customers": customer_admin_pages.redrawn,
    "professionals": professional_admin_pages.redrawn,
    "admins": admin_admin_pages.redrawn,
}
UNBLOCK = [f"/{table}/{{person_id:int}}/unblock" for table in TABLES]


class BlockPages(Controller):
    path = "/admin"
    opt = only("admin", fresh=True)

    @get(BLOCK, name="block")
    async def show(self, request: Request, person_id: FromPath[int], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _draw(request, db, await _person(request, db, person_id))

    @post(BLOCK)
    async def create(
        self,
        request: Request,
        person_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
    ) -> HtmlResponse:
        sent = await form(request)
        person = await _person(request, db, person_id)
        try:
            await block(db, Sessions(database), me, person_id, sent.get("reason", ""), sent.get("seen"))
        except (Invalid, Refused) as error:
            return await _draw(request, db, person, sent.get("reason", ""), error)
        return await _done(request, db, person_id, _("%(name)s is blocked.", name=person.full_name))

    @get(UNBLOCK, name="unblock")
    async def ask(self, request: Request, person_id: FromPath[int], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _draw(request, db, await _person(request, db, person_id), lifting=True)

    @post(UNBLOCK)
    async def lift(
        self, request: Request, person_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        person = await _person(request, db, person_id)
        try:
            await unblock(db, me, person_id, sent.get("reason", ""))
        except (Invalid, Refused) as error:
            return await _draw(request, db, person, sent.get("reason", ""), error, lifting=True)
        return await _done(request, db, person_id, _("%(name)s may act again.", name=person.full_name))


async def _person(request: Request, db: AsyncSession, person_id: int) -> User:
    """Missing when the account does not stand in this table."""
    if person_id not in IDS:
        raise Missing
    person = await Users(db).get(person_id)
    if person.role != TABLES[_table(request)]:
        raise Missing
    return person


async def _done(request: Request, db: AsyncSession, person_id: int, words: str) -> HtmlResponse:
    """The panel and its row drawn anew, or the record's page with the words on top."""
    if wants_fragment(request):
        return await REDRAWN[_table(request)](request, db, person_id, words)
    flash(request, words)
    return go(request, _record(request))


async def _draw(
    request: Request,
    db: AsyncSession,
    person: User,
    reason: str = "",
    wrong: Invalid | Refused | None = None,
    *,
    lifting: bool = False,
) -> HtmlResponse:
    context: dict[str, Any] = {
        "person": person,
        "record": _record(request),
        "action": _kept(request, request.scope["path"]),
        "in_panel": wants_fragment(request),
        "block": await Users(db).block_of(person.id),
        "values": {"reason": reason},
        "errors": wrong.errors if isinstance(wrong, Invalid) else {},
        "refusal": wrong if isinstance(wrong, Refused) else None,
    }
    if not lifting:
        context["outlook"] = await outlook(db, person)
    piece = "unblock" if lifting else "block"
    status = 422 if isinstance(wrong, Invalid) else 409 if wrong else 200
    return await desk(request, db, f"blocking/{piece}.html", f"blocking/_{piece}.html", status=status, **context)


def _table(request: Request) -> str:
    return str(request.scope["path"].split("/")[2])


def _record(request: Request) -> str:
    """The page of the record that this is about."""
    return _kept(request, request.scope["path"].rsplit("/", 1)[0])


def _kept(request: Request, path: str) -> str:
    """With what the address says of the table beside it."""
    said = request.scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{said}" if said else path
