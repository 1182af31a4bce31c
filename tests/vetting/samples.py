"""Sample documents, generated."""

import io
from pathlib import Path

from PIL import Image, ImageDraw

from app.core.storage import Storage

PHOTOS = Path(__file__).with_name("photos")


def a_picture(form: str = "PNG", size: tuple[int, int] = (600, 400), text: str = "SPECIMEN", **how: object) -> bytes:
    picture = Image.new("RGB", size, "ivory")
    ImageDraw.Draw(picture).text((20, 20), text, fill="black")
    buffer = io.BytesIO()
    picture.save(buffer, form, **how)
    return buffer.getvalue()


def a_photo(name: str) -> bytes:
    """A photo as an iPhone saves it, 64 × 96 or 96 × 64 with a red corner; made with pillow-heif, which encodes."""
    return (PHOTOS / name).read_bytes()


def a_pdf(pages: int = 1, text: str = "SPECIMEN") -> bytes:
    rendered = [Image.open(io.BytesIO(a_picture(text=f"{text} {number}"))) for number in range(pages)]
    buffer = io.BytesIO()
    rendered[0].save(buffer, "PDF", save_all=True, append_images=rendered[1:])
    return buffer.getvalue()


def on_disk(storage: Storage) -> list[Path]:
    """Every file and folder but the folders of years and the empty incoming folder."""
    return sorted(path for path in storage.root.rglob("*") if path.is_file())
