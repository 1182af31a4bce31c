"""An application of its own for every test."""

from tests.own_application import own_app, own_storage, scene

__all__ = ["own_app", "own_storage", "scene"]
