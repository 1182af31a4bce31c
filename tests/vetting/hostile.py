"""Malicious files, each with the reason of its refusal, or None if it is accepted and made harmless."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

from PIL import Image

from tests.vetting.samples import a_pdf, a_photo, a_picture

MARK = b"<script>alert('here')</script>"


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, rows: bytes = b"") -> bytes:
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = png_chunk(b"IDAT", zlib.compress(rows or b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + body + png_chunk(b"IEND", b"")


def pdf(page: str = "", catalog: str = "", *objects: str, trailer: str = "") -> bytes:
    """A small PDF by hand: `page` and `catalog` are added to those two; further objects count from 5."""
    content = "stream\nBT /F1 12 Tf 20 100 Td (SPECIMEN) Tj ET\nendstream"
    result = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R {page} >>",
        f"<< /Length 43 >>\n{content}",
        *objects,
    ]
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, item in enumerate(result, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{item}\nendobj\n".encode("latin-1")
    start = len(out)
    out += f"xref\n0 {len(result) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{position:010d} 00000 n \n".encode() for position in places)
    out += f"trailer\n<< /Size {len(result) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def many_pages(count: int) -> bytes:
    kids = " ".join(["3 0 R"] * count)
    return pdf().replace(b"/Kids [3 0 R] /Count 1", f"/Kids [{kids}] /Count {count}".encode())


def slow_pdf(levels: int = 5) -> bytes:
    """Two kilobytes that take a minute to draw: transparent forms within forms, each ten times in the one around it."""
    forms = []
    for level in range(1, levels + 1):
        drawing, resources = "/F Do " * 10, f"/Resources << /XObject << /F {5 + level} 0 R >> >>"
        if level == levels:
            drawing, resources = "0 0 m 300 200 l 150 0 300 100 20 180 c f " * 4, ""
        group = "/Group << /S /Transparency /I true >>"
        head = f"<< /Type /XObject /Subtype /Form /BBox [0 0 300 200] {group} {resources} /Length {len(drawing)} >>"
        forms.append(f"{head}\nstream\n{drawing}\nendstream")
    text = b"BT /F1 12 Tf 20 100 Td (SPECIMEN) Tj ET"
    document = pdf("/Resources << /XObject << /F 5 0 R >> >>", "", *forms)
    return document.replace(text, b"/F Do".ljust(len(text)))


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", MARK)
    return buffer.getvalue()


def gif() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "GIF")
    return buffer.getvalue()


def webp(width: int, height: int) -> bytes:
    """An extended WebP with a canvas of this size, which holds a small picture."""
    canvas = b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunks = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + canvas + a_picture("WEBP", size=(16, 16))[12:]
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def heic(size: tuple[int, int] = (96, 64)) -> bytes:
    """A photo of 96 × 64 that says it has another size."""
    content = a_photo("upright.heic")
    start = content.index(b"ispe") + 8
    return content[:start] + struct.pack(">II", *size) + content[start + 8 :]


def with_exif(form: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x010E] = MARK.decode()
    exif.get_ifd(0x8825)[1] = "N"
    return a_picture(form, exif=exif.tobytes())


ACTION = "<< /S /JavaScript /JS (app.alert\\('here'\\)) >>"
REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a web page called .pdf": ("type", lambda: b"<!doctype html><html>" + MARK),
    "a web page behind spaces": ("type", lambda: b"\n" * 50 + b"<html>" + MARK),
    "a drawing that can act": ("type", lambda: b'<svg xmlns="http://www.w3.org/2000/svg">' + MARK + b"</svg>"),
    "a drawing with an outside entity": (
        "type",
        lambda: b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><svg>&b;</svg>',
    ),
    "a program for Windows": ("type", lambda: b"MZ" + b"\0" * 200),
    "a program for Linux": ("type", lambda: b"\x7fELF\x02\x01\x01" + b"\0" * 200),
    "a script for the shell": ("type", lambda: b"#!/bin/sh\nrm -rf /\n"),
    "an archive": ("type", zipped),
    "an archive within gzip": ("type", lambda: b"\x1f\x8b\x08" + b"\0" * 60),
    "an animation": ("type", gif),
    "a WebP of zeros": ("broken", lambda: b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 40),
    "a WebP that ends too early": ("broken", lambda: a_picture("WEBP", size=(900, 700))[:500]),
    "a WebP of 16,384 × 16,384 and nothing in it": ("pixels", lambda: webp(16_384, 16_384)),
    "a recording in the clothes of a WebP": ("type", lambda: b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 40),
    "a HEIC of zeros": ("broken", lambda: heic()[:24] + b"\0" * 400),
    "the first bytes of a HEIC": ("broken", lambda: heic()[:28]),
    "a HEIC that ends too early": ("broken", lambda: heic()[:-60]),
    "a HEIC without its picture": ("broken", lambda: heic()[: heic().index(b"mdat") - 4]),
    "a HEIC of 60,000 × 60,000": ("pixels", lambda: heic((60_000, 60_000))),
    "a HEIC of 8,000 × 8,000 and little in it": ("pixels", lambda: heic((8_000, 8_000))),
    "a HEIC as wide as numbers go": ("broken", lambda: heic((2**32 - 1, 2**32 - 1))),
    "a HEIC that is larger than it says": ("broken", lambda: heic((48, 32))),
    "a HEIC of no size": ("broken", lambda: heic((0, 0))),
    "a HEIC with another picture's parts": ("broken", lambda: heic()[: heic().index(b"mdat") + 4] + a_picture("JPEG")),
    "a JPEG in the clothes of a HEIC": ("broken", lambda: heic()[:12] + a_picture("JPEG")),
    "a film in the clothes of a HEIC": ("type", lambda: heic().replace(b"ftypheic", b"ftypisom")),
    "an AVIF in the clothes of a HEIC": ("type", lambda: heic().replace(b"ftypheic", b"ftypavif")),
    "a picture with many parts": ("type", lambda: b"II*\0" + b"\0" * 60),
    "PostScript": ("type", lambda: b"%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n"),
    "one byte": ("type", lambda: b"\0"),
    "only zeros": ("type", lambda: b"\0" * 5000),
    "words": ("type", lambda: "வணக்கம்".encode()),
    "a web page that begins like an animation": ("type", lambda: b"GIF89a/*" + MARK),
    "a picture of 60,000 × 60,000": ("pixels", lambda: png(60_000, 60_000)),
    "a picture of 8,000 × 8,000 and nothing in it": ("pixels", lambda: png(8_000, 8_000)),
    "a picture as wide as numbers go": ("pixels", lambda: png(2**31 - 1, 1)),
    "a picture of no size": ("broken", lambda: png(0, 0)),
    "a picture that ends too early": ("broken", lambda: a_picture(size=(900, 700))[:-2000]),
    "a photo that ends too early": ("broken", lambda: a_picture("JPEG", size=(900, 700))[:4000]),
    "a picture with a wrong sum": ("broken", lambda: a_picture()[:40] + b"\xff" + a_picture()[41:]),
    "the first three bytes of a photo": ("broken", lambda: b"\xff\xd8\xff"),
    "the first bytes of a photo and zeros": ("broken", lambda: b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\0" * 500),
    "a picture whose note is a bomb": (
        "broken",
        lambda: png(10, 10, png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"a" * 80_000_000))),
    ),
    "a PDF of one line": ("broken", lambda: b"%PDF-1.7\nnothing\n%%EOF"),
    "a PDF that ends too early": ("broken", lambda: a_pdf()[: len(a_pdf()) // 2]),
    "a PDF of too many pages": ("pages", lambda: many_pages(21)),
    "a PDF with ten thousand pages": ("pages", lambda: many_pages(10_000)),
    "a PDF without a page": ("broken", lambda: pdf().replace(b"/Kids [3 0 R] /Count 1", b"/Kids [] /Count 0      ")),
    "a PDF that is locked": ("locked", lambda: locked()),
    "a PDF with a page that acts when it opens": ("acts", lambda: pdf(f"/AA << /O {ACTION} >>")),
    "a PDF that takes a minute to draw": ("slow", slow_pdf),
    "a PDF with a page as wide as a city": ("broken", lambda: pdf().replace(b"[0 0 300 200]", b"[0 0 30000 30000]")),
}
HARMLESS: dict[str, Callable[[], bytes]] = {
    "a PDF that runs a script when it opens": lambda: pdf("", f"/OpenAction {ACTION}"),
    "a PDF that starts a program": lambda: pdf("", "/OpenAction << /S /Launch /F (cmd.exe) >>"),
    "a PDF with a link that runs a script": lambda: pdf(
        f"/Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 300 200] /A {ACTION} >>]"
    ),
    "a PDF with a form that sends": lambda: pdf(
        "/Annots [5 0 R]",
        "/AcroForm << /Fields [5 0 R] >>",
        "<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /Rect [0 0 99 20]"
        " /AA << /K << /S /SubmitForm /F (http://x) >> >> >>",
    ),
    "a PDF with a file inside": lambda: pdf(
        "",
        "/Names << /EmbeddedFiles << /Names [(a.exe) 5 0 R] >> >>",
        "<< /Type /Filespec /F (a.exe) /EF << /F 6 0 R >> >>",
        f"<< /Type /EmbeddedFile /Length {len(MARK)} >>\nstream\n{MARK.decode()}\nendstream",
    ),
    "a PDF with names written in numbers": lambda: pdf(
        "", "/Open#41ction << /S /J#61vaScript /J#53 (app.alert\\(1\\)) >>"
    ),
    "a PDF with an archive behind it": lambda: a_pdf() + zipped(),
    "a PDF with a web page behind it": lambda: a_pdf() + MARK,
    "a photo with an archive behind it": lambda: a_picture("JPEG") + zipped(),
    "a picture with a web page behind it": lambda: a_picture() + MARK,
    "a picture with a web page in its notes": lambda: png(
        10, 10, png_chunk(b"tEXt", b"Comment\0" + MARK), rows=b"\0" * 310
    ),
    "a photo that tells where and by whom": with_exif,
    "a WebP that tells where and by whom": lambda: with_exif("WEBP"),
    "a WebP with a web page behind it": lambda: a_picture("WEBP") + MARK,
    "a HEIC that tells where and by whom": lambda: a_photo("sideways.heic"),
    "a HEIC with an archive behind it": lambda: heic() + zipped(),
    "a photo with a program in its comment": lambda: a_picture("JPEG", comment=MARK),
}
# None of these may be found in stored files.
TRACES = (
    MARK,
    b"alert",
    b"JavaScript",
    b"Launch",
    b"Submit",
    b"EmbeddedFile",
    b"OpenAction",
    b"PK\x03\x04",
    b"cmd.exe",
    b"a.exe",
    b"Exif",
)


def locked() -> bytes:
    """As another program would lock it: the key does not fit, whatever it is."""
    key = "<" + "ab" * 32 + ">"
    how = f"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O {key} /U {key} >>"
    return pdf("", "", how, trailer=f"/Encrypt 5 0 R /ID [{key} {key}]")


def names() -> Iterator[tuple[str, str]]:
    """What files are called, and what is shown of that."""
    yield "../../etc/passwd", "passwd"
    yield "..\\..\\boot.ini", "boot.ini"
    yield "C:\\papers\\permit.pdf", "permit.pdf"
    yield "/", "document"
    yield "..", "document"
    yield "permit\u202efdp.exe", "permitfdp.exe"
    yield "\u200fpermit\u200e.pdf", "permit.pdf"
    yield "a\nb\r\nset-cookie: x.pdf", "abset-cookie: x.pdf"
    yield "x" * 300 + ".pdf", "x" * 116 + ".pdf"
    yield "அடையாளம்.pdf", "அடையாளம்.pdf"
    yield "क्\u200dष.pdf", "क्\u200dष.pdf"
    yield "<img src=x>.png", "<img src=x>.png"
    yield "\ud800.pdf", "pdf"
