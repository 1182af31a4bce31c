"""What each admin may do: given by an owner, never by oneself, and one owner always remains."""

import asyncio

import pytest
from sqlalchemy import text

from app.core.errors import Refused
from app.people.admin_roles import change_right
from tests.factories import an_admin

pytestmark = pytest.mark.usefixtures("own_app")


@pytest.fixture
async def admins(scene):
    """Two owners, and a browser of the first."""
    async with scene.database.work() as db:
        meena, lekha = await an_admin(db), await an_admin(db, "Lekha Rao")
    return meena, lekha, await scene.browser(meena)


async def right_of(scene, person) -> str:
    async with scene.database.work() as db:
        return await db.scalar(text("SELECT admin_right FROM users WHERE id = :id"), {"id": person.id})


async def test_an_owner_changes_rights_and_the_other_sees_what_is_left(scene, admins):
    meena, lekha, browser = admins
    page = await browser.visit(f"/admin/admins/{lekha.id}")
    await browser.submit(page, "/right", right="support")
    changed = await browser.visit(f"/admin/admins/{lekha.id}")
    assert "The rights of Lekha Rao are changed." in changed.text
    assert await right_of(scene, lekha) == "support"
    assert "changed the admin" in changed.text  # her history
    other = await scene.browser(lekha)
    assert 'href="/admin/settings"' not in (await other.visit("/admin")).text
    assert (await other.visit("/admin/settings")).status == 403
    own = await other.visit(f"/admin/admins/{meena.id}")
    assert not [form for form in own.forms if form.action.endswith(("/right", "/demotion"))]
    assert (await other.post_fields(f"/admin/admins/{meena.id}/right", {"right": "support"})).status == 403
    assert await right_of(scene, meena) == "owner"


@pytest.mark.parametrize("right", ["", "king", "OWNER"])
async def test_another_word_is_no_right(scene, admins, right):
    _meena, lekha, browser = admins
    answer = await browser.post_fields(f"/admin/admins/{lekha.id}/right", {"right": right})
    assert answer.status == 409
    assert "Choose what this admin may do." in answer.text
    assert await right_of(scene, lekha) == "owner"


async def test_no_owner_changes_their_own_right(scene, admins):
    meena, _lekha, browser = admins
    assert (await browser.post_fields(f"/admin/admins/{meena.id}/right", {"right": "money"})).status == 409
    assert await right_of(scene, meena) == "owner"


async def test_of_two_owners_who_take_each_others_right_one_remains(scene, admins):
    meena, lekha, _browser = admins

    async def take(by, person) -> None:
        async with scene.database.work() as db:
            await change_right(db, by, person.id, "support")

    ends = await asyncio.gather(take(meena, lekha), take(lekha, meena), return_exceptions=True)
    assert [end.reason for end in ends if isinstance(end, Refused)] == ["last"]
    assert sorted([await right_of(scene, meena), await right_of(scene, lekha)]) == ["owner", "support"]


async def test_the_last_owner_is_neither_demoted_nor_blocked(scene, admins):
    meena, lekha, _browser = admins
    async with scene.database.work() as db:
        await change_right(db, meena, lekha.id, "support")
    other = await scene.browser(lekha)
    assert (await other.post_fields(f"/admin/admins/{meena.id}/demotion", {})).status == 403
    assert (await other.post_fields(f"/admin/admins/{meena.id}/block", {"reason": "x"})).status == 403
