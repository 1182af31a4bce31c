"""PDF/A-3b documents: the fonts alone, no markup from data, no character without a glyph."""

import hashlib
import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from app.core import pdf
from app.core.pdf import FONTS, compile_pdf, replace_unknown

NOON = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)
FONT_FILES = json.loads((FONTS / "fonts.json").read_text())


@pytest.fixture(autouse=True)
def templates(tmp_path, monkeypatch):
    (tmp_path / "page.typ").write_text(
        '#set document(title: "A page")\n#let data = json(bytes(sys.inputs.data))\n'
        '#set text(font: ("Noto Sans", "Noto Sans Tamil", "Noto Sans Devanagari"))\n#data.name\n'
    )
    monkeypatch.setattr(pdf, "TEMPLATES", tmp_path)
    pdf._compiler.cache_clear()
    yield
    pdf._compiler.cache_clear()


async def text_of(name: str) -> str:
    document = await compile_pdf("page.typ", {"name": name}, created_at=NOON)
    return PdfReader(BytesIO(document)).pages[0].extract_text().strip()


@pytest.mark.parametrize("font", FONT_FILES, ids=lambda font: str(font["file"]))
def test_a_font_is_the_published_one_and_brings_its_licence(font) -> None:
    assert hashlib.sha256((FONTS / font["file"].rpartition("/")[2]).read_bytes()).hexdigest() == font["sha256"]
    assert "SIL OPEN FONT LICENSE" in (FONTS / "OFL.txt").read_text()


def test_every_font_is_written_down() -> None:
    assert {path.name for path in FONTS.glob("*.ttf")} == {font["file"].rpartition("/")[2] for font in FONT_FILES}


async def test_a_document_is_pdf_a_3b_and_the_same_each_time() -> None:
    first = await compile_pdf("page.typ", {"name": "Asha Raman"}, created_at=NOON)
    pdf._documents.clear()
    assert first == await compile_pdf("page.typ", {"name": "Asha Raman"}, created_at=NOON)
    root: Any = PdfReader(BytesIO(first)).trailer["/Root"]
    metadata = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in metadata


async def test_what_a_person_typed_is_no_markup() -> None:
    typed = '#panic("x") *bold* $1+1$ \\ ]) "quoted" {{ 7 * 7 }}'
    assert (await text_of(typed)).replace("\n", " ") == typed


@pytest.mark.parametrize("name", ["ரவி குமார்", "रवि कुमार", "Zoë ₹ O’Brien"])
async def test_names_in_indian_scripts_are_drawn(name) -> None:
    document = await compile_pdf("page.typ", {"name": name}, created_at=NOON)
    assert PdfReader(BytesIO(document)).pages[0].extract_text().strip()
    assert replace_unknown(name) == name


async def test_an_emoji_is_replaced_and_what_is_invisible_is_left_out() -> None:
    assert replace_unknown("Priya \U0001f338\ufe0f\u202e!\x00\n") == "Priya \ufffd! "
    assert await text_of("ப்ரியா \U0001f338")


async def test_a_script_without_font_is_replaced() -> None:
    assert await text_of("ಕನ್ನಡ 日本")
