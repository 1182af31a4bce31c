"""An application of its own for the tests that ask for it."""

from tests.own_application import own_app, own_storage, scene

__all__ = ["own_app", "own_storage", "scene"]
