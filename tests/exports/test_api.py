"""The API of exports: request, build, download by the admin who requested it."""

from hashlib import sha256

import pytest
from sqlalchemy import text

from app.accounts.user import User
from app.exports import lifecycle
from app.exports.repository import Exports
from tests.api_client import ApiClient
from tests.factories import an_admin


async def build(api_app, number, content=b"reference\r\n"):
    """As a worker does it."""
    storage = api_app.state.services.storage
    async with api_app.state.services.database.work() as db:
        requested_by_id, reference = (
            await db.execute(text("SELECT requested_by_id, reference FROM exports WHERE id = :id"), {"id": number})
        ).one()
        export = await Exports(db).by_reference(requested_by_id, reference, lock=True)
        path = storage.create_file()
        path.write_bytes(content)
        lifecycle.mark_ready(export, storage.finalize(db, path), len(content), sha256(content).digest(), 0)


async def request_export(me, **differently):
    answer = await me.post("/api/exports", json={"table": "bookings", "filters": {"state": "completed"}} | differently)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_an_export_is_requested_watched_and_fetched(api_app, api_client_for):
    meena = await api_client_for("meena")
    made = await request_export(meena)
    assert (made["table"], made["state"], made["file"], made["size"]) == ("bookings", "queued", None, None)
    address = f"/api/exports/{made['id']}"
    assert (await meena.get(f"{address}/file")).status_code == 404
    await build(api_app, made["id"])
    data = (await meena.get(address)).json()
    assert (data["state"], data["file"], data["size"]) == ("ready", f"{address}/file", 11)
    file = await meena.get(data["file"])
    assert (file.status_code, file.content) == (200, b"reference\r\n")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    async with api_app.state.services.database.work() as db:
        assert await db.scalar(text("SELECT bom FROM exports WHERE id = :id"), {"id": made["id"]})
    assert file.headers["cache-control"] == "no-store"
    async with api_app.state.services.database.work() as db:
        await lifecycle.discard(db, api_app.state.services.storage, await db.get_one(User, meena.number), made["ref"])
    removed = await meena.get(data["file"])
    assert (removed.status_code, removed.json()["type"]) == (410, "urn:doorstep:gone")


async def test_another_admin_and_everyone_else_find_nothing(api_app, api_client_for, api_people):
    meena = await api_client_for("meena")
    made = await request_export(meena)
    await build(api_app, made["id"])
    async with api_app.state.services.database.work() as db:
        other = await an_admin(db, "Uma Devi")
        other.password_hash = api_people["meena"].password_hash
    async with ApiClient(api_app) as hers:
        await hers.sign_in(other.email)
        for path in (f"/api/exports/{made['id']}", f"/api/exports/{made['id']}/file", f"/api/exports/{2**63}"):
            assert (await hers.get(path)).status_code == 404
    for who in ("asha", "ravi"):
        me = await api_client_for(who)
        assert (await me.post("/api/exports", json={"table": "bookings"})).status_code == 403
        assert (await me.get(f"/api/exports/{made['id']}/file")).status_code == 403


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({}, "table"),
        ({"table": "earnings"}, "table"),
        ({"table": "passwords"}, "table"),
        ({"table": "bookings", "filters": {"colour": "red"}}, "filters.colour"),
        ({"table": "bookings", "filters": {"state": 5}}, "filters"),
        ({"table": "bookings", "filters": {"q": "a\u0000"}}, "filters"),
        ({"table": "bookings", "bom": "yes"}, "bom"),
        ({"table": "bookings", "file": "../../etc/passwd"}, "file"),
    ],
)
async def test_what_cannot_be_exported_is_reported(api_client_for, sent, errors):
    meena = await api_client_for("meena")
    answer = await meena.post("/api/exports", json=sent)
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {errors})


async def test_the_same_key_asks_for_one_file(api_app, api_client_for):
    meena, key = await api_client_for("meena"), {"idempotency-key": "nightly-1"}
    sent = {"table": "customers", "filters": {}}
    responses = [await meena.post("/api/exports", json=sent, headers=key) for _ in range(2)]
    assert responses[0].content == responses[1].content
    assert (await meena.post("/api/exports", json=sent | {"bom": False}, headers=key)).status_code == 422
    await build(api_app, responses[0].json()["id"])


async def test_the_sixth_at_once_waits(api_app, api_client_for, api_people):
    async with api_app.state.services.database.work() as db:
        other = await an_admin(db, "Rekha Nair")
        other.password_hash = api_people["meena"].password_hash
    async with ApiClient(api_app) as hers:
        await hers.sign_in(other.email)
        for _ in range(5):
            await request_export(hers)
        sixth = await hers.post("/api/exports", json={"table": "ledger"})
        assert (sixth.status_code, sixth.json()["type"]) == (409, "urn:doorstep:many")
