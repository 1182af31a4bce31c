"""SQL respects the rooms as imports do: a room's tables are written by it alone, and read only downwards."""

import ast
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import inspect

from app.core.orm import Base, NaturalKeyBase
from app.models import MODULES, metadata

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "app").rglob("*.py"))
# `doorstep check` compares the tables of all rooms, and the demo town fills them.
FREE_ROOMS = {"check", "dev"}
# Functions of the database belong to a room as tables do.
FUNCTIONS = {
    "eligible_professionals": "scheduling",
    "eligible_services": "scheduling",
    "eligible_coverage": "scheduling",
}

# Statements that read a table of a higher room: (room, table).
EXCEPTIONS = {
    ("accounts", "inbox_items"): "the sign-in statement counts the unread notifications that every page shows",
}
# Tables of app.core that rooms write: there is no room above core for what all of them queue.
WRITTEN_IN_CORE = {
    ("accounts", "outbox"): "emails with links",
    ("notifications", "outbox"): "rows are written, claimed, sent and parked",
    ("webhooks", "outbox"): "one row per webhook and event",
    ("operations", "outbox"): "an admin retries or discards a parked message",
    ("operations", "task_failures"): "an admin settles a failure",
}
# What every room above may read: names and places, who may work, and the tables of app.core.
READ_BY_ALL = {"users", "pincodes"} | FUNCTIONS.keys()
READS: dict[str, dict[str, str]] = {
    "scheduling": {
        "professionals": "candidates: approval, home, experience",
        "professional_ratings": "candidates: rating and completed jobs",
        "blocks": "candidates: who was blocked meanwhile has no time",
        "services": "offered services by name",
        "categories": "trades by name",
    },
    "promotions": {
        "addresses": "what a friend and who invited them have in common",
        "blocks": "an invite of a blocked person brings nothing",
        "charges": "what a friend and who invited them have in common",
        "saved_methods": "what a friend and who invited them have in common",
        "ledger_transactions": "own data: credit",
        "ledger_entries": "own data: credit",
    },
    "bookings": {
        "services": "the service that is booked, at its present price",
        "charges": "what is due, in lists and before a deletion",
        "refunds": "what went back to the customer",
        "ledger_transactions": "what a booking added to its customer's credit",
        "ledger_entries": "what a booking added to its customer's credit",
        "tips": "what the customer tipped",
        "professionals": "the professional's card",
        "professional_ratings": "the professional's card",
        "offered_services": "who offers a service, for the catalogue's page of it",
        "reservations": "whether a professional's time is taken, before a block or a deletion",
        "exclusions": "who gets no offers of a customer's bookings",
        "blocks": "calendar feeds of the blocked are closed",
    },
    "jobs": {
        "bookings": "agenda, offers and history of a professional",
        "declines": "offers that were declined are not shown again",
        "professionals": "where a professional without a job before sets out from",
        "reservations": "bookings that take the time of a professional who stops; accepted jobs that an offer overlaps",
        "working_hours": "offers outside a professional's hours are not read",
        "time_off": "nor those while they are away",
        "exclusions": "offers of whom a professional is kept from are not shown",
    },
    "vetting": {
        "professionals": "the case is about the professional's row",
        "blocks": "the photo of a blocked professional is not public",
    },
    "messages": {
        "bookings": "whose messages they are, and when they are deleted",
        "photos": "the photos of a thread, and who may see them",
    },
    "dispatch": {
        "bookings": "the admin's table of bookings",
        "codes": "bookings whose codes are locked",
        "declines": "who declined an unassigned booking",
        "reservations": "whose time an unassigned booking takes",
        "disputes": "disputed bookings",
        "refunds": "refunds that wait, failed or are done, for admins",
        "blocks": "bookings held by blocked professionals",
        "services": "filter by service",
        "categories": "filter by category",
    },
    "billing": {
        "ledger_transactions": "the ledger's pages",
        "ledger_entries": "the ledger's pages",
        "charges": "own data: payments",
        "refunds": "own data: refunds",
        "tips": "own data: tips",
        "blocks": "who is blocked is not paid out",
        "bookings": "the booking of a transaction",
    },
    "blocking": {"blocks": "the block of an appeal", "photos": "who may see a photo of an appeal, and until when"},
    "cases": {
        "bookings": "whose case it is, and the second visit",
        "refunds": "what became of the money",
        "photos": "who may see a photo of a case, and until when",
    },
    "receipts": {"bookings": "whose receipt it is"},
    "invoices": {
        "ledger_transactions": "which transaction an invoice is about, and tips",
        "ledger_entries": "tips",
        "bookings": "what was done, where and when",
        "extras": "extra work that was approved",
        "professionals": "where a professional is at home",
        "tax_identities": "GSTINs and business names",
        "settings": "Doorstep's own name and GSTIN",
        "tax_rates": "the admin's table of rates",
        "categories": "the category of a rate, by name",
    },
    "payments": {
        "tax_identities": "whether a professional is registered",
        "services": "the category of a service, for its tax",
    },
    "reviews": {"bookings": "the service and place of a review, and its filters"},
    "people": {
        "professionals": "the admin's table of professionals",
        "addresses": "search by pincode, and the addresses of a customer",
        "blocks": "who is blocked",
        "sessions": "when an admin was seen",
        "services": "search by offered service",
        "offered_services": "search by offered service",
        "coverage": "search by covered pincode",
        "bookings": "totals of a customer",
        "charges": "totals of a customer",
        "reviews": "totals of a customer",
    },
    "favourites": {
        "professionals": "who may be a favourite, and their trade",
        "blocks": "who may be a favourite",
        "bookings": "who visited the customer, and for what",
        "exclusions": "which favourites are not available, and whom the customer excluded",
        "services": "what a favourite can be booked for",
        "service_ratings": "what a favourite can be booked for",
    },
    "discovery": {
        "services": "bookable services",
        "categories": "bookable services",
        "service_ratings": "bookable services",
        "coverage": "areas of a professional",
        "addresses": "the area of a customer's main address",
        "professionals": "public cards",
        "documents": "what was checked of a professional, and the photo",
        "professional_ratings": "public cards",
        "blocks": "public cards",
        "bookings": "the most booked services of a pincode, and how many jobs of a service a professional did",
    },
    "notifications": {
        "professionals": "whom the evening reminder goes to",
        "bookings": "whom the evening reminder goes to",
        "blocks": "whom the evening reminder goes to",
    },
    "reports": {
        "bookings": "counted",
        "services": "names",
        "categories": "names",
        "professionals": "names",
        "ledger_transactions": "a customer's month",
        "ledger_entries": "a customer's month",
        "reviews": "a customer's month",
        "blocks": "the admin's day",
        "appeals": "appeals that wait, for the navigation",
        "refunds": "refunds that wait or failed, for the navigation",
        "cases": "cases that wait, for the navigation",
        "review_reports": "reviews whose reports wait, for the navigation",
        "codes": "the admin's day",
        "disputes": "the admin's day",
        "verifications": "the admin's day",
        "unmet_searches": "searches without results",
    },
    "exports": {
        "bookings": "rows of the files",
        "services": "rows of the files",
        "categories": "rows of the files",
        "professionals": "rows of the files",
        "ledger_transactions": "rows of the files",
        "ledger_entries": "rows of the files",
        "charges": "what a coupon and credit pay, in the file of bookings",
        "invoices": "rows of the files",
    },
    "privacy": {
        "bookings": "whose history is one's own",
        "documents": "whose history is one's own",
    },
}

