"""The application for races."""

from tests.own_application import own_app

__all__ = ["own_app"]
