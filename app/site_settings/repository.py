"""SQL for the settings that admins saved."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.core.db import AdvisoryLock, acquire_lock
from app.core.events import Event, EventValue
from app.core.paging import AnyRow
from app.core.sql import fetch, fetch_value
from app.site_settings.setting import Setting

SELECT_VALUES = "SELECT name, value FROM settings"
# The number of the last change: changes are made one after the other.
SELECT_VERSION = "SELECT coalesce(max(id), 0) FROM events WHERE split_part(name, '.', 1) = 'setting'"


class SavedSettings:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def values(self) -> dict[str, str]:
        """The saved values by name; "" for what was emptied again."""
        return {row["name"]: row["value"] for row in await fetch(self._db, SELECT_VALUES)}

    async def version(self) -> int:
        """Greater after every change; read it before the values that a form shows."""
        return int(await fetch_value(self._db, SELECT_VERSION))

    async def lock(self) -> dict[str, Setting]:
        """Wait for the changes of others; the saved settings by name."""
        await acquire_lock(self._db, AdvisoryLock.SETTINGS)
        query = select(Setting).execution_options(populate_existing=True)
        return {setting.name: setting for setting in await self._db.scalars(query)}

    async def changes_since(self, version: int) -> Sequence[AnyRow]:
        """List `field` ("before.support_phone"), `before` and `who` of changes after `version`, oldest first."""
        query = (
            select(EventValue.name.label("field"), EventValue.value.label("before"), User.full_name.label("who"))
            .join(Event, Event.id == EventValue.event_id)
            .join(User, User.id == Event.actor_id, isouter=True)
            .where(Event.name == "setting.changed", Event.id > version, EventValue.name.startswith("before."))
            .order_by(Event.id)
        )
        return (await self._db.execute(query)).all()
