"""The API in OpenAPI 3.1, generated from the `doc` that every API handler declares in its opt (decision 0020)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from litestar import Litestar
from litestar.handlers.http_handlers import HTTPRouteHandler
from msgspec import Meta, Struct

PARAMETER = re.compile(r"\{(\w+):(\w+)\}")
PARAMETER_SCHEMAS = {
    "int": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
    "str": {"type": "string", "minLength": 1},
}
ERROR_DESCRIPTIONS = {
    400: "The request can't be read, for example because the body isn't valid JSON.",
    401: "The token or the credentials are missing, wrong or no longer valid.",
    403: "Your type of account doesn't have access, or your account is blocked.",
    404: "There is nothing here, or you don't have access to it.",
    409: "A rule or a recent change prevents this; `title` gives the reason.",
    410: "It has been deleted.",
    413: "The request body is too large.",
    415: "This content type isn't supported.",
    422: "Fields are missing, wrong or unknown; `errors` lists each of them.",
    429: "Too many requests. Try again after the number of seconds in Retry-After.",
    503: "Temporarily unavailable. Try again after the number of seconds in Retry-After.",
}
RATE_LIMIT_HEADERS = {
    "RateLimit-Limit": ("Requests allowed in the window.", 600),
    "RateLimit-Remaining": ("Requests left in the window.", 599),
    "RateLimit-Reset": ("Seconds until the window ends.", 60),
}
# Further response headers: by status, or by what the handler does.
RESPONSE_HEADERS = {
    "ETag": ("Version of the response. Send it as If-None-Match next time.", '"0123456789abcdef"'),
    "Idempotency-Replayed": ("`true` if this is the stored response to an earlier request with the same key.", "true"),
    "Retry-After": ("Seconds to wait before the next attempt.", 30),
    "WWW-Authenticate": ("The authentication scheme.", "Bearer"),
}
HEADER_BY_STATUS = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}


class Problem(Struct, kw_only=True):
    """An error, in the format of RFC 9457."""

    type: Annotated[
        str, Meta(description="Identifier of the kind of error, for programs.", examples=["urn:doorstep:taken"])
    ]
    title: Annotated[
        str, Meta(description="What went wrong, as a sentence to show to people.", examples=["Taken by someone else."])
    ]
    status: Annotated[int, Meta(description="The HTTP status code.", examples=[409])]
    detail: Annotated[str, Meta(description="The same sentence as `title`.", examples=["Taken by someone else."])]
    request_id: Annotated[
        str, Meta(description="Reference of this error, also in the server's log.", examples=["cafe0123cafe0123"])
    ]
    errors: Annotated[
        dict[str, str],
        Meta(
            description="A message for each wrong field.",
            examples=[{"pincode": "Enter a 6-digit pincode, such as 600020."}],
        ),
    ] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Doc:
    """The documentation of an API handler; `error_statuses` are added to the usual ones."""

    summary: str
    tag: str
    body: type[Struct] | None = None
    form: Mapping[str, Any] | None = None  # the fields of a multipart form, as JSON schema
    query: type[Struct] | None = None
    responses: Mapping[int, Any] = field(default_factory=dict)
    error_statuses: Sequence[int] = ()
    path: Mapping[str, str] = field(default_factory=dict)  # parameter → description
    idempotent: bool = False  # takes an Idempotency-Key
    media: str = "application/json"


def documented_handlers(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler, Doc]]:
    """(path, method, handler, doc) of every handler that has a Doc."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            doc = handler.opt.get("doc")
            if isinstance(doc, Doc):
                for method in sorted(handler.http_methods - {"OPTIONS"}):
                    yield route.path, method, handler, doc


def openapi_document(app: Litestar, site: str, version: str) -> dict[str, Any]:
    """The whole document as one JSON object."""
    kinds = sorted(
        {kind for _path, _method, _handler, doc in documented_handlers(app) for kind in _kinds(doc)}, key=str
    )
    schemas, components = msgspec.json.schema_components([*kinds, Problem], ref_template="#/components/schemas/{name}")
    schema_of = dict(zip([*kinds, Problem], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for path, method, handler, doc in documented_handlers(app):
        path_item = paths.setdefault(PARAMETER.sub(r"{\1}", path), {})
        path_item[method.lower()] = _operation(path, handler, doc, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Doorstep",
            "version": version,
            "summary": "Everything you can do on the pages of Doorstep, for apps and integrations.",
            "license": {"name": "Proprietary", "url": f"{site}/terms"},
        },
        "servers": [{"url": site}],
        "tags": [{"name": name} for name in sorted({doc.tag for _p, _m, _h, doc in documented_handlers(app)})],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "The token from POST /api/login."}
            },
            "headers": {
                name: {"description": description, "schema": {"type": "integer"}, "example": example}
                for name, (description, example) in RATE_LIMIT_HEADERS.items()
            }
            | {
                name: {"description": description, "schema": _schema_of(example), "example": example}
                for name, (description, example) in RESPONSE_HEADERS.items()
            },
        },
    }


