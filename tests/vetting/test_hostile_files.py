"""Malicious uploads get an error message, are never stored unchanged, and do not stop the web process."""

import asyncio
import io
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import pypdfium2
import pytest
from PIL import Image

from app.core.errors import Invalid
from app.core.storage import MAX_UPLOAD_BYTES, Upload
from app.vetting import document_scan
from app.vetting.document_scan import file_name, refusal_messages, scan_document
from tests.vetting.hostile import HARMLESS, REFUSED, TRACES, names
from tests.vetting.samples import a_pdf, a_photo, a_picture

ADDRESS = "192.0.2.7"


def upload(content: bytes, name: str = "permit.pdf") -> Upload:
    file = TemporaryFile()  # noqa: SIM115
    file.write(content)
    return Upload(name, file, len(content))


def test_there_are_enough_of_them():
    assert len(REFUSED) + len(HARMLESS) >= 40


@pytest.mark.parametrize("name", REFUSED)
async def test_it_is_refused_in_words(name):
    why, made = REFUSED[name]
    began = time.monotonic()
    with pytest.raises(Invalid) as error:
        await scan_document(upload(made()), ADDRESS)
    assert error.value.errors == {"document": refusal_messages()[why]}
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("name", HARMLESS)
async def test_nothing_of_it_is_kept_but_what_can_be_seen(name):
    sent = HARMLESS[name]()
    document = await scan_document(upload(sent), ADDRESS)
    assert document.content != sent
    for trace in TRACES:
        assert trace not in document.content, trace
        assert all(trace not in preview for preview in document.previews), trace
    if document.media_type == "application/pdf":
        assert len(pypdfium2.PdfDocument(document.content)) == len(document.previews)
    else:
        Image.open(io.BytesIO(document.content)).load()


@pytest.mark.parametrize(("sent", "displayed"), list(names()))
def test_a_name_is_only_for_reading(sent, displayed):
    assert file_name(sent) == displayed


async def test_an_honest_document_stays_readable():
    document = await scan_document(upload(a_pdf(3)), ADDRESS)
    assert (document.media_type, len(document.previews)) == ("application/pdf", 3)
    photo = await scan_document(upload(a_picture("JPEG", size=(3000, 2000))), ADDRESS)
    assert Image.open(io.BytesIO(photo.content)).size == (3000, 2000)
    assert max(Image.open(io.BytesIO(photo.previews[0])).size) <= 1600


async def test_a_photo_is_turned_as_the_camera_says_and_a_clear_picture_stands_on_white():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = await scan_document(upload(a_picture("JPEG", size=(600, 400), exif=exif.tobytes())), ADDRESS)
    assert Image.open(io.BytesIO(turned.content)).size == (400, 600)
    buffer = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(buffer, "PNG")
    clear = await scan_document(upload(buffer.getvalue()), ADDRESS)
    assert Image.open(io.BytesIO(clear.content)).convert("RGB").getpixel((10, 10)) == (255, 255, 255)


async def test_photos_of_phones_are_stored_upright_as_jpeg():
    """WhatsApp, Android and iPhone: WebP and HEIC are decoded, turned as the camera says and encoded again."""
    exif = Image.Exif()
    exif[0x0112] = 6
    photos = {
        "WhatsApp Image.jfif": (a_picture("JPEG"), (600, 400)),
        "photo.webp": (a_picture("WEBP"), (600, 400)),
        "lossless.webp": (a_picture("WEBP", lossless=True), (600, 400)),
        "sideways.webp": (a_picture("WEBP", exif=exif.tobytes()), (400, 600)),
        "IMG_0001.HEIC": (a_photo("upright.heic"), (96, 64)),
        "IMG_0002.HEIC": (a_photo("sideways.heic"), (64, 96)),
    }
    for name, (content, size) in photos.items():
        document = await scan_document(upload(content, name), ADDRESS)
        stored = Image.open(io.BytesIO(document.content))
        assert (document.name, document.media_type, stored.format) == (name, "image/jpeg", "JPEG")
        assert stored.size == size, name
        assert len(document.previews) == 1
    red, green, _blue = stored.tobytes()[3 * (60 + 4 * 64) :][:3]  # the corner that was at the top left
    assert red > 200 > green


async def test_more_than_ten_megabytes_and_nothing_at_all_are_reported():
    for errors in (Upload("a.pdf", io.BytesIO(), MAX_UPLOAD_BYTES + 1, too_large=True), upload(b""), None):
        with pytest.raises(Invalid) as error:
            await scan_document(errors, ADDRESS)
        assert set(error.value.errors) == {"document"}


@pytest.fixture
def endless(monkeypatch, tmp_path: Path) -> "Endless":
    """In place of the sandbox: writes down its number and sleeps."""
    made = Endless(tmp_path / "endless.py", tmp_path / "pid")
    made.script.write_text(f"import os, time\nopen({str(made.pid)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n")
    monkeypatch.setattr(document_scan, "SANDBOX_SCRIPT", str(made.script))
    return made


@dataclass
class Endless:
    script: Path
    pid: Path

    def runs(self) -> bool:
        return bool(self.pid.exists() and self.pid.read_text() and Path(f"/proc/{self.pid.read_text()}").exists())


async def test_a_reader_that_runs_away_is_stopped(monkeypatch, endless: Endless):
    """Whatever a file might make the libraries do, it ends, and nothing runs on."""
    monkeypatch.setattr(document_scan, "SCAN_TIMEOUT_SECONDS", 2)
    page = asyncio.create_task(scan_document(upload(a_picture()), ADDRESS))
    await asyncio.sleep(1)
    assert endless.runs()
    with pytest.raises(Invalid):
        await page
    assert not endless.runs()


async def test_a_reader_is_stopped_when_its_person_goes_away(endless: Endless):
    page = asyncio.create_task(scan_document(upload(a_picture()), ADDRESS))
    await asyncio.sleep(1)
    assert endless.runs()
    page.cancel()
    await asyncio.gather(page, return_exceptions=True)
    assert not endless.runs()


@pytest.fixture(
    params=[("x = bytearray(8 * 1024 ** 3)", "broken"), ("while True: pass", "slow")], ids=["memory", "time"]
)
def greedy(request, monkeypatch, tmp_path: Path) -> str:
    """The sandbox, with a file that makes it request all resources; returns why it is refused."""
    code, reason = request.param
    head, limit = "def clean_file(data: bytes) -> CleanFile:\n", "MAX_CPU_SECONDS = 3"
    text = Path(document_scan.SANDBOX_SCRIPT).read_text()
    assert head in text
    assert limit in text
    text = text.replace(limit, "MAX_CPU_SECONDS = 1").replace(head, f"{head}    {code}\n")
    (tmp_path / "greedy.py").write_text(text)
    monkeypatch.setattr(document_scan, "SANDBOX_SCRIPT", str(tmp_path / "greedy.py"))
    return reason


async def test_a_reader_that_wants_too_much_ends_alone(greedy: str):
    began = time.monotonic()
    with pytest.raises(Invalid) as error:
        await scan_document(upload(a_picture()), ADDRESS)
    assert error.value.errors == {"document": refusal_messages()[greedy]}
    assert time.monotonic() - began < 15
