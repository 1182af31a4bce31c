"""/appeals/photos/…: a photo of an appeal and its thumbnail, for who appealed, though blocked, and admins."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.blocking.appeal_repository import Appeals
from app.core.storage import Storage
from app.photos.photo_pages import photo_response
from app.web.guards import signed_in
from app.web.http import HtmlResponse


class AppealPhotoPages(Controller):
    path = "/appeals/photos/{photo_id:int}"
    opt = signed_in(allow_blocked=True)

    @get(name="appeal-photo")
    async def show(
        self,
        photo_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        return await photo_response(storage, await Appeals(db).photo_for(me, photo_id))

    @get("/thumbnail", name="appeal-thumbnail")
    async def thumbnail(
        self,
        photo_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        return await photo_response(storage, await Appeals(db).photo_for(me, photo_id), thumbnail=True)
