"""Public pages and pages about errors and blocks promise only what is done today."""

import re

import pytest

from tests.bookings.scenes import Scene
from tests.factories import a_block, an_admin
from tests.person import Person

NOT_DONE = re.compile(r"second admin|somebody|line by line|hidden, with|our team decides", re.I)


@pytest.mark.parametrize("path", ["/about", "/terms", "/help", "/privacy", "/nothing-here", "/bookings/ZZZZZZZZ/x"])
async def test_a_public_page_promises_only_what_is_done(app, path: str):
    async with Person(app) as visitor:
        page = await visitor.visit(path)
    assert page.status in (200, 303, 404)
    assert NOT_DONE.findall(page.text) == []


async def test_a_blocked_person_reads_how_to_appeal_and_no_more(app):
    scene = await Scene.set(app)
    async with scene.database.work() as db:
        await a_block(db, scene.asha, await an_admin(db))
    async with Person(app) as asha:
        await asha.signed_in_as(scene.asha, scene.database)
        page = await asha.visit("/blocked")
        assert "How to appeal" in page.text
        assert NOT_DONE.findall(page.text) == []
