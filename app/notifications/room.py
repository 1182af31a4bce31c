"""What waits for the desk's room goes there."""

import json

from app.core.db import Database
from app.core.http_client import Outside
from app.core.outbox import Outbox
from app.notifications.channels.google_chat import NAME
from app.notifications.http_transport import Outlet, Parcel
from app.notifications.messages import Letter
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
