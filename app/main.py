"""The composition root of the web process: settings in, application out."""

from collections.abc import Iterable

from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler
from litestar_htmx import HTMXPlugin
from litestar_saq import SAQPlugin

from app.accounts import auth
from app.core import logs
from app.routes import MAILBOX, ROUTES, handlers
from app.services import Services, compose, dependencies
from app.settings import Settings
from app.web.body import BODY_LIMITS, BodyLimits
from app.web.cors import Cors
from app.web.errors import handle_error
from app.web.guards import AccessGuard, require_declared_access
from app.web.middleware import wrap
from app.web.security import SecurityHeaders
from app.web.unit_of_work import record_status
from tasks.saq_config import saq_config
from tasks.timetable import TIMETABLE

MAX_FORM_BYTES = 1_000_000  # an upload's route sets its own request_max_body_size


def create_app(
    settings: Settings, *, more: Iterable[ControllerRouterHandler] = (), body_limits: BodyLimits = BODY_LIMITS
) -> Litestar:
    """The ASGI application; `more` are further routes, for development and tests."""
    logs.configure(settings.log_level, as_json=settings.production)
    app = create_routes(settings, more)
    attach_services(app, compose(settings), body_limits)
    return app


def create_routes(settings: Settings, more: Iterable[ControllerRouterHandler] = ()) -> Litestar:
    """The routes and what every response has in common, without the services that answer. It takes half a second."""
    cors = Cors(settings.cors_origins)
    app = Litestar(
        route_handlers=[*handlers(ROUTES), *_mailbox(settings), *more],
        dependencies={**dependencies(), "timetable": Provide(lambda: TIMETABLE, sync_to_thread=False)},
        guards=[AccessGuard(auth.load)],
        exception_handlers={HTTPException: handle_error, Exception: handle_error},
        before_send=[cors, SecurityHeaders(settings)],
        after_request=record_status,
        on_startup=[_start_services],
        on_shutdown=[_stop_services],
        plugins=[HTMXPlugin(), SAQPlugin(saq_config(settings.redis_url))],
        request_max_body_size=MAX_FORM_BYTES,
        openapi_config=None,
        logging_config=None,
    )
    app.state.cors = cors
    require_declared_access(app)
    cors.read_routes(app)
    return app


def attach_services(app: Litestar, services: Services, body_limits: BodyLimits = BODY_LIMITS) -> None:
    """Let `services` answer the requests to the routes of `app`; once for each application."""
    app.state.services = services
    wrap(app, services, app.state.cors, body_limits)


async def _start_services(app: Litestar) -> None:
    await app.state.services.start()


async def _stop_services(app: Litestar) -> None:
    await app.state.services.stop()


def _mailbox(settings: Settings) -> list[ControllerRouterHandler]:
    """Pages that show outgoing emails in development, while no mail server is set."""
    return [] if settings.production or settings.smtp_url else handlers(MAILBOX)
