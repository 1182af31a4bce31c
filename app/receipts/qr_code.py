"""The QR code of a receipt: the address where it is verified, as SVG inside the page."""

import io
from urllib.parse import urlencode

import segno
from markupsafe import Markup

from app.core.signing import encode

VERIFICATION_PATH = "/receipts/verify"


def verification_path(digest: bytes) -> str:
    """Where the receipt with this short digest is verified, without an account."""
    return f"{VERIFICATION_PATH}?{urlencode({'receipt': encode(digest)})}"


def qr_svg(url: str) -> Markup:
    """Black on white also in the dark, so that every camera reads it."""
    return Markup(segno.make(url, error="m").svg_inline(scale=3, border=4, light="#fff", dark="#000"))


def qr_picture(url: str) -> str:
    """An SVG file of its own, for documents."""
    picture = io.BytesIO()
    segno.make(url, error="m").save(picture, kind="svg", scale=3, border=4, xmldecl=False, light="#fff", dark="#000")
    return picture.getvalue().decode()
