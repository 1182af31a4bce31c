"""The town of the authorisation tables at nine o'clock, and its people."""

from collections.abc import AsyncIterator

import pytest

from app.core import clock
from tests.application import serving, settings
from tests.authorisation.people import People
from tests.authorisation.town import NINE, build


@pytest.fixture(scope="module")
async def people(services) -> AsyncIterator[People]:
    database = services.clone()
    async with serving(settings(services.app_url(database), services.redis_url)) as app:
        await app.state.services.unmet_searches.stop()  # its periodic writes would be attributed to the current request
        with clock.freeze(NINE):
            town = await build(app)
            async with app.state.services.database.engine.connect() as connection:
                people = People(app, town, connection)
                await people.load_tokens()
                yield people
