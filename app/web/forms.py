"""Parse forms and query strings: bounded, normalized, and without what cannot be stored."""

from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException

from app.core.errors import Invalid
from app.core.i18n import _
from app.core.storage import Upload
from app.core.typed_text import normal_form
from app.web.context import Connection
from app.web.http import Request
from app.web.uploads import read_multipart

MAX_FORM_FIELDS = 200
REPEATABLE_FIELDS = frozenset({"service_ids", "languages", "wanted", "checked"})  # every other field comes once
NEVER_REDISPLAYED = frozenset({"password", "card_number", "expiry", "cvv", "code", "_csrf_token"})


class Form(dict[str, str]):
    """The value of each field; `all(name)` gives every value. `files` are the uploads, `all_files(name)` every one.

    `unreadable`: a sentence for each field that held what cannot be stored; validation reports it.
    """

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = (),
        files: Iterable[tuple[str, Upload]] = (),
        unreadable: Mapping[str, str] | None = None,
    ) -> None:
        self._pairs = list(pairs)
        self._uploads = list(files)
        self.files = dict(self._uploads)
        self.unreadable = dict(unreadable or {})
        super().__init__(self._pairs)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every field with its value, in order."""
        return tuple(self._pairs)

    @property
    def repeated(self) -> dict[str, str]:
        """A sentence for each field that came more than once though one is meant."""
        counts = Counter(name for name, _value in self._pairs if name not in REPEATABLE_FIELDS)
        return {name: _("Send this only once.") for name, count in counts.items() if count > 1}

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def all_files(self, name: str) -> list[Upload]:
        return [upload for key, upload in self._uploads if key == name]


async def parse_form(request: Request, *, may_repeat: bool = False) -> Form:
    """The request's form, parsed once. Too large is 413; bytes that are not text are Invalid.

    So is a field that comes twice, unless `may_repeat`: then the caller looks at `repeated`.
    """
    state = request.scope["state"]
    if "form" not in state:
        state["form"] = await _parse_body(request)
    form: Form = state["form"]
    if form.repeated and not may_repeat:
        raise Invalid({"": _("A field was sent twice. Go back and send the form again."), **form.repeated})
    return form


def parse_query(connection: Connection) -> Form:
    """The fields of the query string, normalized as a form's."""
    return _normalized(_pairs(connection.scope.get("query_string", b"")))


def redisplayable(form: Mapping[str, str]) -> dict[str, str]:
    """The values that may be displayed again: never a password, card or code."""
    return {name: value for name, value in form.items() if name not in NEVER_REDISPLAYED}


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text: no NUL, no lone surrogates."""
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False


async def _parse_body(request: Request) -> Form:
    media_type, _options = request.content_type
    if media_type == RequestEncodingType.URL_ENCODED:
        # Not request.form(): Litestar caches the last thousand bodies it parsed, passwords and cards included.
        return _normalized(_pairs(await request.body()))
    if media_type == RequestEncodingType.MULTI_PART:
        return _normalized(*await read_multipart(request))
    return Form()


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FORM_FIELDS)
    except UnicodeDecodeError as error:
        raise Invalid({"": _("We can't read this text. Enter it again.")}) from error
    except ValueError as error:
        raise ClientException("too many fields") from error


def _normalized(pairs: Iterable[tuple[str, str]], files: Iterable[tuple[str, Upload]] = ()) -> Form:
    """Drop fields whose name cannot be stored, and report those whose value cannot."""
    fields = [(name, _normal_value(name, value)) for name, value in pairs if is_storable(name)]
    message = _("This contains a character that can't be saved.")
    unreadable = {name: message for name, value in fields if not is_storable(value)}
    return Form(
        [(name, _storable(value) if name in unreadable else value) for name, value in fields], files, unreadable
    )


def _normal_value(name: str, value: str) -> str:
    """Text in the form in which it is stored; a password exactly as typed, as older hashes know it."""
    value = value.replace("\r\n", "\n")
    return value if name.endswith("password") else normal_form(value)


def _storable(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()
