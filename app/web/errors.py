"""One mapper from everything that can go wrong to an answer in words: for pages, for HTMX and for programs."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import asyncpg
from jinja2 import TemplateNotFound
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError

from app.core import logs
from app.core.errors import Invalid, Missing, Refused
from app.core.i18n import _
from app.web.guards import BadToken, BlockedPerson, PasswordNeeded, SignInNeeded, Spoken
from app.web.http import Request
from app.web.render import came_from, draw, go, wants_fragment
from app.web.security import SAFE_METHODS

log = logs.get("errors")
Answer = Response[Any]
CONFLICTS = frozenset({"40P01", "40001", "55P03"})
AWAY = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, PoolTimeout)
AWAY_STATES = ("08", "53", "57")  # connection, resources, shutdown or cancelled: classes of SQLSTATE


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is told: the status, one sentence, and for forms the fields' errors. `kind` is a word for programs."""

    status: int
    message: str
    kind: str = "error"
    errors: dict[str, str] | None = None
    headers: dict[str, str] | None = None


def on_error(request: Request, problem: Exception) -> Answer:
    """Litestar's handler for every exception there is."""
    while isinstance(problem, ExceptionGroup):
        problem = problem.exceptions[0]
    if isinstance(problem, SignInNeeded):
        return _to_sign_in(request)
    if isinstance(problem, PasswordNeeded):
        return _to_password(request)
    trouble = trouble_of(problem, request.method)
    if trouble.status == 500:
        log.error("unexpected", exc_info=problem, route=request.scope.get("path_template", ""))
    elif trouble.status == 503:
        log.warning("unavailable", problem=type(problem).__name__)
    return answer(request, trouble)


def trouble_of(problem: BaseException, method: str = "GET") -> Trouble:
    match problem:
        case Invalid():
            words = problem.errors.get("") or _("Please check what you typed.")
            return Trouble(422, words, "invalid", {name: said for name, said in problem.errors.items() if name})
        case Refused():
            return Trouble(409, problem.message, problem.reason)
        case Missing():
            return Trouble(404, problem.message or _not_found(), "missing")
        case ValidationException():
            return Trouble(422, _("Please check what you sent."), "invalid", _fields_of(problem))
        case HTTPException():
            return _of_http(problem)
        case UnicodeEncodeError():
            return Trouble(422, _unreadable(), "invalid")
    return _of_database(problem, method) or Trouble(500, _broken(), "broken")


def _not_found() -> str:
    return _("There is nothing here, or it is not yours to see.")


def _unreadable() -> str:
    return _("Something you typed cannot be stored. Please type it again.")


def _broken() -> str:
    return _("Something broke on our side. Nothing was changed. Please try again in a minute.")


def _away_words() -> str:
    return _("Doorstep is catching its breath. Please try again in a few seconds.")


def _crossed() -> str:
    return _("Somebody else changed this at the same moment. Look again, and try once more.")


def _of_http(problem: HTTPException) -> Trouble:
    if isinstance(problem, BlockedPerson):
        return Trouble(403, problem.detail, "blocked")
    if isinstance(problem, Spoken):
        return Trouble(problem.status_code, problem.detail, problem.kind, headers=dict(problem.headers or {}))
    if isinstance(problem, BadToken):
        return Trouble(403, problem.detail, "token")
    words = {
        400: _("This request could not be understood."),
        403: _("This is not for your account."),
        404: _not_found(),
        405: _("This address cannot be used like that."),
        413: _("That is too large. Please send less."),
        415: _("This kind of content is not accepted here."),
        429: _("Too many tries. Please wait a little."),
    }
    status = problem.status_code
    kind = "http"
    said = words.get(status) or (_broken() if status >= 500 else words[400])
    return Trouble(status, said, kind, headers=dict(problem.headers or {}))


