"""PDF/A-3b documents from Typst templates (templates/**/*.typ), with the fonts of app/core/fonts/vendor alone.

A template gets its data as JSON (`json(bytes(sys.inputs.data))`) and shows it as text, so nothing that a person typed
is markup. Typst itself refuses what PDF/A-3b does not allow. A character without a glyph would be such a thing, so it
is replaced before.
"""

import asyncio
import json
import unicodedata
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, cast

import typst

from app.settings import ROOT

FONTS = Path(__file__).resolve().parent / "fonts" / "vendor"
TEMPLATES = ROOT / "templates"
STANDARD: Final = "a-3b"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MAX_CACHED_DOCUMENTS = 64  # about 30 kB each
JOINERS = "\u200c\u200d"  # which Indian scripts need
# One at a time: a document takes about 30 ms of a processor, and a process has others to serve.
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pdf")
_documents: OrderedDict[bytes, bytes] = OrderedDict()


async def compile_pdf(template: str, data: Mapping[str, Any], *, created_at: datetime) -> bytes:
    """The document of `template`, such as "invoices/invoice.typ", with `data`, which JSON can hold.

    The same arguments give the same bytes; `created_at` is the document's date. Compiled in a thread, outside the event
    loop.
    """
    return await asyncio.get_running_loop().run_in_executor(_thread, _compile, template, data, created_at)


def replace_unknown(text: str) -> str:
    """`text` with a sign for every character that no font of ours has; what is invisible is left out."""
    return "".join(_known(char) for char in unicodedata.normalize("NFC", text))


def _compile(template: str, data: Mapping[str, Any], created_at: datetime) -> bytes:
    sent = json.dumps(_clean(data, replace_unknown), ensure_ascii=False, sort_keys=True)
    moment = int(created_at.astimezone(UTC).timestamp())
    key = sha256(f"{template} {moment} {sent}".encode()).digest()
    if key in _documents:
        _documents.move_to_end(key)
        return _documents[key]
    try:
        document = _run(template, sent, moment)
    except typst.TypstError:
        # A script may need a glyph for a sequence of characters that it has one by one.
        document = _run(template, json.dumps(_clean(data, _basic)), moment)
    _documents[key] = document
    if len(_documents) > MAX_CACHED_DOCUMENTS:
        _documents.popitem(last=False)
    return document


def _run(template: str, data: str, moment: int) -> bytes:
    compiled = _compiler().compile(
        str(TEMPLATES / template), format="pdf", sys_inputs={"data": data}, pdf_standards=STANDARD, timestamp=moment
    )
    return cast("bytes", compiled)


@cache
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])
    return typst.Compiler(root=TEMPLATES, font_paths=fonts, ignore_system_fonts=True)


def _clean(value: Any, replace: Any) -> Any:
    """`value` with all of its strings replaced."""
    if isinstance(value, str):
        return replace(value)
    if isinstance(value, Mapping):
        return {key: _clean(item, replace) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item, replace) for item in value]
    return value


def _known(char: str) -> str:
    category = unicodedata.category(char)
    if ord(char) in _covered() and (category != "Cf" or char in JOINERS):
        return char
    if char in "\t\r\n":
        return " "
    return "" if category in ("Cc", "Cf", "Cs", "Me", "Mn") else REPLACEMENT


def _basic(text: str) -> str:
    """`text` in ASCII and the rupee sign."""
    return "".join(char if " " <= char <= "~" or char == "₹" else "?" for char in text)


@cache
def _covered() -> frozenset[int]:
    """The code points for which every weight of our fonts has a glyph."""
    ranges = [line.split("-") for line in (FONTS / "coverage.txt").read_text().split()]
    return frozenset(code for ends in ranges for code in range(int(ends[0], 16), int(ends[-1], 16) + 1))
