"""/profile/work: a new home address keeps the service area and is not shown to customers."""

import re

import pytest

from app.check.run import find_violations

HOME_ADDRESS_QUERY = (
    "SELECT p.home_pincode, a.line, a.pincode FROM professionals p JOIN addresses a ON a.user_id = p.user_id"
)
LANGUAGES = "SELECT languages FROM professionals WHERE user_id = :me"
AREA = "SELECT pincode FROM coverage ORDER BY pincode"


@pytest.fixture
async def ravi(scene):
    """Ravi with a home address."""
    me = await scene.browser(scene.ravi)
    await me.submit(await me.visit("/profile/work"), "/profile/work/address", address="4 Canal Road", pincode="600020")
    return me


async def test_a_professional_moves_home(scene, ravi):
    area = await scene.rows(AREA)
    page = await ravi.visit("/profile/work")
    sent = await ravi.submit(page, "/profile/work/address", address="7 Hill Street", pincode="600041")
    assert sent.status == 303
    assert await scene.rows(HOME_ADDRESS_QUERY) == [("600041", "7 Hill Street", "600041")]
    assert await scene.rows(AREA) == area
    assert "7 Hill Street, 600041" in (await ravi.visit("/profile/work")).text
    customer = await scene.browser(scene.asha)
    assert "Hill Street" not in (await customer.visit(f"/professionals/{scene.ravi.id}")).text
    event_query = (
        "SELECT facts -> 'after' ->> 'pincode' FROM events WHERE name = 'person.moved_home' ORDER BY id DESC LIMIT 1"
    )
    assert await scene.scalar(event_query) == "600041"
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_who_stays_in_the_pincode_has_not_moved_home(scene, ravi):
    page = await ravi.visit("/profile/work")
    moves = "SELECT count(*) FROM events WHERE name = 'person.moved_home'"
    before = await scene.scalar(moves)
    await ravi.submit(page, "/profile/work/address", address="5 Canal Road", pincode="600020")
    assert await scene.scalar(moves) == before
    assert await scene.rows(HOME_ADDRESS_QUERY) == [("600020", "5 Canal Road", "600020")]


@pytest.mark.parametrize(
    ("address", "pincode", "errors"),
    [("", "600041", "address"), ("x" * 301, "600041", "address"), ("7 Hill Street", "12", "pincode"),
     ("7 Hill Street", "999999", "pincode"), ("4242 4242 4242 4242", "600041", "address")],
)  # fmt: skip
async def test_a_wrong_address_stays_in_its_form(scene, ravi, address, pincode, errors):
    sent = await ravi.submit(
        await ravi.visit("/profile/work"), "/profile/work/address", address=address, pincode=pincode
    )
    assert sent.status == 422
    assert f'id="{errors}-error"' in sent.text or f'href="#{errors}"' in sent.text
    assert await scene.rows(HOME_ADDRESS_QUERY) == [("600020", "4 Canal Road", "600020")]


async def test_languages_are_ticked_and_shown(scene, ravi):
    page = await ravi.visit("/profile/work")
    fields = page.form("/profile/work").fields
    assert "languages" not in fields
    token = {"_csrf_token": await ravi.token()}
    work = {name: fields[name] for name in ("trade", "experience_years")}
    work |= {"service_ids": str(scene.service.id)}
    sent = await ravi.post("/profile/work", data=token | work | {"languages": ["hi", "ta"]})
    assert sent.status_code == 303
    assert await scene.scalar(LANGUAGES, me=scene.ravi.id) == ["ta", "hi"]
    changed = "SELECT facts -> 'after' -> 'languages' FROM events WHERE name = 'person.work_changed'"
    assert await scene.scalar(changed) == ["ta", "hi"]
    assert re.search(r'value="hi"\s+id="languages-hi" checked', (await ravi.visit("/profile/work")).text)
    visitor = await scene.browser(scene.asha)
    assert "Tamil, Hindi" in (await visitor.visit(f"/professionals/{scene.ravi.id}")).text
    refused = await ravi.post("/profile/work", data=token | work | {"languages": ["ta", "xx"]})
    assert refused.status_code == 422
    assert 'id="languages-error"' in refused.text
    assert (await ravi.post("/profile/work", data=token | work)).status_code == 303
    assert await scene.scalar(LANGUAGES, me=scene.ravi.id) == []
