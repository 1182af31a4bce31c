"""Validate forms, query strings and JSON bodies against msgspec Structs, in one implementation.

Forms ignore fields that the Struct does not have; query strings, multipart forms of programs and JSON refuse them.
JSON is strict about types. Each function raises one Invalid with a sentence for every wrong field.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct, inspect

from app.core.card_numbers import contains_card_number
from app.core.errors import Invalid
from app.core.i18n import N_, _
from app.core.validation import FieldError, collect
from app.web.forms import NEVER_REDISPLAYED, Form, is_storable, redisplayable

S = TypeVar("S", bound=Struct)
T = TypeVar("T")
MAX_FIELD_LENGTH = 2_000  # characters, where the field itself sets no limit
INTEGER = re.compile(r"-?[0-9]{1,19}")
INT64 = range(-(2**63), 2**63)
UNINFORMATIVE_TYPES = (inspect.Metadata, inspect.UnionType, inspect.NoneType)
CARD_FIELDS = frozenset({"card_number"})  # the only JSON fields that may hold a card's number


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a Struct; `message` is the sentence of its Meta(extra={"error": ...})."""

    name: str
    type: Any
    required: bool
    many: bool
    message: str | None
    max_length: int


def validate_form(kind: type[S], form: Mapping[str, str]) -> S:
    """A page's form as a `kind`: text is trimmed, empty is missing, unknown fields are ignored."""
    unreadable = form.unreadable if isinstance(form, Form) else {}

    def read(name: str, field: FieldSpec) -> Any:
        if name in unreadable:
            raise FieldError(unreadable[name])
        try:
            value = _from_text(field, form, name)
        except ValueError as error:
            default = N_("Fill in this field.") if field.required else N_("Check this field.")
            raise FieldError(_(field.message or default)) from error
        if name not in NEVER_REDISPLAYED and isinstance(value, str) and contains_card_number(value):
            raise FieldError(_card_refused())
        return value

    try:
        return _build(kind, read)
    except Invalid as error:
        raise Invalid(error.errors, redisplayable(form)) from error


def typed_text(form: Form, name: str) -> str:
    """A text field of a page whose length its reader limits. Invalid(name) for what cannot be saved, and for cards."""
    if name in form.unreadable:
        raise Invalid({name: form.unreadable[name]})
    text = form.get(name, "")
    if contains_card_number(text):
        raise Invalid({name: _card_refused()})
    return text


def validate_with(reader: Callable[[Form], T], form: Form) -> T:
    """What `reader` makes of the form. Raises Invalid with its errors and those of the fields that are unreadable."""
    try:
        result = reader(form)
    except Invalid as error:
        raise Invalid({**error.errors, **form.unreadable}) from error
    if form.unreadable:
        raise Invalid(form.unreadable)
    return result


def validate_multipart(kind: type[S], form: Form, file: str) -> S:
    """A program's multipart form: fields are read as a page's, but none is unknown and none is repeated.

    `file` is the name of its file. A field of many values may be repeated.
    """
    specs = field_specs(kind)
    errors = _unknown((*form, *form.files), {*specs, file})
    errors |= _repeated(form, except_for={name for name, field in specs.items() if field.many})
    if errors:
        raise Invalid(errors)
    return validate_form(kind, form)


def validate_query(kind: type[S], query: Form) -> S:
    """The fields of an address as a `kind`: none is unknown, none is repeated."""

    def read(name: str, field: FieldSpec) -> Any:
        if name not in query:
            return _missing(field)
        if name in query.unreadable:
            raise FieldError(query.unreadable[name])
        return _convert(query[name], field, strict=False)

    return _build(kind, read, _unknown(query, field_specs(kind)) | _repeated(query))


def validate_json(kind: type[S], data: Any) -> S:
    """Parsed JSON as a `kind`: an object without unknown fields, integers are integers, nested fields are `a.b`."""
    if not isinstance(data, dict):
        raise Invalid({"": _("Send one JSON object.")})

    def read(name: str, field: FieldSpec) -> Any:
        if name not in data:
            return _missing(field)
        value = data[name]
        if isinstance(field.type, type) and issubclass(field.type, Struct) and isinstance(value, dict):
            return validate_json(field.type, value)
        if (message := _refused_text(name, value)) is not None:
            raise FieldError(message)
        return _convert(value, field, strict=True)

    return _build(kind, read, _unknown(data, field_specs(kind)))


