"""Photos in the API: the field of a multipart form, and a photo as it is read."""

from collections.abc import Iterable
from typing import Annotated, Any

from msgspec import Meta, Struct

from app.core.api_types import Id
from app.photos.photo_upload import MAX_PHOTOS_AT_ONCE
from app.photos.repository import PhotoLine

PHOTOS_FIELD: dict[str, Any] = {
    "type": "array",
    "maxItems": MAX_PHOTOS_AT_ONCE,
    "items": {"type": "string", "contentMediaType": "application/octet-stream"},
    "description": "JPEG, PNG, WebP or HEIC of at most 10 MB each; repeat the field for each.",
}


class PhotoJson(Struct, kw_only=True):
    """A photo, a JPEG."""

    id: Id
    width: Annotated[int, Meta(description="Width in pixels.", examples=[1600])]
    height: Annotated[int, Meta(description="Height in pixels.", examples=[1200])]
    url: Annotated[str, Meta(description="Path of the photo.", examples=["/api/messages/photos/12"])]


PhotoList = Annotated[list[PhotoJson], Meta(description="The photos, in order.", examples=[[]])]


def photos_json(photos: Iterable[PhotoLine], path: str) -> list[PhotoJson]:
    """`path`: the address under which photos of this kind are read."""
    return [
        PhotoJson(id=photo.id, width=photo.width, height=photo.height, url=f"{path}/{photo.id}") for photo in photos
    ]
