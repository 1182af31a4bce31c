"""The same application and browsers as for bookings."""

from tests.bookings.conftest import app, app_database, app_vault, browser_of

__all__ = ["app", "app_database", "app_vault", "browser_of"]