@lru_cache(maxsize=512)
def field_specs(kind: type[Struct]) -> dict[str, FieldSpec]:
    """The fields of a Struct by the name that forms and JSON use."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return {
        field.encode_name: FieldSpec(
            name=field.name,
            type=types[field.name],
            required=field.required,
            many=isinstance(_without_metadata(field.type), inspect.ListType | inspect.SetType),
            message=_message(field.type),
            max_length=_max_length(field.type) or MAX_FIELD_LENGTH,
        )
        for field in info.fields
    }


def _build(kind: type[S], read: Callable[[str, FieldSpec], Any], errors: Mapping[str, str] | None = None) -> S:
    """Build a `kind` from `read(name, field)` for each field; `errors` are added to those that reading raises."""
    errors = errors or {}
    specs = field_specs(kind)
    try:
        values = collect({name: partial(read, name, field) for name, field in specs.items() if name not in errors})
    except Invalid as error:
        raise Invalid({**errors, **error.errors}) from error
    if errors:
        raise Invalid(errors)
    return kind(**{specs[name].name: value for name, value in values.items() if value is not UNSET})


def _unknown(names: Iterable[str], allowed: Iterable[str]) -> dict[str, str]:
    allowed = set(allowed)
    return {str(name): _("This field doesn't exist.") for name in names if name not in allowed}


def _repeated(form: Form, except_for: Iterable[str] = ()) -> dict[str, str]:
    many = set(except_for)
    return {name: _("Send this only once.") for name in form if name not in many and len(form.all(name)) > 1}


def _missing(field: FieldSpec) -> Any:
    if field.required:
        raise FieldError(_("This field is missing."))
    return UNSET


def _convert(value: Any, field: FieldSpec, *, strict: bool) -> Any:
    try:
        return msgspec.convert(value, field.type, strict=strict)
    except msgspec.ValidationError as error:
        message = _(field.message) if field.message else _expectation(inspect.type_info(field.type))
        raise FieldError(message) from error


def _from_text(field: FieldSpec, form: Mapping[str, str], name: str) -> Any:
    """Raises ValueError for what the field cannot be."""
    if field.many:
        texts = form.all(name) if isinstance(form, Form) else [form[name]] if name in form else []
        return _checked_integers(msgspec.convert(texts, field.type, strict=False), *texts)
    text = form.get(name, "").strip()
    if not text:
        if field.required:
            raise ValueError(name)
        return UNSET
    if len(text) > max(field.max_length, 64):
        raise ValueError(name)
    return _checked_integers(msgspec.convert(text, field.type, strict=False), text)


def _checked_integers(value: Any, *texts: str) -> Any:
    """Refuse integers written like "1e3", and those that PostgreSQL cannot hold."""
    for number, text in zip(value if isinstance(value, list) else [value], texts, strict=False):
        if type(number) is int and not (INTEGER.fullmatch(text.strip()) and number in INT64):
            raise ValueError(text)
    return value


def _refused_text(name: str, value: object) -> str | None:
    """Why a JSON value, or text inside it, must not be stored."""
    if isinstance(value, list | dict):
        inner = value if isinstance(value, list) else [*value, *value.values()]
        return next((message for message in (_refused_text(name, item) for item in inner) if message), None)
    if not isinstance(value, str):
        return None
    if name not in CARD_FIELDS and contains_card_number(value):
        return _card_refused()
    return None if is_storable(value) else _("This contains a character that can't be saved.")


def _card_refused() -> str:
    return _("This looks like a card number. Enter it only when you pay.")


def _parts(info: Any) -> Iterable[Any]:
    """The type itself, and what it is wrapped around or united with."""
    yield info
    if isinstance(info, inspect.Metadata):
        yield from _parts(info.type)
    if isinstance(info, inspect.UnionType):
        for part in info.types:
            yield from _parts(part)


def _expectation(info: Any) -> str:
    """What a field takes, in words and with its example: the sentence for values of another type or form."""
    kind = next((part for part in _parts(info) if not isinstance(part, UNINFORMATIVE_TYPES)), None)
    sentence = _expected_kind(kind)
    example = next((example for example in _examples(info) if example is not None), None)
    if example is None or isinstance(kind, inspect.LiteralType | inspect.BoolType | inspect.ListType):
        return sentence
    return sentence + " " + _("Example: %(example)s", example=json.dumps(example, ensure_ascii=False))


def _expected_kind(kind: Any) -> str:
    match kind:
        case inspect.BoolType():
            return _("Send true or false.")
        case inspect.IntType(ge=int(least), le=int(greatest)) if greatest < 2**53:
            return _("Send a whole number from %(least)s to %(greatest)s.", least=least, greatest=greatest)
        case inspect.IntType(ge=int(least)):
            return _("Send a whole number, %(least)s or more.", least=least)
        case inspect.IntType():
            return _("Send a whole number.")
        case inspect.StrType(pattern=str()):
            return _("Send text of this form.")
        case inspect.StrType(min_length=int(least), max_length=int(greatest)):
            return _("Send text of %(least)s to %(greatest)s characters.", least=least, greatest=greatest)
        case inspect.StrType(max_length=int(greatest)):
            return _("Send text of %(greatest)s characters or fewer.", greatest=greatest)
        case inspect.StrType():
            return _("Send text.")
        case inspect.LiteralType():
            return _("Send one of these: %(values)s.", values=", ".join(map(str, kind.values)))
        case inspect.ListType(max_length=int(greatest)):
            return _("Send a list of up to %(greatest)s items.", greatest=greatest)
        case inspect.ListType():
            return _("Send a list.")
        case inspect.StructType() | inspect.DictType():
            return _("Send a JSON object.")
    return _("Check this field.")


def _examples(info: Any) -> Iterable[Any]:
    for part in _parts(info):
        if isinstance(part, inspect.Metadata) and part.extra_json_schema:
            yield from part.extra_json_schema.get("examples", ())


def _without_metadata(info: Any) -> Any:
    return _without_metadata(info.type) if isinstance(info, inspect.Metadata) else info


def _message(info: Any) -> str | None:
    extras = (part.extra for part in _parts(info) if isinstance(part, inspect.Metadata) and part.extra)
    return next((str(extra["error"]) for extra in extras if "error" in extra), None)


def _max_length(info: Any) -> int | None:
    return next((part.max_length for part in _parts(info) if getattr(part, "max_length", None)), None)