KEYWORDS = re.compile(r"\b(SELECT|FROM|JOIN|INSERT INTO|UPDATE|DELETE FROM)\b")
TOKEN = re.compile(r"'(?:[^']|'')*'|--[^\n]*|[A-Za-z_][A-Za-z_0-9]*|\S")
WORDS_AFTER_TABLE = {
    "ON", "WHERE", "JOIN", "LEFT", "RIGHT", "INNER", "CROSS", "FULL", "GROUP", "ORDER", "LIMIT", "USING", "SET",
    "UNION", "VALUES", "RETURNING", "FOR", "SELECT", "HAVING", "WINDOW", "NATURAL", "TABLESAMPLE",
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


MODELS = {
    value: inspect(value)
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, Base | NaturalKeyBase) and value.__module__ == module.__name__
}
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
    nodes = list(ast.walk(ast.parse(source)))
    for line, statement in _sql_texts(nodes):
        for table, writes in tables_of(statement):
            yield Touch(path, line, table, writes)
    yield from _orm_touches(path, nodes)


def _sql_texts(nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    """Every string that holds SQL, docstrings excepted; what an f-string inserts is a name."""
    skipped = {
        id(node.body[0].value)
        for node in nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in nodes:
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
        if tokens[index].isidentifier():
            names += [tokens[index]] if tokens[index] in OWNERS else []
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


def _orm_touches(path: str, nodes: list[ast.AST]) -> Iterator[Touch]:
    """Models in select(), insert() and the like, their columns in expressions, and new objects of them."""
    models = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if model := MODELS_BY_ADDRESS.get((node.module or "", alias.name)):
                    models[alias.asname or alias.name] = model
    names = {name: MODELS[model].local_table.name for name, model in models.items()}  # type: ignore[attr-defined]
    columns = {name: set(inspect(model).column_attrs.keys()) for name, model in models.items()}  # type: ignore[attr-defined]
    yield from _changed_objects(path, nodes, names, columns)
    for node in nodes:
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


def _changed_objects(
    path: str, nodes: list[ast.AST], names: dict[str, str], columns: dict[str, set[str]]
) -> Iterator[Touch]:
    """Columns set on a parameter that is annotated with a model."""
    for function in nodes:
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        arguments = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
        objects = {item.arg: item.annotation.id for item in arguments if isinstance(item.annotation, ast.Name)}
        if columns.keys().isdisjoint(objects.values()):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
                model = objects.get(node.value.id, "")
                if node.attr in columns.get(model, ()):
                    yield Touch(path, node.lineno, names[model], True)


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


@cache
def all_touches() -> list[Touch]:
    return [touch for file in FILES for touch in touches(str(file.relative_to(ROOT)), file.read_text(encoding="utf-8"))]


def foreign(found: Iterable[Touch]) -> list[Touch]:
    return [touch for touch in found if OWNERS[touch.table] != touch.room and touch.room not in FREE_ROOMS]


def reads_upwards(found: Iterable[Touch]) -> list[str]:
    return [
        str(touch)
        for touch in foreign(found)
        if HEIGHTS[OWNERS[touch.table]] >= HEIGHTS[touch.room] and (touch.room, touch.table) not in EXCEPTIONS
    ]


def writes_elsewhere(found: Iterable[Touch]) -> list[str]:
    return [str(touch) for touch in foreign(found) if touch.writes and (touch.room, touch.table) not in WRITTEN_IN_CORE]


def undeclared_reads(found: Iterable[Touch]) -> list[str]:
    return [
        str(touch)
        for touch in _declarable(found)
        if touch.table not in READS.get(touch.room, {}) and (touch.room, touch.table) not in EXCEPTIONS
    ]


def _declarable(found: Iterable[Touch]) -> list[Touch]:
    return [touch for touch in foreign(found) if touch.table not in READ_BY_ALL and OWNERS[touch.table] != "core"]


def test_every_table_has_a_room() -> None:
    assert metadata.tables.keys() == OWNERS.keys() - FUNCTIONS.keys()
    assert set(OWNERS.values()) <= HEIGHTS.keys()


def test_no_statement_reads_a_table_of_a_higher_room() -> None:
    assert reads_upwards(all_touches()) == []
    assert EXCEPTIONS.keys() <= {(touch.room, touch.table) for touch in all_touches()}, "no longer needed"


def test_a_table_is_written_by_its_own_room() -> None:
    """A room changes the rows of another by calling its functions."""
    assert writes_elsewhere(all_touches()) == []
    assert WRITTEN_IN_CORE.keys() <= {(touch.room, touch.table) for touch in all_touches() if touch.writes}, (
        "no longer needed"
    )
    assert {OWNERS[table] for _, table in WRITTEN_IN_CORE} == {"core"}


def test_a_room_declares_which_tables_of_lower_rooms_it_reads() -> None:
    """A new read goes through a function of the table's room, or is declared in READS."""
    assert undeclared_reads(all_touches()) == []
    declared = {(room, table) for room, tables in READS.items() for table in tables}
    assert declared <= {(touch.room, touch.table) for touch in _declarable(all_touches())}, "no longer needed"


@pytest.mark.parametrize(
    ("path", "source", "check"),
    [
        ("app/catalog/x.py", 'A = "SELECT count(*) FROM bookings WHERE id = 1"', reads_upwards),
        ("app/catalog/x.py", 'A = f"SELECT {B} FROM services s, reviews r"', reads_upwards),
        ("app/accounts/x.py", 'db.exec_driver_sql("SELECT 1 FROM users JOIN a USING (id), charges")', reads_upwards),
        ("app/vetting/x.py", "from app.reviews.review import Review\nselect(Review.id)", reads_upwards),
        ("app/jobs/x.py", 'A = "WITH a AS (UPDATE codes SET attempts = 1) SELECT 1"', writes_elsewhere),
        ("app/jobs/x.py", 'A = "INSERT INTO bookings (id) VALUES (1) ON CONFLICT DO NOTHING"', writes_elsewhere),
        ("app/reviews/x.py", 'A = "DELETE FROM service_ratings WHERE service_id = :id"', writes_elsewhere),
        ("app/blocking/x.py", "from app.accounts.user import Block\ndb.add(Block(user_id=1))", writes_elsewhere),
        ("app/jobs/x.py", "from app.bookings.code import Code\nupdate(Code).values(attempts=1)", writes_elsewhere),
        (
            "app/vetting/x.py",
            "from app.accounts.professional import Professional\ndef f(row: Professional): row.trade = ''",
            writes_elsewhere,
        ),
        ("app/blocking/x.py", 'A = "SELECT 1 FROM charges"', undeclared_reads),
        ("app/blocking/x.py", "from app.payments.charge import Charge\ndb.get(Charge, 1)", undeclared_reads),
    ],
)  # fmt: skip
def test_a_violation_is_found(path: str, source: str, check: Callable[[Iterable[Touch]], list[str]]) -> None:
    assert check(touches(path, source)) != []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT extract(epoch FROM bookings) AS reviews FROM time_off FOR UPDATE OF charges",
        "SELECT 'DELETE FROM users' FROM time_off -- FROM users",
        "INSERT INTO time_off VALUES (1) ON CONFLICT DO UPDATE SET users = 1",
    ],
)
def test_a_word_that_is_no_table_is_none(statement: str) -> None:
    assert {name for name, _ in tables_of(statement)} - {"bookings"} == {"time_off"}
