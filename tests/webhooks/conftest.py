"""The town, settings and encryption of the notification tests."""

from tests.notifications.conftest import encryption, settings, town

__all__ = ["encryption", "settings", "town"]
