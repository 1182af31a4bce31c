"""Papers as people send them, drawn here."""

import io
from pathlib import Path

from PIL import Image, ImageDraw

from app.core.storage import Storage


def a_picture(form: str = "PNG", size: tuple[int, int] = (600, 400), words: str = "SPECIMEN", **how: object) -> bytes:
    picture = Image.new("RGB", size, "ivory")
    ImageDraw.Draw(picture).text((20, 20), words, fill="black")
    kept = io.BytesIO()
    picture.save(kept, form, **how)
    return kept.getvalue()


def a_pdf(pages: int = 1, words: str = "SPECIMEN") -> bytes:
    drawn = [Image.open(io.BytesIO(a_picture(words=f"{words} {number}"))) for number in range(pages)]
    kept = io.BytesIO()
    drawn[0].save(kept, "PDF", save_all=True, append_images=drawn[1:])
    return kept.getvalue()


def on_disk(storage: Storage) -> list[Path]:
    """Every file and every folder that is neither a year's shelf nor the empty place where files arrive."""
    return sorted(path for path in storage.root.rglob("*") if path.is_file())
