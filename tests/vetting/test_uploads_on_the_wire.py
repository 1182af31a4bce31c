"""Uploads to a running web process: interrupted, too large, endless, onto a full disk, process killed."""

import asyncio
import os
import re
import resource
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import func, select

from app.core.db import Database
from app.core.storage import Storage
from app.vetting.document import Document
from tests.factories import a_professional
from tests.person import Person
from tests.processes import Running, environment, web_process
from tests.vetting.samples import a_picture, on_disk

pytestmark = pytest.mark.slow
BYTES_PER_MB = 1024 * 1024
NOISE = os.urandom(BYTES_PER_MB)


@pytest.fixture
def folder(tmp_path: Path) -> Storage:
    return Storage(tmp_path / "uploads")


@pytest.fixture
async def web(services, own_url, folder: Storage) -> AsyncIterator[Running]:
    async with web_process(environment(own_url, services.redis_url, UPLOADS_DIR=str(folder.root))) as running:
        yield running


@pytest.fixture
async def ravi(web: Running, own_database: Database) -> AsyncIterator[Person]:
    async with own_database.work() as db:
        user = await a_professional(db, "Ravi Kumar")
    person = await Person(base_url=web.url).signed_in_as(user, own_database)
    yield person
    await person.aclose()


def body_of(token: str, content: bytes, kind: str = "certificate") -> bytes:
    fields = {"_csrf_token": token, "kind": kind, "expires_on": "2031-03-14"}
    parts = [
        f'--x\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    file = b'--x\r\ncontent-disposition: form-data; name="document"; filename="permit.png"\r\n\r\n'
    # The file comes first: what follows it must not be lost with it.
    return file + content + b"\r\n" + "".join(parts).encode() + b"--x--\r\n"


async def send(ravi: Person, content: bytes) -> httpx.Response:
    body = body_of(await ravi.token(), content)
    return await ravi.post("/documents", content=body, headers={"content-type": "multipart/form-data; boundary=x"})


async def begin(web: Running, ravi: Person, body: bytes, part: float) -> asyncio.StreamWriter:
    """Send so much of it and then nothing more."""
    location = urlsplit(web.url)
    _reader, writer = await asyncio.open_connection(location.hostname, location.port)
    head = (
        f"POST /documents HTTP/1.1\r\nhost: {location.netloc}\r\ncookie: ds={ravi.cookies['ds']}\r\n"
        f"content-type: multipart/form-data; boundary=x\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body[: int(len(body) * part)])
    await writer.drain()
    return writer


async def nothing_stored(database: Database, folder: Storage) -> bool:
    async with database.work() as db:
        rows = await db.scalar(select(func.count()).select_from(Document))
    return rows == 0 and on_disk(folder) == []


async def test_an_upload_cut_off_at_nine_tenths_leaves_nothing(web, ravi, own_database, folder):
    writer = await begin(web, ravi, body_of(await ravi.token(), NOISE * 8), 0.9)
    await asyncio.sleep(0.5)
    assert await nothing_stored(own_database, folder), "not even while it comes is there a file with a name"
    writer.close()
    await asyncio.sleep(0.5)
    assert await nothing_stored(own_database, folder)
    assert (await send(ravi, a_picture())).status_code == 303, "the next one comes through"


async def test_a_body_that_ends_at_nine_tenths_is_reported(web, ravi, own_database, folder):
    body = body_of(await ravi.token(), NOISE)
    headers = {"content-type": "multipart/form-data; boundary=x", "x-csrf-token": await ravi.token()}
    answer = await ravi.post("/documents", content=body[: len(body) * 9 // 10], headers=headers)
    assert answer.status_code == 422
    assert "The upload was incomplete" in answer.text
    assert await nothing_stored(own_database, folder)


async def test_twenty_megabytes_are_refused_beside_the_field_and_the_rest_is_kept(web, ravi, own_database, folder):
    answer = await send(ravi, NOISE * 20)
    assert answer.status_code == 422
    assert "larger than 10 MB" in answer.text
    assert 'value="2031-03-14"' in answer.text
    assert '<option value="certificate" selected>' in answer.text
    assert await nothing_stored(own_database, folder)


async def test_ten_megabytes_and_a_byte_are_too_many(web, ravi):
    assert "larger than 10 MB" in (await send(ravi, b"\0" * (10 * BYTES_PER_MB + 1))).text
    assert "This isn&#39;t a PDF" in (await send(ravi, b"\0" * 10 * BYTES_PER_MB)).text


async def test_more_than_that_is_refused_before_it_comes(web, ravi, own_database, folder):
    answer = await send(ravi, NOISE * 40)
    assert answer.status_code == 413
    assert "too large" in answer.text
    assert await nothing_stored(own_database, folder)


async def test_a_body_without_an_announced_length_is_counted_as_it_comes(web, ravi, own_database, folder):
    body = body_of(await ravi.token(), NOISE * 40)

    async def pieces():
        for start in range(0, len(body), BYTES_PER_MB):
            yield body[start : start + BYTES_PER_MB]

    headers = {"content-type": "multipart/form-data; boundary=x"}
    try:
        answer = await ravi.post("/documents", content=pieces(), headers=headers)
        assert answer.status_code == 413
    except httpx.WriteError:
        pass  # hung up on: just as well
    assert await nothing_stored(own_database, folder)


async def test_a_full_disk_is_503_and_leaves_no_part_of_a_file(web, ravi, own_database, folder):
    none, limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY), resource.RLIMIT_FSIZE
    resource.prlimit(web.process.pid, limit, (20_000, resource.RLIM_INFINITY))
    for content in (NOISE, a_picture("JPEG", size=(1500, 1500), quality=95)):
        answer = await send(ravi, content)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert await nothing_stored(own_database, folder)
    resource.prlimit(web.process.pid, limit, none)
    assert (await send(ravi, a_picture())).status_code == 303


async def test_a_process_that_is_killed_half_way_leaves_nothing(web, ravi, own_database, folder):
    writer = await begin(web, ravi, body_of(await ravi.token(), NOISE * 8), 0.7)
    await asyncio.sleep(0.3)
    web.process.kill()
    web.process.wait()
    assert await nothing_stored(own_database, folder)
    writer.close()


async def test_many_at_once_are_looked_at_by_few(web, ravi, own_database, folder):
    token = await ravi.token()
    pictures = [a_picture(size=(900, 900), text=str(number)) for number in range(6)]
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answers = await asyncio.gather(
        *(ravi.post("/documents", content=body_of(token, picture), headers=headers) for picture in pictures)
    )
    assert [answer.status_code for answer in answers] == [303] * 6
    async with own_database.work() as db:
        states = list(await db.scalars(select(Document.state).order_by(Document.id)))
    assert states == ["replaced"] * 5 + ["submitted"]
    assert len({re.sub("/[^/]*$", "", str(path)) for path in on_disk(folder)}) == 6
