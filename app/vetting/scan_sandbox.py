"""Decode and rewrite an uploaded file in a process of its own, with limits on memory, time and files.

Run as a script it reads the file from standard input and writes the result to standard output: one line of JSON,
{"media_type", "sizes", "pixels"} or {"refused"}, and then the bytes. With the argument "portrait" the file must be a
picture, and the middle of it is made a small square; with "photo" it must be a picture, which is made smaller. Nothing
is passed through as it was sent: pictures are decoded and encoded again, PDFs are rebuilt from their pages without
active content.
"""

import io
import json
import re
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import pi_heif
import puremagic
import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageOps

MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_PAGES = 20
MAX_PIXELS = 60_000_000
MAX_SIDE_PIXELS = 4000  # of a stored picture
PORTRAIT_SIZE = (256, 256)  # pixels
MAX_PHOTO_PIXELS = 50_000_000  # of a photo as it is sent
MAX_PHOTO_SIDE_PIXELS = 1600  # of a photo as it is stored
THUMBNAIL_SIZE = (320, 320)  # pixels
MIN_PORTRAIT_SIDE_PIXELS = 128
PREVIEW_SIZE = (1200, 1600)  # pixels, width and height
MAX_MEMORY_BYTES = 1024 * 1024 * 1024
MAX_CPU_SECONDS = 3
FORMATS = {
    "application/pdf": "PDF",
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/heic": "HEIF",
}
# What pictures are stored as: the rest becomes JPEG.
STORED_TYPES = ("image/jpeg", "image/png")
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # ISO/IEC 23008-12
STREAMS = re.compile(rb"stream\r?\n.*?endstream", re.DOTALL)
# Names of active content in a PDF; PDFium writes them in plain text.
ACTIVE_CONTENT = re.compile(
    rb"/(JS|JavaScript|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|ImportData|GoTo[ER]|AA)\b"
)


class Refusal(Exception):
    """`reason` is a key of app.vetting.document_scan.refusal_messages."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CleanFile:
    """`content` is stored, `previews` holds a JPEG of each page; `pixels` are width and height of a photo."""

    media_type: str
    content: bytes
    previews: list[bytes] = field(default_factory=list)
    pixels: tuple[int, int] = (0, 0)


def clean_file(data: bytes) -> CleanFile:
    """Raise Refusal, or whatever a decoder raises."""
    media_type = detect_type(data)
    return _clean_pdf(data) if media_type == "application/pdf" else _clean_picture(data, media_type)


def clean_portrait(data: bytes) -> CleanFile:
    """A small square of the middle of a picture. Raise Refusal, or whatever a decoder raises."""
    media_type = detect_type(data)
    if media_type == "application/pdf":
        raise Refusal("picture")
    picture = _open_picture(data, media_type)
    if min(picture.size) < MIN_PORTRAIT_SIDE_PIXELS:
        raise Refusal("small")
    square = ImageOps.fit(picture, PORTRAIT_SIZE)
    return CleanFile("image/jpeg", _encode(square, "JPEG"), [_preview(square)])


def clean_photo(data: bytes) -> CleanFile:
    """A photo of at most MAX_PHOTO_SIDE_PIXELS, and its thumbnail. Raise Refusal, or whatever a decoder raises."""
    media_type = detect_type(data)
    if media_type == "application/pdf":
        raise Refusal("type")
    photo = _open_picture(data, media_type, MAX_PHOTO_PIXELS)
    photo.thumbnail((MAX_PHOTO_SIDE_PIXELS, MAX_PHOTO_SIDE_PIXELS))
    thumbnail = _preview(photo, THUMBNAIL_SIZE)
    return CleanFile("image/jpeg", _encode(photo, "JPEG"), [thumbnail], photo.size)


def detect_type(data: bytes) -> str:
    """Detect the type from the content alone, not from the name or what the sender claims."""
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS:
        return "image/heic"
    try:
        media_type = puremagic.from_string(data, mime=True)
    except (puremagic.PureError, ValueError):
        raise Refusal("type") from None
    if media_type not in FORMATS:
        raise Refusal("type")
    return media_type


def _clean_picture(data: bytes, media_type: str) -> CleanFile:
    flat = _open_picture(data, media_type)
    media_type = media_type if media_type in STORED_TYPES else "image/jpeg"
    content = _encode(flat, FORMATS[media_type])
    if len(content) > MAX_FILE_BYTES:
        media_type, content = "image/jpeg", _encode(flat, "JPEG")
    return CleanFile(media_type, content, [_preview(flat)])


def _open_picture(data: bytes, media_type: str, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The pixels alone, upright and not larger than MAX_SIDE_PIXELS."""
    with Image.open(io.BytesIO(data), formats=[FORMATS[media_type]]) as opened:
        if opened.width * opened.height > max_pixels:
            raise Refusal("pixels")
        if media_type == "image/jpeg":
            opened.draft("RGB", (MAX_SIDE_PIXELS, MAX_SIDE_PIXELS))
        opened.load()
        if opened.mode in ("L", "RGB", "RGBA"):  # large ones before they are copied
            opened.thumbnail((MAX_SIDE_PIXELS, MAX_SIDE_PIXELS))
        turned = ImageOps.exif_transpose(opened)
        flat = _flatten(turned)
    flat.thumbnail((MAX_SIDE_PIXELS, MAX_SIDE_PIXELS))
    return flat


