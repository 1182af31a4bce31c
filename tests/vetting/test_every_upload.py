"""Every page and address that takes a file: it is stored under a name of ours, and waiting harms no one else."""

import asyncio
import re
from datetime import date
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from app.accounts.professional import Professional
from app.vetting import document_scan
from app.vetting.document import Document
from app.vetting.scan_queue import ScanQueue
from tests.api_client import ApiClient
from tests.factories import PASSWORD
from tests.person import Person
from tests.vetting.hostile import names
from tests.vetting.samples import a_pdf, on_disk
from tests.waiting import until

STORED_PATH = re.compile(r"kept/[0-9a-f]{2}/[0-9a-f]{32}/(paper|[1-9][0-9]*\.jpg)")
HOSTILE_NAME = "..\\../../../" + "\u202e" + "long" * 2000 + "\x00/../x\x00.pdf"
NAMES = ["../x.pdf", "/etc/x.pdf", "x\x00.pdf", "\x00", HOSTILE_NAME, *(name for name, _displayed in names())]
APPLICATION = {
    "full_name": "Thenmozhi Chandrasekaran",
    "email": "thenmozhi@example.com",
    "phone": "+91 00000 00777",
    "password": PASSWORD,
    "address": "12, Canal Bank Road, Kasturba Nagar",
    "pincode": "600020",
    "experience_years": "8",
}


def body_of(name: str, fields: dict[str, str]) -> dict[str, Any]:
    """The request as no browser would write it: the name goes out byte by byte."""
    file = b'--x\r\ncontent-disposition: form-data; name="document"; filename="%b"\r\n\r\n'
    parts = [f'--x\r\ncontent-disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in fields.items()]
    quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode("utf-8", "ignore")
    content = file % quoted + a_pdf() + b"\r\n" + "".join(parts).encode() + b"--x--\r\n"
    return {"content": content, "headers": {"content-type": "multipart/form-data; boundary=x"}}


async def documents(scene) -> list[Document]:
    async with scene.database.work() as db:
        return list(await db.scalars(select(Document).order_by(Document.id)))


def paths(storage) -> set[str]:
    """Every file within the folder of uploads, and within the two around it."""
    around = [path for path in storage.root.parent.iterdir() if path != storage.root]
    assert around == []
    return {str(path.relative_to(storage.root)) for path in on_disk(storage)}


def assert_stored_under_names_of_ours(storage, document: Document) -> None:
    assert re.fullmatch("[0-9a-f]{32}", document.stored_as)
    assert storage.path(document.stored_as).is_file()
    assert all(STORED_PATH.fullmatch(path) for path in paths(storage))
    assert not set(document.name) & set("/\\\x00\u202e")
    assert len(document.name) <= 120


async def test_a_document_called_like_a_path_is_stored_under_a_name_of_ours(scene, own_storage):
    ravis = await scene.browser(scene.ravi)
    fields = {"kind": "identity", "_csrf_token": await ravis.token()}
    for name in NAMES:
        answer = await ravis.post("/documents", **body_of(name, fields))
        assert (answer.status_code, answer.headers.get("location")) == (303, "/documents"), name
        document = (await documents(scene))[-1]
        assert_stored_under_names_of_ours(own_storage, document)
        download = await ravis.get(f"/documents/{document.id}")
        assert download.headers["content-disposition"] == f'attachment; filename="identity-{document.id}.pdf"'
        assert (await ravis.get("/documents")).status_code == 200
    assert len(set(own_storage.names())) == len(NAMES)


async def expire_documents(scene) -> None:
    async with scene.database.work() as db:
        expired = update(Professional).where(Professional.user_id == scene.ravi.id)
        await db.execute(expired.values(documents_expire_on=date(2026, 1, 1)))


async def by_the_page_of_documents(scene, name: str) -> httpx.Response:
    ravis = await scene.browser(scene.ravi)
    return await ravis.post("/documents", **body_of(name, {"kind": "identity", "_csrf_token": await ravis.token()}))


async def by_the_application_page(scene, name: str) -> httpx.Response:
    async with Person(scene.app) as stranger:
        fields = APPLICATION | {"service_ids": str(scene.service.id), "_csrf_token": await stranger.token()}
        return await stranger.post("/register/professional", **body_of(name, fields))


async def by_the_api_for_applications(scene, name: str) -> httpx.Response:
    async with ApiClient(scene.app) as stranger:
        request = body_of(name, APPLICATION | {"service_ids": str(scene.service.id)})
        return await stranger.post("/api/professional/register", **request)


async def by_the_page_for_another_application(scene, name: str) -> httpx.Response:
    await expire_documents(scene)
    ravis = await scene.browser(scene.ravi)
    fields = {"message": "A clear one.", "kind": "identity", "_csrf_token": await ravis.token()}
    return await ravis.post("/verification", **body_of(name, fields))


async def by_the_api_for_another_application(scene, name: str) -> httpx.Response:
    await expire_documents(scene)
    async with ApiClient(scene.app) as ravis:
        assert (await ravis.sign_in(scene.ravi.email, PASSWORD)).status_code == 200
        return await ravis.post("/api/re_verify", **body_of(name, {"message": "A clear one."}))


UPLOADS = [
    by_the_page_of_documents,
    by_the_application_page,
    by_the_api_for_applications,
    by_the_page_for_another_application,
    by_the_api_for_another_application,
]


@pytest.mark.parametrize("upload", UPLOADS)
async def test_every_upload_waits_without_a_connection_and_is_stored_under_a_name_of_ours(
    scene, own_storage, monkeypatch, upload
):
    queue = ScanQueue(slots=0, wait_seconds=0.2)
    monkeypatch.setattr(document_scan, "queue", queue)
    sending = asyncio.create_task(upload(scene, "identity.pdf"))
    await until(lambda: len(queue) == 1)
    assert scene.database.engine.pool.checkedout() == 0
    answer = await sending
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "checking many documents right now. Try again in a few seconds." in answer.text
    assert len(queue) == 0
    if "html" in answer.headers["content-type"]:
        assert 'name="document"' in answer.text, "the form is there to be sent again"
    assert await documents(scene) == []
    monkeypatch.undo()
    assert (await upload(scene, HOSTILE_NAME)).status_code in (201, 303)
    [document] = await documents(scene)
    assert_stored_under_names_of_ours(own_storage, document)
