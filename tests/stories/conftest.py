"""A stage for every story; what was told whom is looked through afterwards."""

from collections.abc import AsyncIterator

import pytest

from app.check.run import broken
from tests.stage import Stage, set_stage, shown
from tests.town import ASHA


@pytest.fixture
async def stage(own_url, services, caplog) -> AsyncIterator[Stage]:
    """After each story the data is sound, and no code has reached anybody but its customer."""
    async with set_stage(own_url, services.redis_url) as made:
        yield made
        await _look_through(made, caplog.text)


async def _look_through(stage: Stage, logged: str) -> None:
    async with stage.database.work() as db:
        assert await broken(db) == []
    others = [words for email, one in stage.people.items() if email != ASHA["email"] for words in one.seen]
    told = "\n".join([logged, await stage.kept(), *others])
    mail = "\n".join(str(letter) for letter in await stage.letters() if letter.to != ASHA["email"])
    assert not [code for code in stage.codes() if shown(code, told + mail)]
    assert "4242424242424242" not in told.replace(" ", "")
