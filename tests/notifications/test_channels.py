"""A channel is a folder: the same files in each, found without a list."""

from pathlib import Path

from app.notifications import channels
from app.notifications.channel import all_channels, discovered_channels
from app.notifications.kinds import KINDS
from app.notifications.preference import TOPICS

FOLDERS = [path for path in Path(channels.__file__).parent.iterdir() if (path / "__init__.py").exists()]


def test_every_folder_has_the_same_files():
    assert {path.name for path in FOLDERS} == {"email", "google_chat", "inbox"}
    for folder in FOLDERS:
        assert {file.name for file in folder.glob("*.py")} == {"__init__.py", "channel.py", "transport.py"}, folder


def test_every_folder_is_a_channel():
    assert len(discovered_channels()) == len(FOLDERS)
    assert [channel.name for channel in all_channels()] == ["inbox", "email", "chat", "webhooks"]


def test_every_topic_has_a_kind_and_every_kind_a_topic_that_there_is():
    assert set(TOPICS) == {kind.topic for kind in KINDS.values()} - {""}
