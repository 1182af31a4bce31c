"""/earnings/export: a professional requests, follows, downloads and discards exports of their own earnings.

The base classes and rendering are shared with the admin's pages (app.exports.admin_pages).
"""

from collections.abc import AsyncIterator, Mapping
from typing import IO, Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.labels import ADMIN_STATE_FILTERS, LEDGER_ACCOUNTS, LEDGER_KINDS
from app.core import clock
from app.core.errors import Missing
from app.core.i18n import N_, _
from app.core.storage import Storage
from app.dispatch.admin_pages import describe_filters
from app.dispatch.repository import AdminBookings
from app.exports import lifecycle
from app.exports.export import Export
from app.exports.lifecycle import ExpiredExport
from app.exports.queries import clean_filters
from app.exports.repository import Exports
from app.invoices.admin_pages import KIND_LABELS
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form, parse_query
from app.web.guards import only, require_right
from app.web.http import HtmlResponse, Request
from app.web.render import flash, page, redirect

# By role: the path of the list of exports, and the path under which each export is.
INDEX_PATHS = {"admin": "/admin/exports", "professional": "/earnings/export"}
RECORD_PATHS = {"admin": "/admin/exports", "professional": "/earnings/exports"}
CHUNK_BYTES = 262_144
# What an admin filters people by.
PERSON_STATES = {
    "waiting": N_("Pending"),
    "approved": N_("Approved"),
    "denied": N_("Rejected"),
    "blocked": N_("Blocked"),
    "left": N_("Account deleted"),
}


class ExportIndex(Controller):
    """List the user's exports, with the form that requests another."""

    @get()
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render_index(request, me, db, parse_query(request))

    @post()
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        kind = form.get("table", "")
        require_kind(me, kind)
        filters = clean_filters(kind, form)
        return await submit(
            request,
            lambda: lifecycle.request_export(db, me, kind, filters, bom=form.get("bom") == "yes"),
            on_error=lambda rejection: _render_index(request, me, db, form, rejection),
            then=lambda export: f"{RECORD_PATHS[me.role]}/{export.reference}",
        )


