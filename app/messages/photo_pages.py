"""/messages/photos/…: a photo of a message and its thumbnail, for both sides of the booking and admins."""

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.storage import Storage
from app.messages.photo_upload import PHOTO_HEADERS, THUMBNAIL_PART
from app.messages.repository import Messages
from app.web.guards import only
from app.web.http import HtmlResponse


class MessagePhotoPages(Controller):
    path = "/messages/photos/{photo_id:int}"
    opt = only("customer", "professional", "admin")

    @get(name="message-photo")
    async def show(
        self,
        photo_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        photo = await storage.read(await Messages(db).photo_for(me, photo_id))
        return Response(photo, media_type="image/jpeg", headers=PHOTO_HEADERS)

    @get("/thumbnail", name="message-thumbnail")
    async def thumbnail(
        self,
        photo_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        photo = await storage.read(await Messages(db).photo_for(me, photo_id), THUMBNAIL_PART)
        return Response(photo, media_type="image/jpeg", headers=PHOTO_HEADERS)
