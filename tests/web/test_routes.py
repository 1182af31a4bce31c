"""app/routes.py lists each address with the handler that serves it."""

from typing import Any

from litestar import Litestar
from litestar.handlers import BaseRouteHandler

from app.routes import MAILBOX, ROUTES
from app.web.guards import handler_name, list_routes


def test_every_address_of_the_table_leads_to_its_handler(app: Litestar) -> None:
    table: dict[str, list[str]] = {}
    for address, handler in (*ROUTES, *MAILBOX):
        for name in _names(handler):
            table.setdefault(name, []).append(address)
    own = [route for route in list_routes(app) if not route.handler.startswith("tests.")]
    for route in own:
        owner = route.handler.rpartition(".")[0]
        addresses = table.get(owner) or table.get(route.handler) or []
        assert any(_within(route.path, address) for address in addresses), route


def test_no_address_of_the_table_is_dead(app: Litestar) -> None:
    paths = [route.path for route in list_routes(app)]
    for address, _handler in ROUTES:
        assert any(_within(path, address) for path in paths), address


def _within(path: str, address: str) -> bool:
    return path == address or path.startswith(address.rstrip("/") + "/")


def _names(handler: Any) -> list[str]:
    """A controller also answers with the methods that it inherits."""
    if isinstance(handler, BaseRouteHandler):
        return [handler_name(handler)]
    return [f"{base.__module__}.{base.__qualname__}" for base in handler.__mro__]
