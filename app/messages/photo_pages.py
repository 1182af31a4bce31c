"""/messages/photos/…: a photo of a message and its thumbnail, for both sides of the booking and admins."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.storage import Storage
from app.messages.repository import Messages
from app.photos.photo_pages import photo_response
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
        return await photo_response(storage, await Messages(db).photo_for(me, photo_id))

    @get("/thumbnail", name="message-thumbnail")
    async def thumbnail(
        self,
        photo_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        return await photo_response(storage, await Messages(db).photo_for(me, photo_id), thumbnail=True)
