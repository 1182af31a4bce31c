"""An uploaded file becomes a paper, or is refused in words. The looking happens in app.vetting.sandbox."""

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
from app.core.storage import MAIN, Upload
from app.vetting.sandbox import MOST_PAGES, Cleaned

log = logs.get("papers")
SANDBOX = str(Path(__file__).with_name("sandbox.py"))
PATIENCE = 30  # seconds of the clock for one file
LONGEST_NAME = 120
JOINERS = "\u200c\u200d"  # letters of Tamil, Hindi and others need them
MOST_WAITING = 20  # in this process, those that are looked at included
_turns = asyncio.Semaphore(2)
_waiting: set[object] = set()


@dataclass(frozen=True, slots=True)
class Paper:
    """What is kept of an upload: written by us, never what was sent. `name` is for reading only."""

    name: str
    media_type: str
    content: bytes
    previews: list[bytes]

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()

    @property
    def parts(self) -> dict[str, bytes]:
        """By the names under which app.core.storage keeps them."""
        return {MAIN: self.content} | {f"{number}.jpg": page for number, page in enumerate(self.previews, 1)}


async def paper_of(upload: Upload | None, field: str = "document") -> Paper:
    """Takes about half a second, so before any row is touched. Raises Invalid(field)."""
    if upload is None or (upload.size == 0 and not upload.too_large):
        raise Invalid({field: _("Please choose a file.")})
    if upload.too_large:
        raise Invalid({field: _("This file is larger than 10 MB. Please send a smaller one.")})
    if len(_waiting) >= MOST_WAITING:
        raise Invalid({field: _("Very many papers are coming in just now. Please try again in a few minutes.")})
    _waiting.add(ticket := object())
    try:
        async with _turns:
            made = await _looked_at(upload.file)
    finally:
        _waiting.discard(ticket)
    if isinstance(made, str):
        raise Invalid({field: refusals().get(made) or refusals()["broken"]})
    return Paper(file_name(upload.name), made.media_type, made.content, made.previews)


def refusals() -> dict[str, str]:
    return {
        "type": _("This is not a PDF, a JPEG or a PNG, whatever its name says. Please send one of these."),
        "broken": _("This file cannot be read. Please take the picture again, or save the PDF anew."),
        "locked": _("This PDF is locked with a password. Please send it without one."),
        "pages": _("Please send a PDF of one to %(most)s pages.", most=MOST_PAGES),
        "pixels": _("This picture has too many points. Please send a smaller one."),
        "acts": _("This PDF holds a program or other files. Please print it to a new PDF and send that."),
    }


def file_name(sent: str) -> str:
    """What may be shown of a name that somebody else made up: no folders, no control signs, no turned writing."""
    last = unicodedata.normalize("NFC", sent.encode("utf-8", "ignore").decode()).replace("\\", "/").rsplit("/", 1)[-1]
    plain = "".join(sign for sign in last if sign in JOINERS or unicodedata.category(sign)[0] != "C")
    words = " ".join(plain.split()).strip(". ")
    return words[-LONGEST_NAME:].strip(". ") or _("paper")


async def _looked_at(file: IO[bytes]) -> Cleaned | str:
    """What the sandbox made of it, or why not. However it ends, nothing of it runs on."""
    with TemporaryFile() as answer:
        file.seek(0)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-I", SANDBOX, stdin=file.fileno(), stdout=answer, stderr=asyncio.subprocess.DEVNULL, env={}
        )
        try:
            async with asyncio.timeout(PATIENCE):
                ended = await child.wait()
        except TimeoutError:
            ended = -1
        finally:
            if child.returncode is None:
                child.kill()
                await asyncio.shield(child.wait())
        return await asyncio.to_thread(_answer, answer, ended)


def _answer(answer: IO[bytes], ended: int) -> Cleaned | str:
    answer.seek(0)
    head: dict[str, Any] = json.loads(answer.readline() or b"{}") if ended == 0 else {}
    if "sizes" not in head:
        log.info("a paper was refused", why=head.get("refused", "ended"), ended=ended, problem=head.get("problem"))
        return str(head.get("refused", "broken"))
    content, *previews = (answer.read(size) for size in head["sizes"])
    return Cleaned(head["media_type"], content, previews)
