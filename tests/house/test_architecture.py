"""The house rules that no linter knows: what has one address, and who may know whom."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from app.core.orm import Base
from app.models import MODULES
from tasks.saq_config import TASKS
from tasks.timetable import POLLED, TIMETABLE

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for folder in ("app", "tasks") for path in (ROOT / folder).rglob("*.py"))
TREES = {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
STATEMENTS = {"select", "insert", "update", "delete", "text", "exists", "union_all", "func"}

# Beside repository.py and *_repository.py, and the modules whose tables are in app/models.py.
SQL_ADDRESSES = {
    "app/audit/history.py",
    "app/accounts/pincode_data.py",
    "app/accounts/ratings.py",
    "app/bookings/constraints.py",
    "app/catalog/reference_data.py",
    "app/check/chains.py",
    "app/check/run.py",
    "app/dev/seed.py",
    "app/dev/demo_money.py",
    "app/dev/demo_town.py",
    "app/exports/queries.py",
    "app/core/db.py",
    "app/core/paging.py",
    "app/core/lease.py",
    "app/core/migrate.py",
}
MAX_LINES = 450
HANDLERS = re.compile(r"(pages|api|auth|cache|panels?)\.py$")
ROOMS_WITH_BOOKINGS = (
    *("app/bookings/", "app/jobs/", "app/dispatch/", "app/blocking/", "app/vetting/", "app/people/", "app/privacy/"),
    "tasks/",
)
LITESTAR = {"app/main.py", "app/routes.py", "app/services.py"}


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(module, name) of everything that a file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_sql_has_an_address() -> None:
    models = {module.__name__.replace(".", "/") + ".py" for module in MODULES}
    users = {
        path
        for path, tree in TREES.items()
        if any(module.startswith("sqlalchemy") and name in STATEMENTS for module, name in imported(tree))
    }
    strangers = {path for path in users if not path.endswith("repository.py")} - models
    assert strangers <= SQL_ADDRESSES, strangers - SQL_ADDRESSES
    assert strangers >= SQL_ADDRESSES, f"no longer needed: {SQL_ADDRESSES - strangers}"


def test_the_environment_is_read_in_one_place() -> None:
    reading = {
        path
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")) or _imports_environ(node)
    }
    # app/dev sets it for its children.
    assert {path for path in reading if not path.startswith("app/dev/")} == {"app/settings.py"}


def _imports_environ(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "os" and node.names[0].name in ("environ", "getenv")


def test_only_the_unit_of_work_commits() -> None:
    committing = {
        path
        for path, tree in TREES.items()
        for call in calls(tree)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "commit"
    }
    # Migrations have a transaction of their own; the unit of work commits by leaving its block.
    assert committing <= {"app/core/migrate.py"}


def test_the_domain_knows_no_web() -> None:
    for path, tree in TREES.items():
        web = path.startswith("app/web/") or path in LITESTAR or HANDLERS.search(path)
        imports = {module for module, _ in imported(tree)}
        if not web and not path.startswith(("tasks/", "app/cli")):
            assert not [name for name in imports if name.split(".")[0].startswith("litestar")], path
            assert not [name for name in imports if name == "app.web" or name.startswith("app.web.")], path


def test_imports_stand_at_the_top() -> None:
    for path, tree in TREES.items():
        inside = [
            node
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        assert not inside or path == "app/cli.py", f"{path}:{inside[0].lineno}"


def test_the_clock_is_read_in_one_place() -> None:
    users = {
        path
        for path, tree in TREES.items()
        for call in calls(tree)
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("now", "utcnow", "today")
        if isinstance(call.func.value, ast.Name) and call.func.value.id in ("datetime", "date")
    }
    assert users == {"app/core/clock.py", "app/core/logs.py"}


def test_a_bookings_state_is_set_by_its_moves_alone() -> None:
    """`_move` for every move, `hold` for the first state."""
    tree = TREES["app/bookings/booking.py"]
    writers = [
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr == "state" and isinstance(node.ctx, ast.Store)
    ]
    assert sorted(writers) == ["_move", "hold"]
    # The files of the bookings' verbs above, and of models that have a state of their own.
    with_states = {
        mapper.class_.__module__.replace(".", "/") + ".py"
        for mapper in Base.registry.mappers
        if "state" in mapper.columns
    }
    for path in {path for path in TREES if path.startswith(ROOMS_WITH_BOOKINGS)} - with_states:
        stored = [
            node
            for node in ast.walk(TREES[path])
            if isinstance(node, ast.Attribute) and node.attr == "state" and isinstance(node.ctx, ast.Store)
        ]
        assert not stored, f"{path}:{stored[0].lineno}"


def test_tasks_have_names_of_their_own() -> None:
    """The queue knows a task by its bare name: two of one name would overwrite each other."""
    names = Counter(task.__qualname__ for task in TASKS)
    assert [name for name, times in names.items() if times > 1] == []
    assert all("_" in name and "." not in name for name in names), names
    assert set(POLLED) <= set(TASKS)
    lines = Counter(line.name for line in TIMETABLE)
    assert max(lines.values()) == 1


def test_what_is_done_later_is_a_task() -> None:
    """enqueue_after_commit(db, "…") names a task that there is."""
    known = {task.__qualname__ for task in TASKS}
    for path, tree in TREES.items():
        for call in calls(tree):
            if isinstance(call.func, ast.Name) and call.func.id == "enqueue_after_commit":
                name = call.args[1]
                if path == "app/operations/admin_pages.py" and ast.unparse(name) == "failure.name":
                    continue  # the task that failed
                assert isinstance(name, ast.Constant), f"{path}:{call.lineno}"
                assert name.value in known, f"{path}:{call.lineno} {name.value!r}"


def test_files_are_named_for_nouns_and_fit_on_a_few_screens() -> None:
    assert [path for path in TREES if re.search(r"(utils?|helpers?|common|misc|manager)\.py$", path)] == []
    lines = {path: (ROOT / path).read_text(encoding="utf-8").splitlines() for path in TREES}
    assert [path for path in TREES if len(lines[path]) > MAX_LINES] == []
    exports = [
        path
        for path in TREES
        if path.endswith("__init__.py") and any(line.startswith(("from ", "import ")) for line in lines[path])
    ]
    assert exports == [], "a re-export"
