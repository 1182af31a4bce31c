"""/admin/exports: request, follow, download and discard exports of the admin's tables."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.storage import Storage
from app.exports.pages import INDEX_PATHS, RECORD_PATHS, ExportIndex, ExportRecord, render_file
from app.web.guards import only
from app.web.http import Request


class ExportAdminPages(ExportIndex):
    path = INDEX_PATHS["admin"]
    opt = only("admin")


class ExportRecordAdminPages(ExportRecord):
    path = f"{RECORD_PATHS['admin']}/{{ref:str}}"
    opt = only("admin")

    @get("/file", name="admin-export-file", opt=only("admin", fresh=True, in_transaction=True))
    async def file(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> Response[Any]:
        return await render_file(request, me, db, storage, ref)
