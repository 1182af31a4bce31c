"""The application and its people, as the bookings' tests have them."""

from tests.bookings.conftest import app, app_database, app_vault, browser_of

__all__ = ["app", "app_database", "app_vault", "browser_of"]