def _schema_of(example: object) -> dict[str, str]:
    return {"type": "integer" if isinstance(example, int) else "string"}


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def _kinds(doc: Doc) -> Iterator[Any]:
    yield from (kind for kind in (doc.body, *doc.responses.values()) if kind is not None)


def _operation(path: str, handler: HTTPRouteHandler, doc: Doc, schema_of: Mapping[Any, Any]) -> dict[str, Any]:
    open_to_all = handler.opt.get("access") == "everyone"
    operation: dict[str, Any] = {
        "operationId": handler.name or handler.handler_name,
        "summary": doc.summary,
        "tags": [doc.tag],
        "parameters": [*_in_path(path, doc), *_in_query(doc), *_in_headers(doc)],
        "security": [] if open_to_all else [{"token": []}],
        "responses": {**_successes(doc, schema_of), **_errors(path, handler, doc)},
    }
    content: dict[str, Any] = {}
    if doc.body is not None:
        content["application/json"] = {"schema": schema_of[doc.body]}
    if doc.form is not None:
        content["multipart/form-data"] = {"schema": doc.form}
    if content:
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _in_path(path: str, doc: Doc) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "description": doc.path[name], "schema": PARAMETER_SCHEMAS[kind]}
        for name, kind in PARAMETER.findall(path)
    ]


def _in_query(doc: Doc) -> list[dict[str, Any]]:
    if doc.query is None:
        return []
    schema = msgspec.json.schema(doc.query)["$defs"][doc.query.__name__]
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": spec.get("description", ""),
            "schema": {key: value for key, value in spec.items() if key != "description"},
        }
        for name, spec in schema["properties"].items()
    ]


def _in_headers(doc: Doc) -> list[dict[str, Any]]:
    return [*_if_none_match(doc), *_key(doc)]


def _if_none_match(doc: Doc) -> list[dict[str, Any]]:
    if 304 not in doc.responses:
        return []
    description = "The ETag of your stored response. The answer is 304 if it is still current."
    tag = {"type": "string", "examples": ['"0123456789abcdef"']}
    return [{"name": "If-None-Match", "in": "header", "required": False, "description": description, "schema": tag}]


def _key(doc: Doc) -> list[dict[str, Any]]:
    if not doc.idempotent:
        return []
    description = (
        "Repeat a request safely: the same key and body get the first response again. Another body is refused (422)."
    )
    key = {"type": "string", "maxLength": 100, "pattern": "^[A-Za-z0-9._-]*$", "examples": ["b0e7-4f3a"]}
    return [{"name": "Idempotency-Key", "in": "header", "required": False, "description": description, "schema": key}]


def _successes(doc: Doc, schema_of: Mapping[Any, Any]) -> dict[str, Any]:
    names = [
        *RATE_LIMIT_HEADERS,
        *(["ETag"] if 304 in doc.responses else []),
        *(["Idempotency-Replayed"] if doc.idempotent else []),
    ]
    headers = {name: _header(name) for name in names}
    return {
        str(status): {
            "description": "Not modified: your stored response is still current." if status == 304 else doc.summary,
            "headers": headers,
            **({} if kind is None else {"content": {doc.media: {"schema": schema_of[kind]}}}),
        }
        for status, kind in doc.responses.items()
    }


def _errors(path: str, handler: HTTPRouteHandler, doc: Doc) -> dict[str, Any]:
    statuses = {429, 503, *doc.error_statuses}
    if handler.opt.get("access") != "everyone":
        statuses |= {401, 403}
    if PARAMETER.search(path):
        statuses |= {404, 422}
    if doc.body is not None or doc.form is not None:
        statuses |= {400, 413, 415, 422}
    if doc.query is not None:
        statuses.add(422)
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        str(status): {"description": ERROR_DESCRIPTIONS[status], "content": content, **_error_headers(status)}
        for status in sorted(statuses)
    }


def _error_headers(status: int) -> dict[str, Any]:
    """The header that belongs to an error status."""
    name = HEADER_BY_STATUS.get(status)
    return {"headers": {name: _header(name)}} if name else {}
