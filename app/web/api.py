"""Doors that speak JSON: strict bodies in, typed answers out, lists by key, the same request twice with one effect."""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec
from litestar import Response
from litestar.enums import RequestEncodingType
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.card_numbers import holds_card_number
from app.core.errors import Invalid, Missing
from app.core.events import Person
from app.core.i18n import _
from app.core.idempotency import made_by
from app.core.references import RowNumbers
from app.core.storage import Upload
from app.web.context import Connection
from app.web.forms import form, query, read
from app.web.guards import Spoken
from app.web.http import JsonResponse, Request

S = TypeVar("S", bound=Struct)
T = TypeVar("T")
PAY_FIELDS = frozenset({"card_number"})  # the only place where a card's number may stand
KEY, KEYS = "idempotency-key", re.compile(r"[A-Za-z0-9._-]{0,100}")
ROWS = RowNumbers()
NO_STORE = {"cache-control": "no-store", "idempotency-replayed": "true"}


class BadJson(Spoken):
    """No JSON at all."""

    status_code = 400
    kind = "json"


class NotJson(Spoken):
    status_code = 415
    kind = "media-type"


async def read_body(request: Request, kind: type[S]) -> S:
    """The body as a `kind`. 400: no JSON, 415: another type; Invalid: every field that is missing, wrong or unknown."""
    if request.content_type[0] != "application/json":
        raise NotJson(_("Send application/json."))
    return strictly(_parsed(await request.body()), kind)


def strictly(told: Any, kind: type[S]) -> S:
    """`told` as a `kind`: integers are integers, no field is unknown. Raises Invalid with every wrong field."""
    if not isinstance(told, dict):
        raise Invalid({"": _("Send one JSON object.")})
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    errors = {str(name): _("There is no such field.") for name in told if name not in fields}
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in told:
            if field.required:
                errors[name] = _("This field is missing.")
            continue
        try:
            values[field.name] = _value(name, told[name], field.type)
        except Invalid as error:
            errors |= error.errors
    if errors:
        raise Invalid(errors)
    return kind(**values)


def read_query(request: Connection, kind: type[S]) -> S:
    """The address's fields as a `kind`; unknown ones are refused. Raises Invalid."""
    asked = query(request)
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    errors = {name: _("There is no such field.") for name in asked if name not in fields}
    errors |= {name: _("Only once, please.") for name in asked if len(asked.all(name)) > 1}
    values: dict[str, Any] = {}
    for name, text in asked.items():
        if name in errors:
            continue
        field = fields[name]
        try:
            values[field.name] = msgspec.convert(text, field.type, strict=False)
        except msgspec.ValidationError as error:
            errors[name] = _error_of(field.type) or str(error)
        if name in asked.unreadable:
            errors[name] = asked.unreadable[name]
    errors |= {
        name: _("This field is missing.") for name, field in fields.items() if field.required and name not in asked
    }
    if errors:
        raise Invalid(errors)
    return kind(**values)


def row(number: int) -> int:
    """The number of a row as it stands in an address. Missing when no row can have it."""
    if number not in ROWS:
        raise Missing
    return number


@contextmanager
def called(**names: str) -> Iterator[None]:
    """Errors stand beside the fields as programs know them: called(minutes="time_required")."""
    try:
        yield
    except Invalid as error:
        raise Invalid({names.get(field, field): said for field, said in error.errors.items()}) from error


async def read_form(request: Request, kind: type[S], file: str) -> tuple[S, Upload | None]:
    """A multipart form as a `kind`, and its one file. 415: another type; Invalid: as read_body.

    Fields are text and may be empty: what reads them says what is wrong. A field of many values stands there often.
    """
    if request.content_type[0] != RequestEncodingType.MULTI_PART:
        raise NotJson(_("Send multipart/form-data."))
    sent = await form(request)
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    errors = {name: _("There is no such field.") for name in (*sent, *sent.files) if name not in (*fields, file)}
    many = {name for name, of in fields.items() if get_origin(_bare(of)) is list}
    errors |= {name: _("Only once, please.") for name in sent if len(sent.all(name)) > 1 and name not in many}
    if errors:
        raise Invalid(errors)
    return read(kind, sent), sent.files.get(file)


