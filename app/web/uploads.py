"""Parse multipart forms as a stream; files go to unnamed temporary files, which the kernel deletes."""

from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from litestar.exceptions import ClientException, InternalServerException
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser

from app.core.errors import Invalid
from app.core.i18n import _
from app.core.storage import MAX_UPLOAD_BYTES, Storage, Upload
from app.web.http import Request
from app.web.services import services_of

# A form with a file. Larger than a file may be, so that one that is too large becomes an error of its field.
MAX_UPLOAD_REQUEST_BYTES = 30_000_000
MAX_TEXT_BYTES = 1_000_000  # of all text fields together
MAX_PARTS = 200
MAX_PART_HEADER_BYTES = 65_536  # room for every file name
MAX_FILES = 6
SPOOL_BYTES = 65_536  # larger files are written to disk as they arrive


class RequestTooLarge(ClientException):
    status_code = HTTP_413_REQUEST_ENTITY_TOO_LARGE


async def read_multipart(request: Request) -> tuple[list[tuple[str, str]], list[tuple[str, Upload]]]:
    """The fields and the files, each with its name, in order. Raises Invalid when the body ends too early."""
    _kind, options = request.content_type
    if not (boundary := options.get("boundary", "")).isascii() or not boundary:
        raise ClientException("no boundary")
    reader = _MultipartReader(services_of(request).storage)
    try:
        with _parser(boundary) as parser:
            async for chunk in request.stream():
                if not parser.closed:
                    reader.feed(parser.parse(chunk))
    except ParserLimitReached as error:
        raise ClientException("too many fields") from error
    except (MultipartError, InternalServerException) as error:
        # Litestar raises InternalServerException when the connection is lost.
        raise Invalid({"": _("The upload was incomplete. Send it again.")}) from error
    return reader.pairs, reader.files


def _parser(boundary: str) -> PushMultipartParser:
    return PushMultipartParser(boundary.encode(), max_segment_count=MAX_PARTS, max_header_size=MAX_PART_HEADER_BYTES)


class _MultipartReader:
    def __init__(self, storage: Storage) -> None:
        self.pairs: list[tuple[str, str]] = []
        self.files: list[tuple[str, Upload]] = []
        self._storage = storage
        self._part: MultipartSegment | None = None
        self._upload: Upload | None = None
        self._text = bytearray()
        self._texts = 0

    def feed(self, pieces: Any) -> None:
        """Take the parser's output: the head of a part, pieces of its body, None at its end."""
        for piece in pieces:
            if isinstance(piece, MultipartSegment):
                self._begin(piece)
            elif piece:
                self._continue(piece)
            else:
                self._end()

    def _begin(self, part: MultipartSegment) -> None:
        self._part, self._text, self._upload = part, bytearray(), None
        if part.filename and len(self.files) < MAX_FILES:
            # Unlinked as soon as it is created: even a killed process leaves nothing behind.
            file = SpooledTemporaryFile(SPOOL_BYTES, dir=str(self._storage.ensure_incoming()))  # noqa: SIM115
            self._upload = Upload(part.filename, cast(IO[bytes], file), 0)

    def _continue(self, piece: bytes) -> None:
        if self._upload is not None:
            _add(self._upload, piece)
        elif self._part is None or self._part.filename is None:
            self._texts += len(piece)
            if self._texts > MAX_TEXT_BYTES:
                raise RequestTooLarge("too much text")
            self._text += piece

    def _end(self) -> None:
        if self._part is None:
            raise ClientException("a part without a head")
        if self._upload is not None:
            self._upload.file.seek(0)
            self.files.append((self._part.name, self._upload))
        elif self._part.filename is None:
            self.pairs.append((self._part.name, _text_of(self._text, self._part.charset)))
        self._part = self._upload = None


def _add(upload: Upload, piece: bytes) -> None:
    upload.size += len(piece)
    if upload.size <= MAX_UPLOAD_BYTES:
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


def with_files_to_choose(files: dict[str, Upload], errors: dict[str, str]) -> dict[str, str]:
    """Add an error for each file of a form that is shown again, because browsers forget the chosen files."""
    message = _("Choose the file again. It wasn't saved.")
    return {**dict.fromkeys(files, message), **errors}
