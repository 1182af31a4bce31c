"""Scan an uploaded file and rewrite it, or refuse it with a message. The sandbox is app.vetting.scan_sandbox."""

import asyncio
import hashlib
import json
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from app.core import logs
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.storage import MAIN_PART, Upload
from app.vetting.scan_sandbox import MAX_PAGES, CleanFile

log = logs.get_logger("documents")
SANDBOX_SCRIPT = str(Path(__file__).with_name("scan_sandbox.py"))
SCAN_TIMEOUT_SECONDS = 30  # wall clock, for one file
MAX_NAME_LENGTH = 120  # characters
JOINERS = "\u200c\u200d"  # zero-width joiners, which Tamil, Hindi and other scripts need
MAX_WAITING_SCANS = 20  # in this process, running ones included
_scan_slots = asyncio.Semaphore(2)
_waiting_scans: set[object] = set()


@dataclass(frozen=True, slots=True)
class ScannedDocument:
    """What is stored of an upload: rewritten by us, never the bytes that were sent. `name` is for display only."""

    name: str
    media_type: str
    content: bytes
    previews: list[bytes]

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()

    @property
    def parts(self) -> dict[str, bytes]:
        """The files by the names under which app.core.storage stores them."""
        return {MAIN_PART: self.content} | {f"{number}.jpg": page for number, page in enumerate(self.previews, 1)}


async def scan_document(upload: Upload | None, field: str = "document") -> ScannedDocument:
    """Scan for about half a second: call it before any row is locked. Invalid(field)."""
    if upload is None or (upload.size == 0 and not upload.too_large):
        raise Invalid({field: _("Choose a file.")})
    if upload.too_large:
        raise Invalid({field: _("This file is larger than 10 MB. Upload a smaller one.")})
    if len(_waiting_scans) >= MAX_WAITING_SCANS:
        raise Invalid({field: _("We're receiving many documents right now. Try again in a few minutes.")})
    _waiting_scans.add(ticket := object())
    try:
        async with _scan_slots:
            result = await _run_sandbox(upload.file)
    finally:
        _waiting_scans.discard(ticket)
    if isinstance(result, str):
        raise Invalid({field: refusal_messages().get(result) or refusal_messages()["broken"]})
    return ScannedDocument(file_name(upload.name), result.media_type, result.content, result.previews)


def refusal_messages() -> dict[str, str]:
    return {
        "type": _("This isn't a PDF or a photo (JPEG, PNG, WebP, HEIC), whatever its name says. Upload one of these."),
        "broken": _("We can't read this file. Take the photo again, or save the PDF again."),
        "locked": _("This PDF is locked with a password. Upload it without one."),
        "pages": _("Upload a PDF with 1 to %(most)s pages.", most=MAX_PAGES),
        "pixels": _("This picture has too many pixels. Upload a smaller one."),
        "acts": _("This PDF contains a program or other files. Print it to a new PDF and upload that."),
    }


def file_name(submitted: str) -> str:
    """A displayable file name: without folders, control characters and reversed text."""
    last = (
        unicodedata.normalize("NFC", submitted.encode("utf-8", "ignore").decode()).replace("\\", "/").rsplit("/", 1)[-1]
    )
    plain = "".join(sign for sign in last if sign in JOINERS or unicodedata.category(sign)[0] != "C")
    words = " ".join(plain.split()).strip(". ")
    return words[-MAX_NAME_LENGTH:].strip(". ") or _("document")


async def _run_sandbox(file: IO[bytes]) -> CleanFile | str:
    """The sandbox's result, or the key of a refusal message. The process is always ended."""
    with TemporaryFile() as answer:
        file.seek(0)
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            SANDBOX_SCRIPT,
            stdin=file.fileno(),
            stdout=answer,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
        )
        try:
            async with asyncio.timeout(SCAN_TIMEOUT_SECONDS):
                ended = await child.wait()
        except TimeoutError:
            ended = -1
        finally:
            if child.returncode is None:
                child.kill()
                await asyncio.shield(child.wait())
        return await asyncio.to_thread(_read_result, answer, ended)


def _read_result(answer: IO[bytes], ended: int) -> CleanFile | str:
    answer.seek(0)
    head: dict[str, Any] = json.loads(answer.readline() or b"{}") if ended == 0 else {}
    if "sizes" not in head:
        log.info("document refused", why=head.get("refused", "ended"), ended=ended, problem=head.get("problem"))
        return str(head.get("refused", "broken"))
    content, *previews = (answer.read(size) for size in head["sizes"])
    return CleanFile(head["media_type"], content, previews)