def _flatten(picture: Image.Image) -> Image.Image:
    """Keep only the pixels: no location, camera data or comments."""
    white = Image.new("RGB", picture.size, "white")
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        white.paste(clear, mask=clear.getchannel("A"))
    else:
        white.paste(picture.convert("RGB"))
    return white


def _encode(picture: Image.Image, form: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, quality=88)
    return buffer.getvalue()


def _preview(picture: Image.Image, size: tuple[int, int] = PREVIEW_SIZE) -> bytes:
    small = picture.copy()
    small.thumbnail(size)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _clean_pdf(data: bytes) -> CleanFile:
    original = _open_pdf(data)
    if not 1 <= len(original) <= MAX_PAGES:
        raise Refusal("pages")
    for number in range(len(original)):
        page = original[number]
        # Draw forms and annotations into the page, then remove them.
        pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
        while pdfium.FPDFPage_GetAnnotCount(page) > 0:
            if not pdfium.FPDFPage_RemoveAnnot(page, 0):
                raise Refusal("acts")
        page.close()
    rebuilt = pypdfium2.PdfDocument.new()
    rebuilt.import_pages(original)
    written = io.BytesIO()
    rebuilt.save(written)
    content = written.getvalue()
    if ACTIVE_CONTENT.search(STREAMS.sub(b"", content)):
        raise Refusal("acts")
    if len(content) > MAX_FILE_BYTES:
        raise Refusal("broken")
    document = _open_pdf(content)
    return CleanFile("application/pdf", content, [_render_page(document[number]) for number in range(len(document))])


def _open_pdf(data: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as problem:
        locked = problem.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        raise Refusal("locked" if locked else "broken") from None


def _render_page(page: pypdfium2.PdfPage) -> bytes:
    width, height = page.get_size()
    if not (0 < width < 20_000 and 0 < height < 20_000):
        raise Refusal("broken")
    scale = min(PREVIEW_SIZE[0] / width, PREVIEW_SIZE[1] / height)
    return _preview(_flatten(page.render(scale=scale).to_pil()))


def _register_heic() -> None:
    """Let Pillow open HEIC: the photo alone, without its thumbnail and depth map, in one thread."""
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


def _limit_resources() -> None:
    for limit, value in (
        (resource.RLIMIT_AS, MAX_MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 5 * MAX_FILE_BYTES),
        (resource.RLIMIT_NOFILE, 16),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    # SIGXCPU, which says why the process ended, a second before SIGKILL.
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS + 1))


def _scan(data: bytes, clean: Callable[[bytes], CleanFile]) -> tuple[dict[str, object], list[bytes]]:
    try:
        result = clean(data)
    except Refusal as error:
        return {"refused": error.reason}, []
    except Image.DecompressionBombError:
        return {"refused": "pixels"}, []
    except Exception as problem:
        return {"refused": "broken", "problem": type(problem).__name__}, []
    blobs = [result.content, *result.previews]
    sizes = [len(blob) for blob in blobs]
    return {"media_type": result.media_type, "sizes": sizes, "pixels": result.pixels}, blobs


CLEANERS = {"": clean_file, "portrait": clean_portrait, "photo": clean_photo}


def main() -> None:
    _register_heic()
    _limit_resources()
    clean = CLEANERS[sys.argv[1] if sys.argv[1:] else ""]
    head, blobs = _scan(sys.stdin.buffer.read(MAX_FILE_BYTES + 1), clean)
    out = sys.stdout.buffer
    out.write(json.dumps(head).encode() + b"\n")
    for blob in blobs:
        out.write(blob)
    out.flush()


if __name__ == "__main__":
    main()
