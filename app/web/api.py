"""JSON handlers: read strict bodies and queries, write responses, honour Idempotency-Key and ETag."""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from litestar import Response
from litestar.enums import RequestEncodingType
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Invalid, Missing
from app.core.events import Person
from app.core.i18n import _
from app.core.idempotency import claim_key
from app.core.references import RowIds
from app.core.storage import Upload
from app.core.typed_text import normal_form
from app.web.context import Connection, context_of
from app.web.forms import parse_form, parse_query
from app.web.guards import EVERYONE, UserFacingError
from app.web.http import JsonResponse, Request
from app.web.validation import validate_json, validate_multipart, validate_query

S = TypeVar("S", bound=Struct)
IDEMPOTENCY_HEADER, IDEMPOTENCY_KEY = "idempotency-key", re.compile(r"[A-Za-z0-9._-]{0,100}")
ROW_IDS = RowIds()
REPLAY_HEADERS = {"cache-control": "no-store", "idempotency-replayed": "true"}


class InvalidJson(UserFacingError):
    """The body is not JSON."""

    status_code = 400
    kind = "json"


class UnsupportedMediaType(UserFacingError):
    status_code = 415
    kind = "media-type"


async def read_body(request: Request, kind: type[S]) -> S:
    """The body as a `kind`. 400: no JSON, 415: another type; Invalid: every field that is missing, wrong or unknown."""
    if request.content_type[0] != "application/json":
        raise UnsupportedMediaType(_("Send application/json."))
    return validate_json(kind, _parsed(await request.body()))


def read_query(request: Connection, kind: type[S]) -> S:
    """The query string as a `kind`. Raises Invalid with every field that is missing, wrong, repeated or unknown."""
    return validate_query(kind, parse_query(request))


def row_id(number: int) -> int:
    """The row id of a path. Raises Missing when no row can have it."""
    if number not in ROW_IDS:
        raise Missing
    return number


@contextmanager
def rename_errors(**names: str) -> Iterator[None]:
    """Report errors under the names that the API uses: rename_errors(minutes="time_required")."""
    try:
        yield
    except Invalid as error:
        raise Invalid({names.get(field, field): message for field, message in error.errors.items()}) from error


async def read_multipart_form(request: Request, kind: type[S], file: str) -> tuple[S, Upload | None]:
    """A multipart form as a `kind`, and its one file. 415: another type; Invalid: as read_body."""
    if request.content_type[0] != RequestEncodingType.MULTI_PART:
        raise UnsupportedMediaType(_("Send multipart/form-data."))
    form = await parse_form(request)
    return validate_multipart(kind, form, file), form.files.get(file)


async def read_multipart_files(request: Request, kind: type[S], files: str) -> tuple[S, list[Upload]]:
    """As read_multipart_form, for a field that holds any number of files."""
    fields, _first = await read_multipart_form(request, kind, files)
    return fields, (await parse_form(request)).all_files(files)


def json_response(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> JsonResponse:
    """`data` as JSON that no cache stores."""
    all_headers = {"cache-control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(data), status_code=status, headers=all_headers, media_type="application/json")


def cacheable_json(request: Request, data: object, *, max_age: float, tags: tuple[str, ...]) -> JsonResponse:
    """`data` that is the same for all clients, with an ETag.

    It is cached for `max_age` seconds, counted from the beginning of the request, or until one of its `tags` is
    invalidated (app.core.cache). The middleware sends 304 to clients that have it. The ETag is weak, since compressed
    or not the data are the same.
    """
    if request.route_handler.opt["access"] != EVERYONE:
        raise ValueError("only what everyone may read is the same for all clients")
    context_of(request).cacheable = (max_age, tags)
    body = msgspec.json.encode(data)
    headers = {"cache-control": "no-cache", "etag": f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'}
    return Response(body, headers=headers, media_type="application/json")


async def idempotent(
    request: Request, db: AsyncSession, me: Person, body: object, create: Callable[[], Awaitable[JsonResponse]]
) -> JsonResponse:
    """Replay the first response when an Idempotency-Key comes again with the same body; another body is 422.

    `body` leaves out what must not be stored. Refused requests are not remembered, so that they may be corrected and
    sent again under the same key.
    """
    key = request.headers.get(IDEMPOTENCY_HEADER, "")
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise Invalid(
            {"Idempotency-Key": _("Use 100 characters or fewer: letters, digits, dots, dashes and underscores.")}
        )
    purpose = f"{request.method} {request.scope['path']}"
    with rename_errors(idempotency_key="Idempotency-Key"):
        claimed = await claim_key(db, me.id, key, purpose, {"body": msgspec.to_builtins(body)})
    if claimed is not None and claimed.result:
        status, _separator, saved = claimed.result.partition(" ")
        return Response(saved.encode(), status_code=int(status), headers=REPLAY_HEADERS, media_type="application/json")
    response = await create()
    if claimed is not None:
        claimed.result = f"{response.status_code} {response.content.decode()}"
    return response


def _parsed(raw: bytes) -> Any:
    try:
        data = json.loads(raw.decode(), object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
        return _normal_form(data)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InvalidJson(_("This isn't valid JSON.")) from error


def _normal_form(data: Any, name: str = "") -> Any:
    """Text in the form in which it is stored, as in forms; a password exactly as sent."""
    if isinstance(data, dict):
        return {key: _normal_form(value, key) for key, value in data.items()}
    if isinstance(data, list):
        return [_normal_form(value, name) for value in data]
    return normal_form(data) if isinstance(data, str) and not name.endswith("password") else data


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _value in pairs]
    if duplicate := next((name for name in names if names.count(name) > 1), None):
        raise Invalid({duplicate: _("This field appears twice.")})
    return dict(pairs)


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
