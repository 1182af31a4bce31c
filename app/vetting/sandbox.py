"""Looks into an uploaded file where it can hurt nobody: a process of its own, short of memory, time and files.

Run as a script it reads the file from standard input and writes to standard output what is to be kept: one line of
JSON, {"media_type", "sizes"} or {"refused"}, and then the bytes. What is kept was written by us: pictures are
decoded and encoded again, PDFs are put together anew from their pages, without anything that acts.
"""

import io
import json
import re
import resource
import sys
from dataclasses import dataclass, field

import puremagic
import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageOps

LARGEST = 10 * 1024 * 1024  # bytes
MOST_PAGES = 20
MOST_PIXELS = 60_000_000
LONGEST_SIDE = 4000  # pixels of a picture that is kept
PREVIEW = (1200, 1600)  # pixels within which a page is shown
MEMORY = 1024 * 1024 * 1024  # bytes
SECONDS = 15  # of computing
FORMATS = {"application/pdf": "PDF", "image/jpeg": "JPEG", "image/png": "PNG"}
STREAMS = re.compile(rb"stream\r?\n.*?endstream", re.DOTALL)
# What a page may hold that does something; names stand plain in what PDFium writes.
ACTS = re.compile(rb"/(JS|JavaScript|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|ImportData|GoTo[ER]|AA)\b")


class Refusal(Exception):
    """`why` is a word of app.vetting.scanning.refusals."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`content` is what is kept, `previews` a JPEG of each page."""

    media_type: str
    content: bytes
    previews: list[bytes] = field(default_factory=list)


def cleaned(data: bytes) -> Cleaned:
    """Raises Refusal, or whatever a decoder raises."""
    media_type = type_of(data)
    return _pdf(data) if media_type == "application/pdf" else _picture(data, media_type)


def type_of(data: bytes) -> str:
    """By the content alone: neither the name nor what the sender says counts."""
    try:
        found = puremagic.from_string(data, mime=True)
    except (puremagic.PureError, ValueError):
        raise Refusal("type") from None
    if found not in FORMATS:
        raise Refusal("type")
    return found


def _picture(data: bytes, media_type: str) -> Cleaned:
    with Image.open(io.BytesIO(data), formats=[FORMATS[media_type]]) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise Refusal("pixels")
        if media_type == "image/jpeg":
            opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        opened.load()
        turned = ImageOps.exif_transpose(opened)
        flat = _on_white(turned)
    flat.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    content = _encoded(flat, FORMATS[media_type])
    if len(content) > LARGEST:
        media_type, content = "image/jpeg", _encoded(flat, "JPEG")
    return Cleaned(media_type, content, [_preview(flat)])


def _on_white(picture: Image.Image) -> Image.Image:
    """The points alone: no place, no camera, no notes."""
    white = Image.new("RGB", picture.size, "white")
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        white.paste(clear, mask=clear.getchannel("A"))
    else:
        white.paste(picture.convert("RGB"))
    return white


def _encoded(picture: Image.Image, form: str) -> bytes:
    kept = io.BytesIO()
    picture.save(kept, form, quality=88)
    return kept.getvalue()


def _preview(picture: Image.Image) -> bytes:
    small = picture.copy()
    small.thumbnail(PREVIEW)
    kept = io.BytesIO()
    small.save(kept, "JPEG", quality=80)
    return kept.getvalue()


def _pdf(data: bytes) -> Cleaned:
    given = _opened(data)
    if not 1 <= len(given) <= MOST_PAGES:
        raise Refusal("pages")
    for number in range(len(given)):
        page = given[number]
        # What forms and notes show becomes part of the page, and they themselves go.
        pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
        while pdfium.FPDFPage_GetAnnotCount(page) > 0:
            if not pdfium.FPDFPage_RemoveAnnot(page, 0):
                raise Refusal("acts")
        page.close()
    fresh = pypdfium2.PdfDocument.new()
    fresh.import_pages(given)
    written = io.BytesIO()
    fresh.save(written)
    content = written.getvalue()
    if ACTS.search(STREAMS.sub(b"", content)):
        raise Refusal("acts")
    if len(content) > LARGEST:
        raise Refusal("broken")
    kept = _opened(content)
    return Cleaned("application/pdf", content, [_drawn(kept[number]) for number in range(len(kept))])


def _opened(data: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as problem:
        locked = problem.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        raise Refusal("locked" if locked else "broken") from None


def _drawn(page: pypdfium2.PdfPage) -> bytes:
    width, height = page.get_size()
    if not (0 < width < 20_000 and 0 < height < 20_000):
        raise Refusal("broken")
    scale = min(PREVIEW[0] / width, PREVIEW[1] / height)
    return _preview(_on_white(page.render(scale=scale).to_pil()))


def _confine() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 5 * LARGEST),
        (resource.RLIMIT_NOFILE, 16),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _told(data: bytes) -> tuple[dict[str, object], list[bytes]]:
    try:
        made = cleaned(data)
    except Refusal as error:
        return {"refused": error.why}, []
    except Image.DecompressionBombError:
        return {"refused": "pixels"}, []
    except Exception as problem:
        return {"refused": "broken", "problem": type(problem).__name__}, []
    blobs = [made.content, *made.previews]
    return {"media_type": made.media_type, "sizes": [len(blob) for blob in blobs]}, blobs


def main() -> None:
    _confine()
    head, blobs = _told(sys.stdin.buffer.read(LARGEST + 1))
    out = sys.stdout.buffer
    out.write(json.dumps(head).encode() + b"\n")
    for blob in blobs:
        out.write(blob)
    out.flush()


if __name__ == "__main__":
    main()
