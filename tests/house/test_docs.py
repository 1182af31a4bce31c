"""The documentation names only files, symbols and identifiers that exist."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from app.models import metadata

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
# Pages whose every identifier is checked. The others also quote other libraries, shells and earlier versions.
STRICT = [
    *(ROOT / name for name in ("CONTRIBUTING.md", "docs/architecture.md", "docs/glossary.md", "docs/database.md")),
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
]
FOLDERS = "app|bench|bin|docs|migrations|static|tasks|templates|tests|translations|\\.ci"
PATH = re.compile(rf"(?<![\w./-])((?:{FOLDERS})/[\w./-]*)(?:::([\w.]+))?")
MODULE = re.compile(r"(?:app|tasks)(?:\.\w+)+")
IDENTIFIER = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]+)+|[A-Za-z][a-z]*(?:_[a-z0-9]+)+|[A-Z]+(?:_[A-Z]+)+")
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
CODE = re.compile(r"```.*?```|`([^`\n]+)`", re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")
# Examples of names that a newcomer would choose, and names of libraries, PostgreSQL and the shell.
EXAMPLES = re.compile(r"[Hh]oliday|HOLIDAY|[Aa]nswer|[Ss][Mm][Ss]|[Gg]ift|landmark")
FOREIGN = {"down_revision"}  # of Alembic
SOURCES = ("app", "bench", "bin", "tasks", "templates", "tests")


def code_words(page: Path) -> Iterator[str]:
    """Everything in single backticks, without <placeholders>."""
    for match in CODE.finditer(page.read_text(encoding="utf-8")):
        if match[1] and not re.search(r"[<>*…]", match[1]) and not EXAMPLES.search(match[1]):
            yield match[1]


@cache
def symbols(path: Path) -> frozenset[str]:
    """Functions, classes, class members and constants of a module, as a.b."""

    def names(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield prefix + node.name
            elif isinstance(node, ast.ClassDef):
                yield prefix + node.name
                yield from names(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.Assign):
                names_bound = (name for target in node.targets for name in ast.walk(target))
                yield from (prefix + name.id for name in names_bound if isinstance(name, ast.Name))
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                yield prefix + node.target.id

    return frozenset(names(ast.parse(path.read_text(encoding="utf-8")).body))


@cache
def words_of_the_code(*more: str) -> frozenset[str]:
    files = [path for folder in (*SOURCES, *more) for path in (ROOT / folder).rglob("*") if path.is_file()]
    texts = (path.read_text(encoding="utf-8") for path in files if path.suffix in (".py", ".html", ".txt", ".toml", ""))
    found = {word for text in texts for word in re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text)}
    return frozenset(found | {path.stem for path in files})


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_path_and_symbol_exists(page: Path) -> None:
    missing = []
    for word in code_words(page):
        for path, symbol in PATH.findall(word):
            file = ROOT / path.rstrip(".")
            if not file.exists() or (symbol and symbol not in symbols(file)):
                missing.append(word)
        for module in MODULE.findall(word):
            if not _module_exists(module):
                missing.append(word)
    assert missing == []


def _module_exists(dotted: str) -> bool:
    """A package, a module, or a symbol of a module: app.core.events.AuditedMixin."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:end])
        if path.is_dir():
            return end == len(parts)
        if path.with_suffix(".py").exists():
            return end == len(parts) or ".".join(parts[end:]) in symbols(path.with_suffix(".py"))
    return False


def test_every_link_leads_to_a_file() -> None:
    links = [(page, link) for page in PAGES for link in LINK.findall(page.read_text(encoding="utf-8"))]
    assert [(name(page), link) for page, link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", STRICT, ids=name)
def test_every_identifier_stands_in_the_code(page: Path) -> None:
    words = [*code_words(page), *PYTHON.findall(page.read_text(encoding="utf-8"))]
    named = {found for word in words for found in IDENTIFIER.findall(PATH.sub("", word))}
    # Old names of columns stand in migrations; of all pages, that of the database alone names what only they have.
    more = ("migrations",) if page.name == "database.md" else ()
    assert named - words_of_the_code(*more) - FOREIGN == set()


def test_every_table_and_room_is_described() -> None:
    described = set(re.findall(r"^\|[^|]*\| `(\w+)` \|", (ROOT / "docs/database.md").read_text(encoding="utf-8"), re.M))
    assert set(metadata.tables) - described == set()
    rooms = {path.parent.name for path in (ROOT / "app").glob("*/__init__.py")}
    named = set(re.findall(r"`app/(\w+)`", (ROOT / "docs/architecture.md").read_text(encoding="utf-8")))
    assert rooms - named == set()