def tell(told: object, status: int = 200, headers: Mapping[str, str] | None = None) -> JsonResponse:
    """`told` as JSON. What belongs to a person is never stored by anybody in between."""
    answer = {"cache-control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(told), status_code=status, headers=answer, media_type="application/json")


def tell_everybody(request: Request, told: object) -> JsonResponse:
    """For what is the same for all: with an ETag, and 304 for whoever has it already."""
    body = msgspec.json.encode(told)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"cache-control": "no-cache", "etag": tag}
    had = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in had or "*" in had:
        return Response(b"", status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


async def once(
    request: Request, db: AsyncSession, me: Person, said: object, make: Callable[[], Awaitable[JsonResponse]]
) -> JsonResponse:
    """With an Idempotency-Key the second request of the same body has the first one's answer; another body is 422.

    `said` is the body without what may not be kept. What is refused is not remembered, so that it may be put right
    and sent again under the same key.
    """
    key = request.headers.get(KEY, "")
    if not KEYS.fullmatch(key):
        raise Invalid({"Idempotency-Key": _("At most 100 letters, digits, dots, dashes and underscores.")})
    purpose = f"{request.method} {request.scope['path']}"
    with called(idempotency_key="Idempotency-Key"):
        known = await made_by(db, me.id, key, purpose, {"body": msgspec.to_builtins(said)})
    if known is not None and known.result:
        status, _sep, told = known.result.partition(" ")
        return Response(told.encode(), status_code=int(status), headers=NO_STORE, media_type="application/json")
    answer = await make()
    if known is not None:
        known.result = f"{answer.status_code} {answer.content.decode()}"
    return answer


def _value(name: str, told: Any, kind: Any) -> Any:
    """One field as its type. Raises Invalid with its name, or with the names of what is wrong inside it."""
    if isinstance(kind, type) and issubclass(kind, Struct) and isinstance(told, dict):
        try:
            return strictly(told, kind)
        except Invalid as error:
            raise Invalid({f"{name}.{field}": said for field, said in error.errors.items()}) from error
    if (sign := _sign(name, told)) is not None:
        raise Invalid({name: sign})
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        raise Invalid({name: _error_of(kind) or str(error).split(" - at")[0]}) from error


def _bare(kind: Any) -> Any:
    return _bare(kind.__origin__) if hasattr(kind, "__metadata__") else kind


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode(), object_pairs_hook=_without_doubles, parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadJson(_("This is not valid JSON.")) from error


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _value in pairs]
    if double := next((name for name in names if names.count(name) > 1), None):
        raise Invalid({double: _("This field stands there twice.")})
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _sign(name: str, value: object) -> str | None:
    """What cannot be stored, or must not be."""
    if isinstance(value, list | dict):
        inside = value if isinstance(value, list) else [*value, *value.values()]
        return next((said for said in (_sign(name, one) for one in inside) if said), None)
    if not isinstance(value, str):
        return None
    if name not in PAY_FIELDS and holds_card_number(value):
        return _("This looks like the number of a card. Please write it nowhere but where you pay.")
    try:
        unstorable = b"\x00" in value.encode()
    except UnicodeEncodeError:
        unstorable = True
    return _("This holds a sign that cannot be stored.") if unstorable else None


def _error_of(kind: Any) -> str | None:
    """The sentence that the type carries for people; of `kind | UnsetType` the kind's."""
    if get_origin(kind) in (Union, UnionType):
        return next((said for one in get_args(kind) if (said := _error_of(one))), None)
    told = msgspec.inspect.type_info(kind)
    while isinstance(told, msgspec.inspect.Metadata):
        if told.extra and "error" in told.extra:
            return _(str(told.extra["error"]))
        told = told.type
    return None
