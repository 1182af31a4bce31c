"""/admin/exports and, for a professional's own earnings, /earnings/export: asked for, watched, fetched, thrown away."""

from collections.abc import AsyncIterator, Mapping
from typing import IO, Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.labels import accounts, kinds, states
from app.core import clock
from app.core.errors import Invalid, Missing, Refused
from app.core.i18n import _
from app.core.storage import Storage
from app.dispatch.admin_pages import filters_in_words
from app.dispatch.repository import Desk
from app.exports import writer
from app.exports.export import Export
from app.exports.filters import kept
from app.exports.repository import Exports
from app.exports.writer import Gone
from app.web.admin import desk
from app.web.forms import form, query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page

# By role: where one's exports stand, and under which address each of them.
STARTS = {"admin": "/admin/exports", "professional": "/earnings/export"}
EACH = {"admin": "/admin/exports", "professional": "/earnings/exports"}
CHUNK = 262_144  # bytes


class _Starts(Controller):
    """The list of one's own with the form that asks for another."""

    @get()
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _draw_all(request, me, db, query(request))

    @post()
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        kind = sent.get("table", "")
        try:
            export = await writer.ask(db, me, kind, kept(kind, sent), bom=sent.get("bom") == "yes")
        except Invalid as error:
            return await _draw_all(request, me, db, sent, status=422, errors=error.errors)
        except Refused as refusal:
            return await _draw_all(request, me, db, sent, status=409, refusal=refusal)
        return go(request, f"{EACH[me.role]}/{export.reference}")


class _Each(Controller):
    """One of one's own; somebody else's is not there."""

    @get()
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _draw(request, me, db, await Exports(db).of(me.id, ref))

    @post("/again")
    async def again(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await form(request)
        export = await writer.again(db, me, ref)
        return go(request, f"{EACH[me.role]}/{export.reference}")

    @post("/removal")
    async def removal(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        await form(request)
        await writer.discard(db, storage, me, ref)
        flash(request, _("Discarded. Its file is gone."))
        return go(request, STARTS[me.role])


class ExportsDesk(_Starts):
    path = STARTS["admin"]
    opt = only("admin")


class ExportDesk(_Each):
    path = f"{EACH['admin']}/{{ref:str}}"
    opt = only("admin")

    @get("/file", name="desk-export-file", opt=only("admin", fresh=True))
    async def file(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> Response[Any]:
        return await _file(request, me, db, storage, ref)


class EarningsExports(_Starts):
    path = STARTS["professional"]
    opt = only("professional")


class EarningsExport(_Each):
    path = f"{EACH['professional']}/{{ref:str}}"
    opt = only("professional")

    @get("/file", name="earnings-export-file", opt=only("professional", fresh=True))
    async def file(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> Response[Any]:
        return await _file(request, me, db, storage, ref)


# How


async def _draw_all(
    request: Request,
    me: Me,
    db: AsyncSession,
    given: Mapping[str, str],
    *,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
    refusal: Refused | None = None,
) -> HtmlResponse:
    """`given` is the address of the table that is asked for, or the form; the ledger has a field `kind` of its own."""
    mine = writer.kinds_for(me)
    kind = given.get("table", "") if len(mine) > 1 else mine[0]
    kind = kind if kind in mine else ""
    filters = kept(kind, given)
    return await _answer(
        request,
        me,
        db,
        "exports",
        status,
        exports=await Exports(db).latest(me.id),
        kind=kind,
        kinds=mine,
        filters=filters,
        told=await _told(db, kind, filters),
        values={"bom": given.get("bom", "")},
        errors=errors or {},
        refusal=refusal,
    )


async def _draw(request: Request, me: Me, db: AsyncSession, export: Export, *, status: int = 200) -> HtmlResponse:
    gone = writer.is_gone(export, clock.now())
    words = await _told(db, export.kind, export.filters)
    return await _answer(request, me, db, "export", status, export=export, gone=gone, told=words)


async def _answer(request: Request, me: Me, db: AsyncSession, name: str, status: int, **context: Any) -> HtmlResponse:
    whole, piece = f"exports/{name}.html", f"exports/_{name}.html"
    context |= {
        "starts": STARTS[me.role],
        "each": EACH[me.role],
        "layout": "layouts/admin.html" if me.role == "admin" else "layouts/base.html",
    }
    answer = await desk(request, db, whole, piece, **context) if me.role == "admin" else None
    answer = answer or page(request, whole, piece, **context)
    answer.status_code = status
    return answer


async def _file(request: Request, me: Me, db: AsyncSession, storage: Storage, ref: str) -> Response[Any]:
    export = await Exports(db).of(me.id, ref, lock=True)
    try:
        return as_file(export, me, storage)
    except Gone:
        return await _draw(request, me, db, export, status=410)


def as_file(export: Export, me: Me, storage: Storage) -> Stream:
    """Opened before anything is sent: whoever downloads has the whole file, also when it is discarded meanwhile.

    `export` is locked. Raises Gone; Missing.
    """
    try:
        file = storage.path(writer.fetch(export, me, clock.now())).open("rb")
    except FileNotFoundError:
        raise Missing from None
    headers = {
        "content-disposition": f'attachment; filename="{_name(export)}"',
        "content-length": str(export.size),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Stream(_parts(file), media_type="text/csv; charset=utf-8", headers=headers)


def _name(export: Export) -> str:
    """doorstep-bookings-2026-11-22-7K3MQ9WD.csv, of the day it was asked for."""
    day = export.created_at.astimezone(clock.IST).date()
    return f"doorstep-{export.kind}-{day.isoformat()}-{export.reference}.csv"


async def _parts(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while part := file.read(CHUNK):
            yield part


async def _told(db: AsyncSession, kind: str, filters: Mapping[str, str]) -> list[str]:
    """One line for each filter."""
    words = [f"“{filters['q']}”"] if filters.get("q") else []
    if state := filters.get("state"):
        words.append({**states(), **_standings()}.get(state, "–"))
    rest = {name: value for name, value in filters.items() if name not in ("q", "state")}
    words += [said for _name, said in await filters_in_words(Desk(db), rest)]
    if kind == "ledger":
        named = ((accounts(), "account"), (kinds(), "kind"))
        words += [said.get(filters[name], "–") for said, name in named if filters.get(name)]
    return words


def _standings() -> dict[str, str]:
    return {
        "waiting": _("Waiting"),
        "approved": _("Approved"),
        "denied": _("Denied"),
        "blocked": _("Blocked"),
        "left": _("Left"),
    }
