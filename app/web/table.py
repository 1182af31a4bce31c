"""The state of an admin table in its query string: search text, filters, order and page."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from app.web.context import Connection
from app.web.forms import parse_query

MAX_QUERY_LENGTH = 100  # characters of the search text, and of a filter's value


@dataclass(frozen=True, slots=True)
class TableView:
    """`sort` is a column's name, `after` a cursor, `filters` the value of each filter, "" where it is not set."""

    path: str
    q: str
    sort: str
    descending: bool
    after: str
    filters: Mapping[str, str]
    default: str

    def url(self, **changes: object) -> str:
        """The URL with changed fields, on page one; "" or None removes a field."""
        return _url(self.path, {**self._state(), "after": "", **self._as_text(changes)})

    def sort_url(self, name: str) -> str:
        """Order by that column; by the reverse when it is the current order."""
        sort = name if self.sort != name or self.descending else f"-{name}"
        return self.url(sort="" if sort == self.default else sort)

    def aria_sort(self, name: str) -> str | None:
        if self.sort != name:
            return None
        return "descending" if self.descending else "ascending"

    def record_url(self, key: object, **changes: object) -> str:
        """The page of one record, with the state of the table in its query string."""
        return _url(f"{self.path}/{key}", {**self._state(), **self._as_text(changes)})

    @property
    def filtered(self) -> bool:
        return bool(self.q) or any(self.filters.values())

    @property
    def fields(self) -> dict[str, str]:
        """Hidden fields that preserve the table's state in a form."""
        return {name: value for name, value in self._state().items() if value and name not in ("q", "after")}

    def _state(self) -> dict[str, str]:
        sort = f"-{self.sort}" if self.descending else self.sort
        return {
            "q": self.q,
            **self.filters,
            "sort": "" if sort == self.default else sort,
            "after": self.after,
        }

    @staticmethod
    def _as_text(changes: Mapping[str, object]) -> dict[str, str]:
        return {name: "" if value is None else str(value) for name, value in changes.items()}


def table_view(
    request: Connection,
    path: str,
    *,
    sorts: Collection[str],
    default: str,
    filters: Collection[str] = (),
) -> TableView:
    """The table at `path` as the query string describes it; an unknown order becomes `default` ("-since")."""
    params = parse_query(request)
    sort = params.get("sort", "").strip()
    if sort.removeprefix("-") not in sorts:
        sort = default
    return TableView(
        path=path,
        q=params.get("q", "").strip()[:MAX_QUERY_LENGTH],
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        after=params.get("after", ""),
        filters={name: params.get(name, "").strip()[:MAX_QUERY_LENGTH] for name in filters},
        default=default,
    )


def _url(path: str, fields: Mapping[str, str]) -> str:
    encoded = urlencode({name: value for name, value in fields.items() if value})
    return f"{path}?{encoded}" if encoded else path
