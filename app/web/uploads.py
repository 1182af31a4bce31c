"""Forms with files: read piece by piece, files onto the disk under no name, so that nothing can be left behind."""

from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from litestar.exceptions import ClientException, InternalServerException
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser

from app.core.errors import Invalid
from app.core.i18n import _
from app.core.storage import LARGEST, Storage, Upload
from app.web.http import Request

# Bytes of a whole form with a file. More than a file may have: one that is too large is told so beside its field.
UPLOAD = 30_000_000
MOST_TEXT = 1_000_000  # bytes of all its other fields together
MOST_PARTS = 200
MOST_FILES = 4
IN_MEMORY = 65_536  # bytes; what is larger goes to the disk as it comes


class TooMuch(ClientException):
    status_code = HTTP_413_REQUEST_ENTITY_TOO_LARGE


async def read_multipart(request: Request) -> tuple[list[tuple[str, str]], dict[str, Upload]]:
    """The fields in order, and the files by name. Raises Invalid when the body ends too early."""
    _kind, options = request.content_type
    if not (boundary := options.get("boundary", "")).isascii() or not boundary:
        raise ClientException("no boundary")
    reading = _Reading(request.app.state.storage)
    try:
        with PushMultipartParser(boundary.encode(), max_segment_count=MOST_PARTS) as parser:
            async for chunk in request.stream():
                if not parser.closed:
                    reading.take(parser.parse(chunk))
    except ParserLimitReached as error:
        raise ClientException("too many fields") from error
    except (MultipartError, InternalServerException) as error:
        # Litestar's word for a line that went dead half way.
        raise Invalid({"": _("This did not arrive whole. Please send it again.")}) from error
    return reading.pairs, reading.files


class _Reading:
    def __init__(self, storage: Storage) -> None:
        self.pairs: list[tuple[str, str]] = []
        self.files: dict[str, Upload] = {}
        self._storage = storage
        self._part: MultipartSegment | None = None
        self._upload: Upload | None = None
        self._text = bytearray()
        self._texts = 0

    def take(self, told: Any) -> None:
        """What the parser found: the head of a part, a piece of it, or None at its end."""
        for piece in told:
            if isinstance(piece, MultipartSegment):
                self._begin(piece)
            elif piece:
                self._go_on(piece)
            else:
                self._end()

    def _begin(self, part: MultipartSegment) -> None:
        self._part, self._text, self._upload = part, bytearray(), None
        if part.filename and len(self.files) < MOST_FILES:
            # Unnamed as soon as it is made: even a killed process leaves nothing.
            file = SpooledTemporaryFile(IN_MEMORY, dir=str(self._storage.make_room()))  # noqa: SIM115
            self._upload = Upload(part.filename, cast(IO[bytes], file), 0)

    def _go_on(self, piece: bytes) -> None:
        if self._upload is not None:
            _add(self._upload, piece)
        elif self._part is None or self._part.filename is None:
            self._texts += len(piece)
            if self._texts > MOST_TEXT:
                raise TooMuch("too much text")
            self._text += piece

    def _end(self) -> None:
        if self._part is None:
            raise ClientException("a part without a head")
        if self._upload is not None:
            self._upload.file.seek(0)
            self.files[self._part.name] = self._upload
        elif self._part.filename is None:
            self.pairs.append((self._part.name, _text_of(self._text, self._part.charset)))
        self._part = self._upload = None


def _add(upload: Upload, piece: bytes) -> None:
    upload.size += len(piece)
    if upload.size <= LARGEST:
        upload.file.write(piece)
    elif not upload.too_large:
        upload.too_large = True
        upload.file.seek(0)
        upload.file.truncate()


def _text_of(raw: bytearray, charset: str | None) -> str:
    try:
        return raw.decode(charset or "utf-8")
    except (UnicodeDecodeError, LookupError) as error:
        raise ClientException("text that is not UTF-8") from error


def choose_again(files: dict[str, Upload], errors: dict[str, str]) -> dict[str, str]:
    """The errors of a form that is drawn again: a browser forgets the files that were chosen, so each is asked for."""
    again = _("Please choose the file again: nothing of it was kept.")
    return {**dict.fromkeys(files, again), **errors}
