"""An application of its own for every test."""

from tests.own_application import own_app, scene

__all__ = ["own_app", "scene"]
