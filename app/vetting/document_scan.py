"""Scan an uploaded file and rewrite it, or refuse it with a message. The sandbox is app.vetting.scan_sandbox."""

import asyncio
import hashlib
import json
import signal
import sys
import time
import unicodedata
from asyncio.subprocess import Process
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from app.core import logs
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.network import client_network
from app.core.storage import MAIN_PART, Upload
from app.core.typed_text import JOINERS
from app.vetting.document import DocumentKind
from app.vetting.scan_queue import ScanQueue, Ticket
from app.vetting.scan_sandbox import MAX_PAGES, CleanFile

log = logs.get_logger("documents")
SANDBOX_SCRIPT = str(Path(__file__).with_name("scan_sandbox.py"))
SCAN_TIMEOUT_SECONDS = 12.0  # of running, not counting pauses; the sandbox limits its CPU time to 3 s
TURN_SECONDS = 0.75  # after which another file may be scanned first
MAX_NAME_LENGTH = 120  # characters
queue = ScanQueue()


@dataclass(frozen=True, slots=True)
class ScannedDocument:
    """What is stored of an upload: rewritten by us, never the bytes that were sent. `name` is for display only."""

    name: str
    media_type: str
    content: bytes
    previews: list[bytes]
    is_portrait: bool = False

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()

    @property
    def parts(self) -> dict[str, bytes]:
        """The files by the names under which app.core.storage stores them."""
        return {MAIN_PART: self.content} | {f"{number}.jpg": page for number, page in enumerate(self.previews, 1)}


async def scan_document(upload: Upload | None, address: str, kind: str = "") -> ScannedDocument:
    """Scan for about half a second: call it before the transaction begins. Invalid("document"), Overloaded.

    `address` is the client's IP address: each waits for its own files. Of a photo a small square is kept.
    """
    field = "document"
    if upload is None or (upload.size == 0 and not upload.too_large):
        raise Invalid({field: _("Choose a file.")})
    if upload.too_large:
        raise Invalid({field: _("This file is larger than 10 MB. Upload a smaller one.")})
    is_portrait = kind == DocumentKind.PHOTO
    result = await scan_file(upload.file, address, *(["portrait"] if is_portrait else []))
    if isinstance(result, str):
        raise Invalid({field: refusal_messages().get(result) or refusal_messages()["broken"]})
    return ScannedDocument(file_name(upload.name), result.media_type, result.content, result.previews, is_portrait)


async def scan_file(file: IO[bytes], address: str, *arguments: str) -> CleanFile | str:
    """The file as the sandbox rewrites it, or the key of a refusal message. Waits for its turn. Raises Overloaded."""
    async with queue.entry(client_network(address)) as ticket:
        return await _run_sandbox(file, ticket, *arguments)


def refusal_messages() -> dict[str, str]:
    return {
        "type": _("This isn't a PDF or a photo (JPEG, PNG, WebP, HEIC), whatever its name says. Upload one of these."),
        "picture": _("Upload a picture (JPEG, PNG, WebP, HEIC) of your face."),
        "small": _("This picture is too small. Upload one of at least 128 × 128 pixels."),
        "broken": _("We can't read this file. Take the photo again, or save the PDF again."),
        "slow": _("This file takes too long to open. Upload a photo of the document instead."),
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


async def _run_sandbox(file: IO[bytes], ticket: Ticket, *arguments: str) -> CleanFile | str:
    """The sandbox's result, or the key of a refusal message. The process is always ended."""
    with TemporaryFile() as answer:
        file.seek(0)
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            SANDBOX_SCRIPT,
            *arguments,
            stdin=file.fileno(),
            stdout=answer,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
        )
        try:
            ended = await _wait_in_turns(child, ticket)
        finally:
            if child.returncode is None:
                child.kill()
                await asyncio.shield(child.wait())
        return await asyncio.to_thread(_read_result, answer, ended)


async def _wait_in_turns(child: Process, ticket: Ticket) -> int | None:
    """The exit status, None after SCAN_TIMEOUT_SECONDS. Paused while quicker files wait. Raises Overloaded."""
    deadline = time.monotonic() + SCAN_TIMEOUT_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        try:
            async with asyncio.timeout(min(left, TURN_SECONDS)):
                return await child.wait()
        except TimeoutError:
            if child.returncode is None and queue.must_pause(ticket):
                paused_at = time.monotonic()
                child.send_signal(signal.SIGSTOP)
                await queue.pause(ticket)
                child.send_signal(signal.SIGCONT)
                deadline += time.monotonic() - paused_at
    return None


def _read_result(answer: IO[bytes], ended: int | None) -> CleanFile | str:
    answer.seek(0)
    head: dict[str, Any] = json.loads(answer.readline() or b"{}") if ended == 0 else {}
    if "sizes" not in head:
        reason = "slow" if ended in (None, -signal.SIGXCPU) else str(head.get("refused", "broken"))
        log.info("document refused", why=reason, ended=ended, problem=head.get("problem"))
        return reason
    content, *previews = (answer.read(size) for size in head["sizes"])
    width, height = head["pixels"]
    return CleanFile(head["media_type"], content, previews, (width, height))
