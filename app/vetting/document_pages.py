"""/documents: a professional's documents. Only the owner and admins see the files, and every view is recorded."""

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.errors import Invalid, Missing
from app.core.i18n import _
from app.core.references import parse_row_id
from app.core.storage import MAIN_PART, Storage
from app.settings import Settings
from app.vetting import document_changes
from app.vetting.document import CURRENT_STATES, FORMER_STATES, KINDS, Document, DocumentKind
from app.vetting.document_scan import scan_document
from app.vetting.repository import Cases, Documents, Professionals
from app.web.actions import Rejection, submit
from app.web.forms import Form, parse_form, parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, page, redirect
from app.web.security import client_address
from app.web.uploads import MAX_UPLOAD_REQUEST_BYTES, with_files_to_choose

EXTENSIONS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
# A browser runs nothing in the file and loads nothing for it.
FILE_HEADERS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class DocumentsPages(Controller):
    path = "/documents"
    opt = only("professional")

    @get(name="documents")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render(request, db, me)

    @post(request_max_body_size=MAX_UPLOAD_REQUEST_BYTES)
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        form, address = await parse_form(request), client_address(request.scope, settings.trusted_proxies)

        async def upload() -> None:
            kind, expires_on = form.get("kind", ""), None
            if kind != DocumentKind.PHOTO:
                expires_on = document_changes.parse_expiry(form.get("expires_on", ""))
            scan = await scan_document(form.files.get("document"), address, kind)
            await document_changes.upload_document(db, storage, me, kind, scan, expires_on)
            flash(request, _("We've received your document. We'll email you when it's reviewed."), "waiting")

        return await submit(
            request,
            upload,
            form=form,
            catch=(Invalid,),
            on_error=lambda rejection: _render(request, db, me, form, rejection),
            then="/documents",
        )


class DocumentPages(Controller):
    path = "/documents/{document_id:str}"
    opt = only("professional", "admin")

    @get(name="document", opt={"in_transaction": True})
    async def download(
        self,
        document_id: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        document = await Documents(db).visible_to(me, parse_row_id(document_id) or 0, lock=True)
        document.record_view(me, "downloaded")
        name = f"{document.kind}-{document.id}.{EXTENSIONS[document.media_type]}"
        headers = {**FILE_HEADERS, "content-disposition": f'attachment; filename="{name}"'}
        return Response(await storage.read(_stored_name(document)), media_type=document.media_type, headers=headers)

    @post("/removal", name="photo-removal", opt=only("professional"))
    async def remove(
        self,
        request: Request,
        document_id: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        """Take back the own photo. Proofs stay; a new one replaces them."""
        await document_changes.withdraw_photo(db, storage, me, parse_row_id(document_id) or 0)
        flash(request, _("Your photo is removed."))
        return redirect(request, "/documents")

    @get("/preview", name="document-preview", opt={"in_transaction": True})
    async def preview(
        self,
        request: Request,
        document_id: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        """The picture of one page (`?page=2`), rendered by us; never the file itself."""
        document = await Documents(db).visible_to(me, parse_row_id(document_id) or 0, lock=True)
        number = parse_row_id(parse_query(request).get("page", "1"))
        if number is None or number > document.pages:
            raise Missing
        if not await Documents(db).viewed_recently(document, me):
            document.record_view(me, "looked at")
        picture = await storage.read(_stored_name(document), f"{number}.jpg")
        return Response(picture, media_type="image/jpeg", headers={**FILE_HEADERS, "content-disposition": "inline"})


def _stored_name(document: Document) -> str:
    return document.stored_as or MAIN_PART


async def _render(
    request: Request,
    db: AsyncSession,
    me: Me,
    form: Form | None = None,
    rejection: Rejection | None = None,
) -> HtmlResponse:
    documents = await Documents(db).of(me.id)
    return page(
        request,
        "vetting/documents.html",
        "vetting/_documents.html",
        status=rejection.status if rejection else 200,
        headers=rejection.headers if rejection else {},
        professional=await Professionals(db).get(me.id),
        case=await Cases(db).open_of(me.id),
        documents=[document for document in documents if document.state in CURRENT_STATES],
        former=[document for document in documents if document.state in FORMER_STATES],
        kinds=KINDS,
        values=rejection.values if rejection else {},
        errors=with_files_to_choose(form.files, rejection.errors) if form is not None and rejection else {},
    )
