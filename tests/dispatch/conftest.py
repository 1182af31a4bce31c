"""The application with a database and a private folder of one test."""

from tests.own_application import own_app, own_storage

__all__ = ["own_app", "own_storage"]
