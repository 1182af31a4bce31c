"""What the address of a table says: words looked for, filters, order, page. So a link, Back and reload are right."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from app.web.context import Connection
from app.web.forms import query

LONGEST = 100  # characters looked for, and of a filter's value


@dataclass(frozen=True, slots=True)
class View:
    """`sort` is the name of a column, `after` a cursor, `chosen` the value of each filter, "" where there is none."""

    path: str
    q: str
    sort: str
    descending: bool
    after: str
    chosen: Mapping[str, str]
    default: str

    def url(self, **changes: object) -> str:
        """The same table with something else; "" or None takes it away. Whatever changes, it begins with page one."""
        return _address(self.path, {**self._said(), "after": "", **self._typed(changes)})

    def sort_url(self, name: str) -> str:
        """Ordered by that column; pressed again, the other way round."""
        turned = name if self.sort != name or self.descending else f"-{name}"
        return self.url(sort="" if turned == self.default else turned)

    def aria_sort(self, name: str) -> str | None:
        if self.sort != name:
            return None
        return "descending" if self.descending else "ascending"

    def record_url(self, key: object, **more: object) -> str:
        """The page of one record, which remembers the table beside it."""
        return _address(f"{self.path}/{key}", {**self._said(), **self._typed(more)})

    @property
    def filtered(self) -> bool:
        return bool(self.q) or any(self.chosen.values())

    @property
    def fields(self) -> dict[str, str]:
        """What a form beside the table sends along, so that the table stays as it is."""
        return {name: value for name, value in self._said().items() if value and name not in ("q", "after")}

    def _said(self) -> dict[str, str]:
        sort = f"-{self.sort}" if self.descending else self.sort
        return {
            "q": self.q,
            **self.chosen,
            "sort": "" if sort == self.default else sort,
            "after": self.after,
        }

    @staticmethod
    def _typed(changes: Mapping[str, object]) -> dict[str, str]:
        return {name: "" if value is None else str(value) for name, value in changes.items()}


def view(
    request: Connection,
    path: str,
    *,
    sorts: Collection[str],
    default: str,
    filters: Collection[str] = (),
) -> View:
    """The table at `path` as the address asks for it. An order that does not exist is the `default` one ("-since")."""
    said = query(request)
    sort = said.get("sort", "").strip()
    if sort.removeprefix("-") not in sorts:
        sort = default
    return View(
        path=path,
        q=said.get("q", "").strip()[:LONGEST],
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        after=said.get("after", ""),
        chosen={name: said.get(name, "").strip()[:LONGEST] for name in filters},
        default=default,
    )


def _address(path: str, fields: Mapping[str, str]) -> str:
    told = urlencode({name: value for name, value in fields.items() if value})
    return f"{path}?{told}" if told else path
