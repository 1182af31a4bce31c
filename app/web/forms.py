"""Forms as people send them, bounded and cleaned; and as the domain wants them, or every field's error in words."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException

from app.core.card_numbers import holds_card_number
from app.core.errors import Invalid
from app.core.i18n import N_, _
from app.core.storage import Upload
from app.web.context import Connection
from app.web.http import Request
from app.web.uploads import read_multipart

S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")
LONGEST = 2_000  # characters, where the field itself sets no limit
MOST_FIELDS = 200
WHOLE = re.compile(r"-?[0-9]{1,19}")
INT64 = range(-(2**63), 2**63)
NEVER_SHOWN_AGAIN = frozenset({"password", "card_number", "expiry", "cvv", "code", "_csrf_token"})


class Form(dict[str, str]):
    """The last value of each field; `all(name)` gives every value, `files` what was uploaded.

    `unreadable`: the fields that held what cannot be stored, with a sentence for each; read() tells it beside them.
    """

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = (),
        files: Mapping[str, Upload] | None = None,
        unreadable: Mapping[str, str] | None = None,
    ) -> None:
        self._pairs = list(pairs)
        self.files = dict(files or {})
        self.unreadable = dict(unreadable or {})
        super().__init__(self._pairs)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]


async def form(request: Request) -> Form:
    """The request's form, read once. Too large is 413; bytes that are no text are Invalid."""
    state = request.scope["state"]
    if "form" not in state:
        state["form"] = await _read_body(request)
    made: Form = state["form"]
    return made


def query(connection: Connection) -> Form:
    """The address's fields, cleaned the same way."""
    return _cleaned(_pairs(connection.scope.get("query_string", b"")))


def read(kind: type[S], raw: Mapping[str, str]) -> S:
    """`raw` as a `kind`. Raises Invalid with the error of every wrong field; fields we did not ask for are ignored."""
    unreadable = raw.unreadable if isinstance(raw, Form) else {}
    errors: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name, field in _fields(kind).items():
        if name in unreadable:
            errors[name] = unreadable[name]
            continue
        try:
            values[field.name] = _value(field, raw, name)
        except ValueError:
            errors[name] = _(field.error)
        if _is_card(name, values.get(field.name)):
            errors[name] = _("This looks like the number of a card. Please write it nowhere but where you pay.")
    values = {name: value for name, value in values.items() if value is not msgspec.UNSET}
    if errors:
        raise Invalid(errors, shown_again(raw))
    return kind(**values)


def read_by(reader: Callable[[Form], T], sent: Form) -> T:
    """What `reader` makes of `sent`. Raises Invalid with all it says, and with every field that could not be read."""
    try:
        made = reader(sent)
    except Invalid as error:
        raise Invalid({**error.errors, **sent.unreadable}) from error
    if sent.unreadable:
        raise Invalid(sent.unreadable)
    return made


def shown_again(raw: Mapping[str, str]) -> dict[str, str]:
    """What may stand in a form that is drawn again: never a password, card or code."""
    return {name: value for name, value in raw.items() if name not in NEVER_SHOWN_AGAIN}


def _is_card(name: str, value: object) -> bool:
    return name not in NEVER_SHOWN_AGAIN and isinstance(value, str) and holds_card_number(value)


class _Field(msgspec.Struct, frozen=True):
    name: str
    type: Any
    required: bool
    many: bool
    error: str
    longest: int


@lru_cache(maxsize=256)
def _fields(kind: type[msgspec.Struct]) -> dict[str, _Field]:
    told = msgspec.inspect.type_info(kind)
    assert isinstance(told, msgspec.inspect.StructType)
    hints = {field.name: field for field in msgspec.structs.fields(kind)}
    return {
        field.encode_name: _Field(
            name=field.name,
            type=hints[field.name].type,
            required=field.required,
            many=isinstance(_bare(field.type), msgspec.inspect.ListType | msgspec.inspect.SetType),
            error=_found(field.type, "error")
            or (N_("Please fill this in.") if field.required else N_("Please check this.")),
            longest=_found_length(field.type) or LONGEST,
        )
        for field in told.fields
    }


def _value(field: _Field, raw: Mapping[str, str], name: str) -> Any:
    if field.many:
        given = raw.all(name) if isinstance(raw, Form) else [raw[name]] if name in raw else []
        return _plain(msgspec.convert(given, field.type, strict=False), *given)
    text = raw.get(name, "").strip()
    if not text:
        if field.required:
            raise ValueError(name)
        return msgspec.UNSET
    if len(text) > max(field.longest, 64):
        raise ValueError(name)
    return _plain(msgspec.convert(text, field.type, strict=False), text)


def _plain(value: Any, *typed: str) -> Any:
    """Whole numbers as people write them ("1e3" is none), and none that PostgreSQL cannot hold."""
    for number, text in zip(value if isinstance(value, list) else [value], typed, strict=False):
        if type(number) is int and not (WHOLE.fullmatch(text.strip()) and number in INT64):
            raise ValueError(text)
    return value


def _parts(kind: Any) -> Iterable[Any]:
    """The type itself and what it is wrapped around or united with."""
    yield kind
    if isinstance(kind, msgspec.inspect.Metadata):
        yield from _parts(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        for part in kind.types:
            yield from _parts(part)


def _bare(kind: Any) -> Any:
    return _bare(kind.type) if isinstance(kind, msgspec.inspect.Metadata) else kind


def _found(kind: Any, key: str) -> str | None:
    for part in _parts(kind):
        if isinstance(part, msgspec.inspect.Metadata) and part.extra and key in part.extra:
            return str(part.extra[key])
    return None


def _found_length(kind: Any) -> int | None:
    return next((part.max_length for part in _parts(kind) if getattr(part, "max_length", None)), None)


async def _read_body(request: Request) -> Form:
    kind, _options = request.content_type
    if kind == RequestEncodingType.URL_ENCODED:
        # Not request.form(): Litestar remembers the last thousand bodies it parsed, passwords and cards included.
        return _cleaned(_pairs(await request.body()))
    if kind == RequestEncodingType.MULTI_PART:
        return _cleaned(*await read_multipart(request))
    return Form()


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except UnicodeDecodeError as error:
        raise Invalid({"": _("This text cannot be read. Please type it again.")}) from error
    except ValueError as error:
        raise ClientException("too many fields") from error


def _cleaned(pairs: Iterable[tuple[str, str]], files: Mapping[str, Upload] | None = None) -> Form:
    made = [(name, value.replace("\r\n", "\n")) for name, value in pairs if _storable(name)]
    wrong = {name: _("This holds a sign that cannot be stored.") for name, value in made if not _storable(value)}
    return Form([(name, _without(value) if name in wrong else value) for name, value in made], files, wrong)


def _without(text: str) -> str:
    """The same without what cannot be stored, to be shown again."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()


def _storable(text: str) -> bool:
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False
