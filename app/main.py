"""The composition root: settings in, application out."""

from collections.abc import Iterable

from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler

from app.accounts import auth
from app.core import logs
from app.core.admin_audience import tell_the_desk
from app.core.events import on_every_event
from app.discovery.invalidation import clear_what_it_changes
from app.notifications import rules
from app.routes import MAILBOX, ROUTES
from app.services import parts, provided
from app.settings import Settings
from app.web.cors import Crossing
from app.web.errors import on_error
from app.web.guards import Gate, refuse_undeclared
from app.web.middleware import surround
from app.web.security import SecurityHeaders
from app.web.unit_of_work import note_status
from tasks.worker import TIMETABLE

FORM = 1_000_000  # bytes; an upload's route sets its own request_max_body_size


def create_app(settings: Settings, *, more: Iterable[ControllerRouterHandler] = ()) -> Litestar:
    """`more` are further routes, for development and tests."""
    logs.set_up(settings.log_level, as_json=settings.production)
    on_every_event(clear_what_it_changes)
    on_every_event(tell_the_desk)
    rules.install()
    state = parts(settings)
    state.timetable = [(line.name, line.cron) for line in TIMETABLE]
    crossing = Crossing(settings.cors_origins)
    app = Litestar(
        route_handlers=[*ROUTES, *_mailbox(settings), *more],
        dependencies=provided(),
        guards=[Gate(auth.load, state.csrf, state.limiter, settings.trusted_proxies)],
        exception_handlers={HTTPException: on_error, Exception: on_error},
        before_send=[crossing, SecurityHeaders(settings)],
        after_request=note_status,
        on_startup=[state.after.start, state.meter.start, state.live.start, state.wanted.start],
        on_shutdown=[state.live.stop, state.meter.stop, state.wanted.stop, state.after.stop, state.database.close],
        request_max_body_size=FORM,
        openapi_config=None,
        logging_config=None,
        state=state,
    )
    refuse_undeclared(app)
    crossing.learn(app)
    surround(app, settings, state.shelf, state.meter, state.cookies.personal)
    return app


def _mailbox(settings: Settings) -> list[ControllerRouterHandler]:
    """Where mails are read in development, when no mail server takes them."""
    return [] if settings.production or settings.smtp_url else MAILBOX