class ExportRecord(Controller):
    """Show, retry and discard one of the user's exports; Missing for those of others."""

    @get()
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _render_export(request, me, db, await Exports(db).by_reference(me.id, ref))

    @post("/again")
    async def retry(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await parse_form(request)
        require_kind(me, (await Exports(db).by_reference(me.id, ref)).kind)
        export = await lifecycle.retry(db, me, ref)
        return redirect(request, f"{RECORD_PATHS[me.role]}/{export.reference}")

    @post("/removal")
    async def removal(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        await parse_form(request)
        await lifecycle.discard(db, storage, me, ref)
        flash(request, _("Discarded. The file is deleted."))
        return redirect(request, INDEX_PATHS[me.role])


class EarningsExportPages(ExportIndex):
    path = INDEX_PATHS["professional"]
    opt = only("professional")


class EarningsExportRecordPages(ExportRecord):
    path = f"{RECORD_PATHS['professional']}/{{ref:str}}"
    opt = only("professional")

    @get("/file", name="earnings-export-file", opt=only("professional", fresh=True, in_transaction=True))
    async def file(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> Response[Any]:
        return await render_file(request, me, db, storage, ref)


def require_kind(me: Me, kind: str) -> None:
    """Raise WrongRole for an admin without the right for what the file holds."""
    if kind in lifecycle.MONEY_KINDS:
        require_right(me, "money")


async def _render_index(
    request: Request,
    me: Me,
    db: AsyncSession,
    fields: Mapping[str, str],
    rejection: Rejection | None = None,
) -> HtmlResponse:
    """Render the list. `fields` are the query of the table to export, or the submitted form."""
    available_kinds = [kind for kind in lifecycle.kinds_for(me) if kind not in lifecycle.MONEY_KINDS or me.may("money")]
    kind = fields.get("table", "") if len(available_kinds) > 1 else available_kinds[0]
    kind = kind if kind in available_kinds else ""
    filters = clean_filters(kind, fields)
    return await _render(
        request,
        me,
        db,
        "exports",
        rejection.status if rejection else 200,
        exports=await Exports(db).latest(me.id),
        kind=kind,
        kinds=available_kinds,
        filters=filters,
        filter_labels=await _filter_labels(db, kind, filters),
        values={"bom": fields.get("bom", "") if rejection else "yes"},
        errors=rejection.errors if rejection else {},
        refusal=rejection.refusal if rejection else None,
    )


async def _render_export(
    request: Request, me: Me, db: AsyncSession, export: Export, *, status: int = 200
) -> HtmlResponse:
    expired = lifecycle.is_expired(export, clock.now())
    filter_labels = await _filter_labels(db, export.kind, export.filters)
    return await _render(request, me, db, "export", status, export=export, expired=expired, filter_labels=filter_labels)


async def _render(request: Request, me: Me, db: AsyncSession, name: str, status: int, **context: Any) -> HtmlResponse:
    full, fragment = f"exports/{name}.html", f"exports/_{name}.html"
    context |= {
        "index_path": INDEX_PATHS[me.role],
        "records_path": RECORD_PATHS[me.role],
        "layout": "layouts/admin.html" if me.role == "admin" else "layouts/base.html",
    }
    if me.role == "admin":
        response = await admin_page(request, db, full, fragment, **context)
    else:
        response = page(request, full, fragment, **context)
    response.status_code = status
    return response


async def render_file(request: Request, me: Me, db: AsyncSession, storage: Storage, ref: str) -> Response[Any]:
    export = await Exports(db).by_reference(me.id, ref, lock=True)
    try:
        return file_response(export, me, storage)
    except ExpiredExport:
        return await _render_export(request, me, db, export, status=410)


def file_response(export: Export, me: Me, storage: Storage) -> Stream:
    """Stream the file of a locked export; it is opened first, so the download survives a discard.

    Raises ExpiredExport, Missing; WrongRole when the right was taken meanwhile.
    """
    require_kind(me, export.kind)
    try:
        file = storage.path(lifecycle.record_download(export, me, clock.now())).open("rb")
    except FileNotFoundError:
        raise Missing from None
    headers = {
        "content-disposition": f'attachment; filename="{_file_name(export)}"',
        "content-length": str(export.size),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Stream(_read_chunks(file), media_type="text/csv", headers=headers)


def _file_name(export: Export) -> str:
    """Name the file by the day of the request: doorstep-bookings-2026-11-22-7K3MQ9WD.csv."""
    day = export.created_at.astimezone(clock.IST).date()
    return f"doorstep-{export.kind}-{day.isoformat()}-{export.reference}.csv"


async def _read_chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while part := file.read(CHUNK_BYTES):
            yield part


async def _filter_labels(db: AsyncSession, kind: str, filters: Mapping[str, str]) -> list[str]:
    """Describe each filter in one line."""
    lines = [f"“{filters['q']}”"] if filters.get("q") else []
    if state := filters.get("state"):
        lines.append(_({**ADMIN_STATE_FILTERS, **PERSON_STATES}.get(state, "–")))
    rest = {name: value for name, value in filters.items() if name not in ("q", "state")}
    lines += [text for _name, text in await describe_filters(AdminBookings(db), rest)]
    if kind == "invoices":
        lines += [_(KIND_LABELS.get(filters["kind"], "–"))] if filters.get("kind") else []
        lines += [filters["number"]] if filters.get("number") else []
    if kind == "ledger":
        labels_by_field = {"account": LEDGER_ACCOUNTS, "kind": LEDGER_KINDS}
        lines += [_(labels.get(filters[name], "–")) for name, labels in labels_by_field.items() if filters.get(name)]
    return lines
