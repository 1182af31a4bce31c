"""Photos that people send: rewritten in the sandbox before anything is stored."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.errors import Invalid, Overloaded
from app.core.i18n import _
from app.core.storage import MAIN_PART, Upload
from app.vetting.document_scan import scan_file
from app.vetting.scan_sandbox import MAX_PHOTO_PIXELS, THUMBNAIL_SIZE

MAX_PHOTOS_AT_ONCE = 5
MAX_PHOTOS_REQUEST_BYTES = 65_000_000  # a form with one photo more than is allowed, to say so beside the field
PHOTO_TYPES = "image/jpeg,image/png,image/webp,image/heic,image/heif,.jpg,.jpeg,.jfif,.png,.webp,.heic,.heif"
THUMBNAIL_PART = "1.jpg"
THUMBNAIL_SIDE_PIXELS = max(THUMBNAIL_SIZE)
# A browser runs nothing in a photo and loads nothing for it; only the reader's own browser keeps it.
PHOTO_HEADERS = {
    "cache-control": "private, max-age=3600",
    "content-disposition": "inline",
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class ScannedPhoto:
    """A JPEG of ours, upright, without location or camera data; `width` and `height` in pixels."""

    content: bytes
    thumbnail: bytes
    width: int
    height: int

    @property
    def parts(self) -> dict[str, bytes]:
        """The files by the names under which app.core.storage stores them."""
        return {MAIN_PART: self.content, THUMBNAIL_PART: self.thumbnail}


async def scan_photos(uploads: Sequence[Upload], address: str, field: str = "photos") -> list[ScannedPhoto]:
    """Scan for about half a second each: call it before the transaction begins. Invalid(field), Overloaded.

    `address` is the client's IP address: each waits for its own files.
    """
    uploads = [upload for upload in uploads if upload.size or upload.too_large]
    if len(uploads) > MAX_PHOTOS_AT_ONCE:
        raise Invalid({field: _("Send at most %(most)s photos at once.", most=MAX_PHOTOS_AT_ONCE)})
    if any(upload.too_large for upload in uploads):
        raise Invalid({field: _("A photo is larger than 10 MB. Choose a smaller one.")})
    return [await _scan(upload, address, field) for upload in uploads]


def digests_of(uploads: Sequence[Upload]) -> list[str]:
    """What makes a repeated request the same one (app.web.api.idempotent)."""
    digests = []
    for upload in uploads:
        digests.append(hashlib.sha256(upload.file.read()).hexdigest())
        upload.file.seek(0)
    return digests


def thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """Width and height at which a page shows the thumbnail of a photo: at half its pixels, for sharp screens."""
    scale = min(1.0, THUMBNAIL_SIDE_PIXELS / 2 / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


async def _scan(upload: Upload, address: str, field: str) -> ScannedPhoto:
    try:
        result = await scan_file(upload.file, address, "photo")
    except Overloaded as error:
        message = _("We're checking many photos right now. Try again in a few seconds.")
        raise Overloaded({field: message}, error.seconds) from error
    if isinstance(result, str):
        raise Invalid({field: _refusal(result)})
    width, height = result.pixels
    return ScannedPhoto(result.content, result.previews[0], width, height)


def _refusal(reason: str) -> str:
    megapixels = MAX_PHOTO_PIXELS // 1_000_000
    messages = {
        "type": _("This isn't a photo (JPEG, PNG, WebP, HEIC), whatever its name says. Choose another one."),
        "pixels": _("This photo has more than %(most)s megapixels. Choose a smaller one.", most=megapixels),
        "slow": _("This photo takes too long to open. Choose a smaller one."),
    }
    return messages.get(reason) or _("We can't read this photo. Take it again, or choose another one.")
