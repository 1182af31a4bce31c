"""SQL of photos: store and delete them with what they were sent with, and list the files that must exist."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.sql import fetch
from app.core.storage import Storage
from app.photos.photo import Photo, PhotoOwner
from app.photos.photo_upload import ScannedPhoto, thumbnail_size

SELECT_BY_OWNER = {
    owner: f"SELECT {owner}, id, width, height FROM photos WHERE {owner} = ANY($1::bigint[]) ORDER BY {owner}, position"
    for owner in PhotoOwner
}
DELETE_BY_OWNER = {
    owner: f"DELETE FROM photos WHERE {owner} = ANY($1::bigint[]) RETURNING stored_as" for owner in PhotoOwner
}
OF_UPLOADER = "SELECT id, stored_as FROM photos WHERE uploader_id = $1 ORDER BY id"
STORED_PHOTOS = "SELECT id, stored_as, bytes FROM photos ORDER BY id"


@dataclass(frozen=True, slots=True)
class PhotoLine:
    """A photo on a page; sizes in pixels."""

    id: int
    width: int
    height: int

    @property
    def thumbnail_width(self) -> int:
        return thumbnail_size(self.width, self.height)[0]

    @property
    def thumbnail_height(self) -> int:
        return thumbnail_size(self.width, self.height)[1]


@dataclass(frozen=True, slots=True)
class NewPhotos:
    """Photos that were scanned before the transaction, and where their files go."""

    storage: Storage
    scanned: Sequence[ScannedPhoto] = ()

    def __len__(self) -> int:
        return len(self.scanned)


class Photos:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def attach(self, owner: PhotoOwner, owner_id: int, uploader_id: int, photos: NewPhotos | None) -> None:
        """Store the photos with what they are sent with; their files stay if the transaction commits."""
        if not photos:
            return
        for position, photo in enumerate(photos.scanned, start=1):
            row = Photo(
                uploader_id=uploader_id,
                position=position,
                stored_as=await photos.storage.store(self._db, photo.parts),
                width=photo.width,
                height=photo.height,
                bytes=len(photo.content),
            )
            setattr(row, owner, owner_id)
            self._db.add(row)

    async def of(self, owner: PhotoOwner, ids: Iterable[int]) -> dict[int, list[PhotoLine]]:
        """The photos of each of these messages or appeals, in their order."""
        found: dict[int, list[PhotoLine]] = {}
        for owner_id, *line in await fetch(self._db, SELECT_BY_OWNER[owner], list(ids)):
            found.setdefault(owner_id, []).append(PhotoLine(*line))
        return found

    async def delete(self, storage: Storage, owner: PhotoOwner, ids: Iterable[int]) -> int:
        """Delete the photos of these messages or appeals, and their files once this commits; return how many."""
        names = [row[0] for row in await fetch(self._db, DELETE_BY_OWNER[owner], list(ids))]
        for name in names:
            storage.delete(self._db, name)
        return len(names)

    async def of_uploader(self, person_id: int) -> list[Record]:
        """All photos that this person sent: id, stored_as."""
        return await fetch(self._db, OF_UPLOADER, person_id)

    async def delete_files(self, storage: Storage, person_id: int) -> None:
        """Delete the files of all photos that this person sent, once what erases the rows commits."""
        for row in await self.of_uploader(person_id):
            storage.delete(self._db, row["stored_as"])

    async def stored(self) -> list[Record]:
        """What each file on the disk must be: id, stored_as, bytes."""
        return await fetch(self._db, STORED_PHOTOS)

    async def stored_names(self) -> set[str]:
        """Every photo in the private folder, which documents and exports share."""
        return {row["stored_as"] for row in await self.stored()}
