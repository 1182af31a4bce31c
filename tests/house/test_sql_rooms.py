"""SQL respects the rooms as imports do: a room's tables are written by it alone, and read only downwards."""

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import inspect

from app.core.orm import Base
from app.models import metadata

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "app").rglob("*.py"))
# `doorstep check` compares the tables of all rooms, and the demo town fills them.
FREE_ROOMS = {"check", "dev"}
# Functions of the database that only one room maintains: whoever calls them depends on that room.
FUNCTIONS = {
    "eligible_professionals": "scheduling",
    "eligible_offerings": "scheduling",
    "eligible_coverage": "scheduling",
}

# Statements that read a table of a higher room: (room, table).
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("accounts", "notices"): "the sign-in statement counts the unread notifications of each page",
    ("scheduling", "bookings"): "BUSY_TIMES: the time of a professional that bookings take",
}
# Tables that every room above theirs may read: names, places and the journal are on every page.
READ_BY_ALL = {"users", "pincodes", "professionals", "blocks", "services", "categories", "bookings", "events"}
# Other tables of lower rooms that a room reads, and what for.
READS: dict[str, dict[str, str]] = {}

KEYWORDS = re.compile(r"\b(SELECT|FROM|JOIN|INSERT INTO|UPDATE|DELETE FROM)\b")
TOKEN = re.compile(r"'(?:[^']|'')*'|--[^\n]*|[A-Za-z_][A-Za-z_0-9]*|\S")
WORDS_AFTER_TABLE = {
    "ON", "WHERE", "JOIN", "LEFT", "RIGHT", "INNER", "CROSS", "FULL", "GROUP", "ORDER", "LIMIT", "USING", "SET", "UNION",
    "VALUES", "RETURNING", "FOR", "SELECT", "HAVING", "WINDOW", "NATURAL", "TABLESAMPLE",
}  # fmt: skip
WRITING = {"insert", "update", "delete"}


@dataclass(frozen=True, slots=True)
class Touch:
    """One place that reads or writes a table."""

    path: str
    line: int
    table: str
    writes: bool

    @property
    def room(self) -> str:
        return room_of_path(self.path)

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {'writes' if self.writes else 'reads'} {self.table}"


def room_of_path(path: str) -> str:
    return path.split("/")[1].removesuffix(".py")


MODELS = {mapper.class_: mapper for mapper in Base.registry.mappers}
OWNERS = {mapper.local_table.name: model.__module__.split(".")[1] for model, mapper in MODELS.items()} | FUNCTIONS  # type: ignore[attr-defined]
MODELS_BY_ADDRESS = {(model.__module__, model.__name__): model for model in MODELS}


def room_order() -> dict[str, int]:
    """Room → its height in the layers of import-linter."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = next(c["layers"] for c in config["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    heights = {}
    for height, layer in enumerate(reversed(layers)):
        for name in re.findall(r"[\w.]+", layer):
            heights[name.removeprefix("app.")] = height
    return heights


HEIGHTS = room_order()


def touches(path: str, source: str) -> Iterator[Touch]:
    tree = ast.parse(source)
    for line, statement in _sql_texts(tree):
        for table, writes in tables_of(statement):
            yield Touch(path, line, table, writes)
    yield from _orm_touches(path, tree)


def _sql_texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every string that holds SQL, docstrings excepted; what an f-string inserts is a name."""
    skipped = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
            statement = "".join(str(part.value) if isinstance(part, ast.Constant) else " _ " for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            statement = node.value
        else:
            continue
        if KEYWORDS.search(statement):
            yield node.lineno, statement


def tables_of(statement: str) -> Iterator[tuple[str, bool]]:
    """(table or function of a room, whether it is written) for each mention in a FROM list, JOIN or command."""
    tokens = [token for token in TOKEN.findall(statement) if not token.startswith(("'", "--"))]
    for index, token in enumerate(tokens):
        previous = tokens[index - 1].upper() if index else ""
        match token.upper():
            case "FROM" | "USING" if previous != "DISTINCT":
                yield from ((name, previous == "DELETE") for name in _from_list(tokens, index + 1))
            case "JOIN":
                yield from ((name, False) for name in _from_list(tokens, index + 1)[:1])
            case "INTO" | "TRUNCATE":
                yield from ((name, True) for name in _from_list(tokens, index + 1)[:1])
            case "UPDATE" if previous not in ("FOR", "DO", "KEY", "ON", "BEFORE", "AFTER", "OR"):
                yield from ((name, True) for name in _from_list(tokens, index + 1)[:1])


def _from_list(tokens: list[str], index: int) -> list[str]:
    """The known tables and functions of a list "a, b x, c AS y" that begins at `index`."""
    names = []
    while index < len(tokens):
        if tokens[index].upper() in ("ONLY", "LATERAL"):
            index += 1
            continue
        if tokens[index] in OWNERS:
            names.append(tokens[index])
        index += 1
        depth = 0
        while index < len(tokens) and (depth or tokens[index] in "(" or _is_alias(tokens[index])):
            depth += {"(": 1, ")": -1}.get(tokens[index], 0)
            index += 1
        if index >= len(tokens) or tokens[index] != ",":
            break
        index += 1
    return names


def _is_alias(token: str) -> bool:
    return token.isidentifier() and token.upper() not in WORDS_AFTER_TABLE


def _orm_touches(path: str, tree: ast.Module) -> Iterator[Touch]:
    """Models in select(), insert() and the like, their columns in expressions, and new objects of them."""
    models = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if model := MODELS_BY_ADDRESS.get((node.module or "", alias.name)):
                    models[alias.asname or alias.name] = model
    names = {name: MODELS[model].local_table.name for name, model in models.items()}  # type: ignore[attr-defined]
    columns = {name: set(inspect(model).column_attrs.keys()) for name, model in models.items()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in columns.get(node.value.id, ()):
                yield Touch(path, node.lineno, names[node.value.id], False)
        elif isinstance(node, ast.Call):
            called = _name_of(node.func)
            if called in names and isinstance(node.func, ast.Name):
                yield Touch(path, node.lineno, names[called], True)
            elif called not in ("isinstance", "cast"):
                for argument in node.args:
                    if isinstance(argument, ast.Name) and argument.id in names:
                        yield Touch(path, node.lineno, names[argument.id], called in WRITING)


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


ALL = [touch for file in FILES for touch in touches(str(file.relative_to(ROOT)), file.read_text(encoding="utf-8"))]


def foreign(found: Iterable[Touch]) -> list[Touch]:
    return [touch for touch in found if OWNERS[touch.table] != touch.room and touch.room not in FREE_ROOMS]


def reading_upwards(found: Iterable[Touch]) -> list[str]:
    return [
        str(touch)
        for touch in foreign(found)
        if HEIGHTS[OWNERS[touch.table]] >= HEIGHTS[touch.room] and (touch.room, touch.table) not in EXCEPTIONS
    ]


def writing_elsewhere(found: Iterable[Touch]) -> list[str]:
    return [str(touch) for touch in foreign(found) if touch.writes]
