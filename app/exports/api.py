"""/api/exports: admins request, follow and download exports."""

from typing import Annotated, Any, Literal

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core import clock
from app.core.api_types import Body, Id, Moment
from app.core.datetimes import to_ist
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.storage import Storage
from app.exports import lifecycle
from app.exports.export import Export
from app.exports.lifecycle import ExpiredExport
from app.exports.pages import file_response, require_kind
from app.exports.queries import FILTER_FIELDS, MAX_FILTER_LENGTH, clean_filters
from app.exports.repository import Exports
from app.web.api import idempotent, json_response, read_body, row_id
from app.web.guards import UserFacingError, only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Exports"
PATH_PARAMS = {"export_id": "ID of the export."}
Table = Annotated[
    Literal["bookings", "customers", "professionals", "ledger", "invoices"],
    Meta(description="The admin table to export; invoices with the right for money.", examples=["bookings"]),
]


class ExportBody(Body):
    """A table to export as a CSV file."""

    table: Table
    filters: Annotated[
        dict[str, Annotated[str, Meta(max_length=MAX_FILTER_LENGTH)]],
        Meta(description="Filters, as in the table's URL, such as state or from.", examples=[{"state": "completed"}]),
    ] = {}
    bom: Annotated[
        bool,
        Meta(
            description="For Excel: start the file with a byte order mark. On unless you send false.", examples=[True]
        ),
    ] = True


class ExportJson(Struct, kw_only=True):
    """An export and its progress."""

    id: Id
    ref: Annotated[str, Meta(description="The export's public reference.", examples=["7K3MQ9WD"])]
    table: Table
    state: Annotated[
        Literal["queued", "running", "ready", "failed", "expired", "discarded"],
        Meta(description="The current state; once `ready`, you can download the file for 7 days.", examples=["ready"]),
    ]
    rows_done: Annotated[int, Meta(ge=0, description="Number of rows written so far.", examples=[1200])]
    rows_total: Annotated[
        int | None, Meta(description="Total number of rows; null until it is known.", examples=[1200, None])
    ]
    size: Annotated[
        int | None, Meta(description="Size of the file in bytes; null until it is ready.", examples=[90210, None])
    ]
    file: Annotated[
        str | None,
        Meta(description="Path to download the file; null until it is ready.", examples=["/api/exports/7/file", None]),
    ]
    created: Moment
    expires: Annotated[
        Moment | None, Meta(description="When the file will be deleted.", examples=["2026-12-01T10:00:00+05:30", None])
    ]


START = Doc(
    summary="Export a table as a CSV file",
    tag=TAG,
    body=ExportBody,
    responses={201: ExportJson},
    error_statuses=(409,),
    idempotent=True,
)
SHOW = Doc(summary="Get the state of an export", tag=TAG, path=PATH_PARAMS, responses={200: ExportJson})
FILE = Doc(
    summary="Download the file of an export",
    tag=TAG,
    path=PATH_PARAMS,
    responses={200: str},
    error_statuses=(410,),
    media="text/csv",
)


class FileGone(UserFacingError):
    status_code = 410
    kind = "gone"


class ExportApi(Controller):
    path = "/api/exports"
    opt = only("admin", api=True)

    @post(name="api_new_export", opt={"doc": START})
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, ExportBody)
        require_kind(me, body.table)
        unknown = [name for name in body.filters if name not in FILTER_FIELDS[body.table]]
        if unknown:
            raise Invalid({f"filters.{name}": _("This field doesn't exist.") for name in unknown})

        async def make() -> JsonResponse:
            filters = clean_filters(body.table, body.filters)
            export = await lifecycle.request_export(db, me, body.table, filters, bom=body.bom)
            return json_response(_export_json(export), 201)

        return await idempotent(request, db, me, body, make)

    @get("/{export_id:int}", name="api_export", opt={"doc": SHOW})
    async def show(
        self, export_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        reference = await Exports(db).reference_of(me.id, row_id(export_id))
        return json_response(_export_json(await Exports(db).by_reference(me.id, reference)))

    @get("/{export_id:int}/file", name="api_export_file", opt={"doc": FILE, "in_transaction": True})
    async def file(
        self,
        export_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> Response[Any]:
        reference = await Exports(db).reference_of(me.id, row_id(export_id))
        try:
            return file_response(await Exports(db).by_reference(me.id, reference, lock=True), me, storage)
        except ExpiredExport as error:
            raise FileGone(_("This file has been deleted. Request a new export.")) from error


def _export_json(export: Export) -> ExportJson:
    expired = lifecycle.is_expired(export, clock.now())
    is_ready = export.state == "ready" and not expired
    return ExportJson(
        id=export.id,
        ref=export.reference,
        table=export.kind,  # type: ignore[arg-type]  # of an admin it is one of these
        state="expired" if expired and export.state == "ready" else export.state,  # type: ignore[arg-type]  # a CHECK
        rows_done=export.rows_done,
        rows_total=export.rows_total,
        size=export.size if is_ready else None,
        file=f"/api/exports/{export.id}/file" if is_ready else None,
        created=to_ist(export.created_at),
        expires=to_ist(export.expires_at) if export.expires_at else None,
    )
