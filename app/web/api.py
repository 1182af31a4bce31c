"""Doors that speak JSON: strict bodies in, typed answers out."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from msgspec import Struct

from app.kit.cards import holds_card_number
from app.kit.errors import Invalid
from app.kit.words import _
from app.web.guards import Spoken

S = TypeVar("S", bound=Struct)
T = TypeVar("T")
Asked = Request[Any, Any, Any]
Answer = Response[bytes]
PAY_FIELDS = frozenset({"card_number"})  # the only place where a card's number may stand


class BadJson(Spoken):
    """No JSON at all."""

    status_code = 400
    kind = "json"


class NotJson(Spoken):
    status_code = 415
    kind = "media-type"


async def read_body(request: Asked, kind: type[S]) -> S:
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
            values[field.name] = msgspec.convert(told[name], field.type)
        except msgspec.ValidationError as wrong:
            errors[name] = _error_of(field.type) or str(wrong).split(" - at")[0]
        if (said := _sign(name, told[name])) is not None:
            errors[name] = said
    if errors:
        raise Invalid(errors)
    return kind(**values)


def tell(told: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """`told` as JSON. What belongs to a person is never stored by anybody in between."""
    answer = {"cache-control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(told), status_code=status, headers=answer, media_type="application/json")


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode(), object_pairs_hook=_without_doubles, parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as wrong:
        raise BadJson(_("This is not valid JSON.")) from wrong


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _value in pairs]
    if double := next((name for name in names if names.count(name) > 1), None):
        raise Invalid({double: _("This field stands there twice.")})
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _sign(name: str, value: object) -> str | None:
    """What cannot be stored, or must not be."""
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
    """The sentence that the type carries for people."""
    told = msgspec.inspect.type_info(kind)
    while isinstance(told, msgspec.inspect.Metadata):
        if told.extra and "error" in told.extra:
            return _(str(told.extra["error"]))
        told = told.type
    return None
