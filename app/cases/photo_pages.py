"""/cases/photos/…: a photo of a case and its thumbnail, for those who may read the message it was sent with."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.cases.repository import BookingCases
from app.core.storage import Storage
from app.photos.photo_pages import photo_response
from app.web.guards import only
from app.web.http import HtmlResponse


class CasePhotoPages(Controller):
    path = "/cases/photos/{photo_id:int}"
    opt = only("customer", "professional", "admin")

    @get(name="case-photo")
    async def show(
        self,
        photo_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        return await photo_response(storage, await BookingCases(db).photo_for(me, photo_id))

    @get("/thumbnail", name="case-thumbnail")
    async def thumbnail(
        self,
        photo_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        return await photo_response(storage, await BookingCases(db).photo_for(me, photo_id), thumbnail=True)
