"""Two admins save the settings at the same moment: one is first, the other reads it."""

import asyncio

from app.core.db import AdvisoryLock, acquire_lock
from app.site_settings.changes import SettingsChanged, save_settings
from app.site_settings.repository import SavedSettings
from tests.factories import an_admin
from tests.waiting import until_waiting


async def test_of_two_changes_at_the_same_moment_one_is_refused(own_database):
    async with own_database.work() as db:
        meena, lekha = await an_admin(db), await an_admin(db, "Lekha Nair")
    version = 0

    async def save(admin, email):
        try:
            async with own_database.work() as db:
                await save_settings(db, admin, {"support_email": email}, version)
        except SettingsChanged as refused:
            return refused.conflicts[0].after
        return "saved"

    async with own_database.work() as db:
        await acquire_lock(db, AdvisoryLock.SETTINGS)
        both = [asyncio.create_task(save(meena, "a@doorstep.in")), asyncio.create_task(save(lekha, "b@doorstep.in"))]
        await until_waiting(own_database, 2)
    results = await asyncio.gather(*both)
    async with own_database.work() as db:
        stored = (await SavedSettings(db).values())["support_email"]
        assert await SavedSettings(db).version() > version
    assert sorted(results, key=len) == sorted(["saved", stored], key=len)
