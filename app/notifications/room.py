"""What waits for the desk's room goes there."""

import json

from app.kit.db import Database
from app.kit.outbox import Outbox
from app.kit.outside import Outside
from app.notifications.channels.google_chat import NAME
from app.notifications.letters import Letter
from app.notifications.outlet import Outlet, Parcel
from app.notifications.repository import Mails


class Room(Outlet):
    """Google Chat's webhook for one room."""

    kind = "channel_off"

    def __init__(self, database: Database, url: str, outside: Outside | None = None) -> None:
        super().__init__(database, NAME, url, outside)

    def parcel(self, letter: Letter, row: Outbox) -> Parcel:
        return Parcel(json.dumps({"text": letter.text}).encode(), "application/json; charset=UTF-8")


async def forget_all(database: Database) -> None:
    """Where there is no room, nothing waits for one."""
    async with database.work() as db:
        await Mails(db).forget_channel(NAME)
