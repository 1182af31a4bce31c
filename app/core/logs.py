"""Logging with structlog: JSON in production, text in development; with the request id, without personal data."""

import logging
import re
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

request_id: ContextVar[str] = ContextVar("request_id", default="")

# Their messages may contain statement parameters, which are personal data: only warnings are logged.
QUIET_LOGGERS = ("sqlalchemy", "asyncio", "uvicorn", "uvicorn.error", "aiosmtplib", "asyncpg", "alembic", "httpx")
NUMBER_PATTERN = re.compile(r"\d(?:[ -]?\d){5,}")
_access = logging.getLogger("access")
_as_json = [False]


def configure(level: str = "info", *, as_json: bool) -> None:
    """Configure logging; called once by each process: web, worker, command."""
    _as_json[0] = as_json
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_request_id,
    ]
    last: list[Processor] = [
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_plain_traceback)
    ]
    if as_json:
        last = [structlog.processors.dict_tracebacks, _without_values, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    )
    _attach(formatter, level)


def _attach(formatter: logging.Formatter, level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [h for h in root.handlers if not isinstance(h.formatter, structlog.stdlib.ProcessorFormatter)]
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.getLogger("saq").setLevel(logging.ERROR)  # it warns whenever it is stopped while idle
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def get_logger(name: str = "doorstep") -> Any:
    """Return a logger; log a fixed message and pass values as keywords."""
    return structlog.get_logger(name)


def _with_request_id(_logger: object, _method: str, line: EventDict) -> EventDict:
    if current_id := request_id.get():
        line.setdefault("request_id", current_id)
    return line


def _without_values(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Remove local variables, statement parameters and long numbers from tracebacks."""
    for exception in line.get("exception") or []:
        exception["exc_value"] = _scrubbed(str(exception.get("exc_value", "")))[:300]
        exception["exc_notes"] = []
        for frame in exception.get("frames", []):
            frame.pop("locals", None)
    return line


def _plain_traceback(stream: TextIO, exc_info: ExcInfo) -> None:
    stream.write("\n" + _scrubbed("".join(traceback.format_exception(*exc_info))))


def _scrubbed(text: str) -> str:
    """Remove user input: statements, their parameters, constraint details and long numbers."""
    lines = [line for line in text.split("\n") if not line.lstrip().startswith(("[parameters:", "DETAIL:", "[SQL:"))]
    return NUMBER_PATTERN.sub("…", "\n".join(lines))


def log_request(method: str, route: str, status: int, duration_ms: float) -> None:
    """Log one line per request with the route template, never the URL, which may contain user input."""
    if not _access.isEnabledFor(logging.INFO):
        return
    if not _as_json[0]:
        get_logger("access").info("request", method=method, route=route, status=status, ms=round(duration_ms, 1))
        return
    # Formatted directly for speed: nothing in it needs escaping.
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    sys.stderr.write(
        f'{{"event":"request","method":"{method}","route":"{route}","status":{status},"ms":{duration_ms:.1f},'
        f'"request_id":"{request_id.get()}","level":"info","timestamp":"{at}"}}\n'
    )
