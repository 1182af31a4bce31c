"""Log lines by structlog: JSON in production, readable at a desk; each with its request's id, nothing personal."""

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

# Parameters of statements are people's data: only the kind of a driver's error is told, never its text.
QUIET = ("sqlalchemy", "asyncio", "uvicorn", "uvicorn.error", "aiosmtplib", "asyncpg", "alembic", "httpx")
NUMBERS = re.compile(r"\d(?:[ -]?\d){5,}")
_access = logging.getLogger("access")
_as_json = [False]


def set_up(level: str = "info", *, as_json: bool) -> None:
    """Called once by each process: web, worker, command."""
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
    root.handlers = [one for one in root.handlers if not isinstance(one.formatter, structlog.stdlib.ProcessorFormatter)]
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.getLogger("saq").setLevel(logging.ERROR)  # warns whenever it is stopped while it waits
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def get(name: str = "doorstep") -> Any:
    """A logger whose event is a few fixed words and whose facts are keywords."""
    return structlog.get_logger(name)


def _with_request_id(_logger: object, _method: str, line: EventDict) -> EventDict:
    if said := request_id.get():
        line.setdefault("request_id", said)
    return line


def _without_values(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Tracebacks keep their frames; local variables, statement parameters and numbers never reach a log."""
    for told in line.get("exception") or []:
        told["exc_value"] = _scrubbed(str(told.get("exc_value", "")))[:300]
        told["exc_notes"] = []
        for frame in told.get("frames", []):
            frame.pop("locals", None)
    return line


def _plain_traceback(stream: TextIO, problem: ExcInfo) -> None:
    stream.write("\n" + _scrubbed("".join(traceback.format_exception(*problem))))


def _scrubbed(text: str) -> str:
    """Without what people typed: parameters, details of constraints, quoted values, longer numbers."""
    lines = [line for line in text.split("\n") if not line.lstrip().startswith(("[parameters:", "DETAIL:", "[SQL:"))]
    return NUMBERS.sub("…", "\n".join(lines))


def access(method: str, route: str, status: int, took_ms: float) -> None:
    """One line per request: the route's template, never the address, which may hold what people typed."""
    if not _access.isEnabledFor(logging.INFO):
        return
    if not _as_json[0]:
        get("access").info("request", method=method, route=route, status=status, ms=round(took_ms, 1))
        return
    # By hand, not by structlog: this is written for every request and holds nothing that needs escaping.
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    sys.stderr.write(
        f'{{"event":"request","method":"{method}","route":"{route}","status":{status},"ms":{took_ms:.1f},'
        f'"request_id":"{request_id.get()}","level":"info","timestamp":"{at}"}}\n'
    )
