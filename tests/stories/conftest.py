"""A fresh application for every story, and checks of data and leaked codes after it."""

from collections.abc import AsyncIterator

import pytest

from app.check.run import find_violations
from tests.story_app import StoryApp, contains_code, open_story_app
from tests.town import ASHA


@pytest.fixture
async def story(own_url, services, caplog) -> AsyncIterator[StoryApp]:
    """After each story the data is consistent, and no code was shown to anyone but its customer."""
    async with open_story_app(own_url, services.redis_url) as story:
        yield story
        await _check_afterwards(story, caplog.text)


async def _check_afterwards(story: StoryApp, logged: str) -> None:
    async with story.database.work() as db:
        assert await find_violations(db) == []
    others = [text for email, person in story.people.items() if email != ASHA["email"] for text in person.page_texts]
    visible = "\n".join([logged, await story.stored_text(), *others])
    mail = "\n".join(str(message) for message in await story.pending_emails() if message.recipient != ASHA["email"])
    assert not [code for code in story.codes() if contains_code(code, visible + mail)]
    assert "4242424242424242" not in visible.replace(" ", "")
