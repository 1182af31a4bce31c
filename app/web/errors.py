"""Map every exception to an error response: a page, an HTMX toast, or problem+json."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import asyncpg
import litestar
from jinja2 import TemplateNotFound
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError

from app.core import logs
from app.core.errors import Invalid, Missing, Overloaded, RateLimited, Refused
from app.core.i18n import _
from app.web.context import context_of
from app.web.guards import (
    CookiesRefused,
    InvalidCsrfToken,
    ReauthenticationRequired,
    SignInRequired,
    UserBlocked,
    UserFacingError,
)
from app.web.http import Request
from app.web.refusal_headings import refusal_heading
from app.web.render import redirect, render, requested_url, return_to, wants_fragment
from app.web.security import SAFE_METHODS, local_path
from app.web.unsent_form import form_page

log = logs.get_logger("errors")
AnyResponse = Response[Any]
CONFLICT_STATES = frozenset({"40P01", "40001", "55P03"})
UNAVAILABLE_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    PoolTimeout,
)
UNAVAILABLE_STATES = ("08", "53", "57")  # connection, resources, shutdown or cancelled: classes of SQLSTATE


@dataclass(frozen=True, slots=True)
class ErrorDescription:
    """An error to render: status, message, errors of form fields; `kind` is a stable identifier for API clients."""

    status: int
    message: str
    kind: str = "error"
    errors: dict[str, str] | None = None
    headers: dict[str, str] | None = None
    about: str = ""  # of a refusal, for its heading


def handle_error(request: litestar.Request[Any, Any, Any], error: Exception) -> AnyResponse:
    """Litestar's handler for every exception."""
    assert isinstance(request, Request)  # HTMXPlugin sees to it
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, SignInRequired):
        return _to_sign_in(request)
    if isinstance(error, ReauthenticationRequired):
        return _to_password(request)
    description = describe_error(error, request.method)
    if description.status == 500:
        log.error("unexpected error", exc_info=error, route=request.scope.get("path_template", ""))
    elif description.status == 503:
        log.warning("unavailable", error=type(error).__name__)
    return error_response(request, description)


def describe_error(error: BaseException, method: str = "GET") -> ErrorDescription:
    match error:
        case Overloaded():
            retry = {"retry-after": str(error.seconds)}
            return ErrorDescription(503, error.message, "busy", error.errors, headers=retry)
        case Invalid():
            message = error.errors.get("") or _("Check what you entered.")
            return ErrorDescription(
                422, message, "invalid", {name: text for name, text in error.errors.items() if name}
            )
        case Refused():
            return ErrorDescription(409, error.message, error.reason, about=error.about)
        case RateLimited():
            retry = {"retry-after": str(error.seconds)}
            return ErrorDescription(429, error.message, "too-often", headers=retry)
        case Missing():
            return ErrorDescription(404, error.message or _not_found_message(), "missing")
        case ValidationException():
            return ErrorDescription(422, _("Check the data you sent."), "invalid", _fields_of(error))
        case HTTPException():
            return _of_http(error)
        case UnicodeEncodeError():
            return ErrorDescription(422, _unreadable_message(), "invalid")
    return _of_database(error, method) or ErrorDescription(500, _broken_message(), "broken")


def _not_found_message() -> str:
    return _("There is nothing here, or you don't have access to it.")


def _unreadable_message() -> str:
    return _("Some characters you entered can't be saved. Enter them again.")


def _broken_message() -> str:
    return _("Something went wrong on our side. Nothing was changed. Try again in a minute.")


def _unavailable_message() -> str:
    return _("We're busy. Please try again in a few seconds.")


def _conflict_message() -> str:
    return _("This was changed at the same moment. Check it and try again.")


def _of_http(error: HTTPException) -> ErrorDescription:
    if isinstance(error, UserBlocked):
        return ErrorDescription(403, error.detail, "blocked")
    if isinstance(error, UserFacingError):
        return ErrorDescription(error.status_code, error.detail, error.kind, headers=dict(error.headers or {}))
    if isinstance(error, CookiesRefused):
        return ErrorDescription(403, error.detail, "cookies")
    if isinstance(error, InvalidCsrfToken):
        return ErrorDescription(403, error.detail, "token")
    messages = {
        400: _("We couldn't understand this request."),
        403: _("This isn't available for your account."),
        404: _not_found_message(),
        405: _("This address can't be used that way."),
        408: _("This took too long to arrive. Check your connection and send it again."),
        413: _("That's too large. Send something smaller."),
        415: _("This content type isn't supported."),
        429: _("Too many attempts. Wait a while, then try again."),
    }
    status = error.status_code
    kind = "http"
    message = messages.get(status) or (_broken_message() if status >= 500 else messages[400])
    return ErrorDescription(status, message, kind, headers=dict(error.headers or {}))


