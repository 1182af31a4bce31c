"""/documents: a professional's papers. The files go to their owner and to admins alone, and each look is recorded."""

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.errors import Invalid, Missing
from app.core.i18n import _
from app.core.references import row_number
from app.core.storage import MAIN, Storage
from app.vetting import document_changes
from app.vetting.document import KINDS, Document
from app.vetting.repository import Cases, Documents, Professionals
from app.vetting.scanning import paper_of
from app.web.forms import Form, form, query, shown_again
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page
from app.web.uploads import UPLOAD, choose_again

ENDINGS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
# Whatever a browser does with it, it does nothing of its own and may reach nothing.
ALONE = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class DocumentsPages(Controller):
    path = "/documents"
    opt = only("professional")

    @get(name="documents")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _draw(request, db, me)

    @post(request_max_body_size=UPLOAD)
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            expires_on = document_changes.expiry_of(sent.get("expires_on", ""))
            paper = await paper_of(sent.files.get("document"))
            await document_changes.change(db, storage, me, sent.get("kind", ""), paper, expires_on)
        except Invalid as error:
            return await _draw(request, db, me, sent, choose_again(sent.files, error.errors))
        flash(request, _("Your paper has come. You hear from us when it is checked."), "waiting")
        return go(request, "/documents")


class DocumentPages(Controller):
    path = "/documents/{document_id:str}"
    opt = only("professional", "admin")

    @get(name="document")
    async def download(
        self,
        document_id: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        document = await Documents(db).visible_to(me, row_number(document_id) or 0, lock=True)
        document.seen(me, "downloaded")
        name = f"{document.kind}-{document.id}.{ENDINGS[document.media_type]}"
        headers = {**ALONE, "content-disposition": f'attachment; filename="{name}"'}
        return Response(await storage.read(_file(document)), media_type=document.media_type, headers=headers)

    @get("/preview", name="document-preview")
    async def preview(
        self,
        request: Request,
        document_id: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        """`?page=2`: the picture of one page, as we drew it; never the file itself."""
        document = await Documents(db).visible_to(me, row_number(document_id) or 0, lock=True)
        number = row_number(query(request).get("page", "1"))
        if number is None or number > document.pages:
            raise Missing
        if not await Documents(db).looked_at_lately(document, me):
            document.seen(me, "looked at")
        picture = await storage.read(_file(document), f"{number}.jpg")
        return Response(picture, media_type="image/jpeg", headers={**ALONE, "content-disposition": "inline"})


def _file(document: Document) -> str:
    return document.stored_as or MAIN


async def _draw(
    request: Request, db: AsyncSession, me: Me, sent: Form | None = None, errors: dict[str, str] | None = None
) -> HtmlResponse:
    documents = await Documents(db).of(me.id)
    return page(
        request,
        "vetting/documents.html",
        "vetting/_documents.html",
        status=422 if errors else 200,
        professional=await Professionals(db).get(me.id),
        case=await Cases(db).open_of(me.id),
        documents=[document for document in documents if document.state in ("submitted", "approved")],
        former=[document for document in documents if document.state in ("denied", "replaced")],
        kinds=KINDS,
        values=shown_again(sent) if sent is not None else {},
        errors=errors or {},
    )
