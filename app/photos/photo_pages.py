"""Photos of a request: scanned before its transaction begins, so that no connection is held meanwhile."""

from collections.abc import Sequence

from litestar import Response

from app.core.errors import RateLimited
from app.core.events import Person
from app.core.i18n import _
from app.core.rate_limiter import RateLimitPolicy
from app.core.storage import MAIN_PART, Storage, Upload
from app.photos.photo_upload import PHOTO_HEADERS, THUMBNAIL_PART, scan_photos
from app.photos.repository import NewPhotos
from app.web.http import HtmlResponse, Request
from app.web.security import client_address
from app.web.services import services_of

PHOTO_FORM_LIMIT = RateLimitPolicy("photo_forms", 60, 3600)


async def read_photos(request: Request, me: Person, uploads: Sequence[Upload]) -> NewPhotos:
    """Scan the photos of a form in a case or an appeal. Invalid("photos"); Overloaded; RateLimited."""
    services = services_of(request)
    if any(upload.size or upload.too_large for upload in uploads):
        result = await services.rate_limiter.hit(PHOTO_FORM_LIMIT, str(me.id))
        if result is not None and not result.allowed:
            raise RateLimited(_("That's a lot of photos. Write without them, or wait an hour."), result.reset_seconds)
    address = client_address(request.scope, services.settings.trusted_proxies)
    return NewPhotos(services.storage, await scan_photos(uploads, address))


async def photo_response(storage: Storage, stored_as: str, *, thumbnail: bool = False) -> HtmlResponse:
    """A stored photo, or its thumbnail."""
    content = await storage.read(stored_as, THUMBNAIL_PART if thumbnail else MAIN_PART)
    return Response(content, media_type="image/jpeg", headers=PHOTO_HEADERS)