def _of_database(problem: BaseException, method: str) -> Trouble | None:
    """PostgreSQL's and the driver's errors by SQLSTATE: full, away, crossed, unreadable."""
    told = getattr(problem, "orig", None) or problem
    cause = getattr(told, "__cause__", None) or told
    state = str(getattr(told, "sqlstate", None) or getattr(cause, "sqlstate", None) or "")
    if isinstance(problem, StaleDataError) or state in CONFLICTS or state.startswith("23"):
        if state == "55P03" and method in SAFE_METHODS:
            return _away()
        return Trouble(409, _crossed(), "crossed")
    if state.startswith("22") or isinstance(cause, asyncpg.DataError | OverflowError | UnicodeEncodeError):
        return Trouble(422, _unreadable(), "invalid")
    gone = isinstance(problem, DBAPIError) and problem.connection_invalidated
    if gone or state.startswith(AWAY_STATES) or isinstance(problem, AWAY) or isinstance(cause, AWAY):
        return _away()
    if isinstance(problem, asyncio.TimeoutError | TimeoutError):
        return _away()
    return None if not isinstance(problem, SQLAlchemyError) else Trouble(500, _broken(), "broken")


def _away() -> Trouble:
    return Trouble(503, _away_words(), "away", headers={"retry-after": "3"})


def _fields_of(problem: ValidationException) -> dict[str, str]:
    extra = problem.extra if isinstance(problem.extra, list) else []
    return {str(one["key"]): str(one["message"]) for one in extra if isinstance(one, dict) and "key" in one}


def wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return request.scope["path"].startswith("/api/") or ("json" in accept and "text/html" not in accept)


def answer(request: Request, trouble: Trouble) -> Answer:
    """problem+json (RFC 9457), HTMX's toast, or a page."""
    headers = {"cache-control": "no-store", "vary": "Accept, HX-Request, HX-Request-Type", **(trouble.headers or {})}
    if wants_json(request):
        return _as_json(trouble, headers)
    context = {
        "status": trouble.status,
        "message": trouble.message,
        "kind": trouble.kind,
        "errors": trouble.errors or {},
        "request_id": logs.request_id.get(),
    }
    if wants_fragment(request):
        headers |= {"hx-retarget": "#toasts", "hx-reswap": "beforeend"}
        body = _drawn(request, ("errors/_toast.html",), context)
    else:
        body = _drawn(request, _page_names(trouble), context)
    return Response(body, status_code=trouble.status, headers=headers, media_type="text/html")


def _page_names(trouble: Trouble) -> tuple[str, ...]:
    general = 500 if trouble.status >= 500 else 400
    names = [trouble.kind] if trouble.kind in ("blocked", "token") else []
    return tuple(f"errors/{name}.html" for name in (*names, trouble.status, general))


def _drawn(request: Request, names: tuple[str, ...], context: dict[str, Any]) -> bytes:
    """The first of `names` there is; in words alone when even the template fails."""
    for name in names:
        try:
            return draw(request, name, context, anonymous=True)
        except TemplateNotFound:
            continue
        except Exception:
            log.exception("the error page broke", template=name)
    return f"{context['status']}. {context['message']}".encode()


def _as_json(trouble: Trouble, headers: dict[str, str]) -> Answer:
    told: dict[str, Any] = {
        "type": f"urn:doorstep:{trouble.kind}",
        "title": trouble.message,
        "status": trouble.status,
        "detail": trouble.message,
        "request_id": logs.request_id.get(),
    }
    if trouble.errors:
        told["errors"] = trouble.errors
    body = json.dumps(told, ensure_ascii=False).encode()
    return Response(body, status_code=trouble.status, headers=headers, media_type="application/problem+json")


def _to_sign_in(request: Request) -> Answer:
    if wants_json(request):
        trouble = Trouble(401, _("Please sign in."), "sign-in", headers={"www-authenticate": "Bearer"})
        return answer(request, trouble)
    return go(request, "/login?" + _next(request))


def _to_password(request: Request) -> Answer:
    if wants_json(request):
        trouble = Trouble(401, _("Please sign in again."), "password", headers={"www-authenticate": "Bearer"})
        return answer(request, trouble)
    # What asks for a password is a question with a page of its own, wherever it was to open.
    return go(request, "/login/again?" + _next(request, own_page=request.method in SAFE_METHODS))


def _next(request: Request, *, own_page: bool = False) -> str:
    """Where to go on after signing in: the page asked for, or the one that the form or the piece stood on."""
    query = request.scope.get("query_string", b"").decode("latin-1")
    path = request.scope["path"] + (f"?{query}" if query else "")
    whole = own_page or (request.method in SAFE_METHODS and not wants_fragment(request))
    return urlencode({"next": path if whole else came_from(request)})
