"""Every controller of Doorstep by audience: the table of contents of its addresses."""

from litestar.types import ControllerRouterHandler

from app.web import health
from app.web.live import live
from app.web.static import static_file

# One import above and one line here per controller.
EVERYONE: list[ControllerRouterHandler] = []

CUSTOMERS: list[ControllerRouterHandler] = []

PROFESSIONALS: list[ControllerRouterHandler] = []

SIGNED_IN: list[ControllerRouterHandler] = [live]

MACHINES: list[ControllerRouterHandler] = [health.health, health.ready, health.metrics, health.csp_report, static_file]

ROUTES: list[ControllerRouterHandler] = [*EVERYONE, *CUSTOMERS, *PROFESSIONALS, *SIGNED_IN, *MACHINES]
