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
from app.services import compose, dependencies
from app.settings import Settings
from app.web.api_limits import ApiLimits
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
    services = compose(settings)
    cors = Cors(settings.cors_origins)
    limits = ApiLimits(services.rate_limiter, settings.trusted_proxies)
    app = Litestar(
        route_handlers=[*handlers(ROUTES), *_mailbox(settings), *more],
        dependencies={**dependencies(), "timetable": Provide(lambda: TIMETABLE, sync_to_thread=False)},
        guards=[AccessGuard(auth.load, services.csrf, limits)],
        exception_handlers={HTTPException: handle_error, Exception: handle_error},
        before_send=[cors, SecurityHeaders(settings)],
        after_request=record_status,
        on_startup=[services.start],
        on_shutdown=[services.stop],
        plugins=[HTMXPlugin(), SAQPlugin(saq_config(services))],
        request_max_body_size=MAX_FORM_BYTES,
        openapi_config=None,
        logging_config=None,
    )
    app.state.services = services
    require_declared_access(app)
    cors.read_routes(app)
    wrap(app, services, limits, cors, body_limits)
    return app


def _mailbox(settings: Settings) -> list[ControllerRouterHandler]:
    """Pages that show outgoing emails in development, while no mail server is set."""
    return [] if settings.production or settings.smtp_url else handlers(MAILBOX)