def _of_database(error: BaseException, method: str) -> ErrorDescription | None:
    """PostgreSQL's and the driver's errors by SQLSTATE: conflict, unreadable value, unavailable."""
    original = getattr(error, "orig", None) or error
    cause = getattr(original, "__cause__", None) or original
    state = str(getattr(original, "sqlstate", None) or getattr(cause, "sqlstate", None) or "")
    if isinstance(error, StaleDataError) or state in CONFLICT_STATES or state.startswith("23"):
        if state == "55P03" and method in SAFE_METHODS:
            return _unavailable()
        return ErrorDescription(409, _conflict_message(), "crossed")
    if state.startswith("22") or isinstance(cause, asyncpg.DataError | OverflowError | UnicodeEncodeError):
        return ErrorDescription(422, _unreadable_message(), "invalid")
    disconnected = isinstance(error, DBAPIError) and error.connection_invalidated
    if (
        disconnected
        or state.startswith(UNAVAILABLE_STATES)
        or isinstance(error, UNAVAILABLE_ERRORS)
        or isinstance(cause, UNAVAILABLE_ERRORS)
    ):
        return _unavailable()
    if isinstance(error, asyncio.TimeoutError | TimeoutError):
        return _unavailable()
    return None if not isinstance(error, SQLAlchemyError) else ErrorDescription(500, _broken_message(), "broken")


def _unavailable() -> ErrorDescription:
    return ErrorDescription(503, _unavailable_message(), "away", headers={"retry-after": "3"})


def _fields_of(error: ValidationException) -> dict[str, str]:
    extra = error.extra if isinstance(error.extra, list) else []
    return {str(item["key"]): str(item["message"]) for item in extra if isinstance(item, dict) and "key" in item}


def wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return request.scope["path"].startswith("/api/") or ("json" in accept and "text/html" not in accept)


def error_response(request: Request, description: ErrorDescription) -> AnyResponse:
    """problem+json (RFC 9457), HTMX's toast, or a page."""
    headers = {
        "cache-control": "no-store",
        "vary": "Accept, HX-Request, HX-Request-Type",
        **(description.headers or {}),
    }
    if wants_json(request):
        return _as_json(description, headers)
    context = {
        "status": description.status,
        "message": description.message,
        "kind": description.kind,
        "heading": refusal_heading(description.kind, description.about),
        "role": getattr(context_of(request).user, "role", ""),
        "retry_path": _retry_path(request),
        "errors": description.errors or {},
        "request_id": logs.request_id.get(),
    }
    if wants_fragment(request):
        headers |= {"hx-retarget": "#toasts", "hx-reswap": "beforeend"}
        body = _render_first(request, ("errors/_toast.html",), context)
    else:
        body = _render_first(request, _page_names(description), context)
    return Response(body, status_code=description.status, headers=headers, media_type="text/html")


def _retry_path(request: Request) -> str:
    """The requested page, to be loaded once more; empty for an action, which is not repeated by a link."""
    return local_path(requested_url(request), "/") if request.method in SAFE_METHODS else ""


def _page_names(description: ErrorDescription) -> tuple[str, ...]:
    general = 500 if description.status >= 500 else 400
    names = [description.kind] if description.kind in ("blocked", "cookies", "token") else []
    return tuple(f"errors/{name}.html" for name in (*names, description.status, general))


def _render_first(request: Request, names: tuple[str, ...], context: dict[str, Any]) -> bytes:
    """The first of the templates that exists; plain text when rendering fails."""
    for name in names:
        try:
            return render(request, name, context, anonymous=True)
        except TemplateNotFound:
            continue
        except Exception:
            log.exception("error page failed", template=name)
    return f"{context['status']}. {context['message']}".encode()


def _as_json(description: ErrorDescription, headers: dict[str, str]) -> AnyResponse:
    problem: dict[str, Any] = {
        "type": f"urn:doorstep:{description.kind}",
        "title": description.message,
        "status": description.status,
        "detail": description.message,
        "request_id": logs.request_id.get(),
    }
    if description.errors:
        problem["errors"] = description.errors
    body = json.dumps(problem, ensure_ascii=False).encode()
    return Response(body, status_code=description.status, headers=headers, media_type="application/problem+json")


def _to_sign_in(request: Request) -> AnyResponse:
    if wants_json(request):
        description = ErrorDescription(
            401, _("Sign in to continue."), "sign-in", headers={"www-authenticate": "Bearer"}
        )
        return error_response(request, description)
    return redirect(request, "/login?" + _next(request))


def _to_password(request: Request) -> AnyResponse:
    if wants_json(request):
        description = ErrorDescription(401, _("Sign in again."), "password", headers={"www-authenticate": "Bearer"})
        return error_response(request, description)
    # The password page is a page of its own, also when the response was meant for a fragment.
    return redirect(request, "/login/again?" + _next(request, own_page=request.method in SAFE_METHODS))


def _next(request: Request, *, own_page: bool = False) -> str:
    """The path to continue at after signing in: the requested page, or the page of the form or fragment."""
    path = requested_url(request)
    if request.method not in SAFE_METHODS:
        return urlencode({"next": form_page(request)})
    is_page = own_page or not wants_fragment(request)
    return urlencode({"next": path if is_page else return_to(request)})
