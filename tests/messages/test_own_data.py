"""The archive of own data has the messages of both sides, by role and not by name."""

import json
import zipfile

from app.privacy.own_data import build_archive
from tests.messages.sending import says


async def test_messages_are_in_the_archive(scene, asha, ravi, ref, own_storage):
    await says(asha, f"/bookings/{ref}", "The blue gate.")
    await says(ravi, f"/jobs/{ref}", "On my way.")
    for user, other in ((scene.asha, "professional"), (scene.ravi, "customer")):
        async with scene.database.work() as db:
            with await build_archive(db, own_storage, user) as file, zipfile.ZipFile(file) as archive:
                data = json.loads(archive.read("your-data.json"))
        written = {line["text"]: line["written_by"] for line in data["messages"]}
        own, received = ("The blue gate.", "On my way.") if user is scene.asha else ("On my way.", "The blue gate.")
        assert written == {own: "you", received: other}
