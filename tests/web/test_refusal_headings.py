"""Each refusal in the code has a heading of its own on the 409 page."""

import ast
from pathlib import Path

import pytest

from app.bookings.moves import State
from app.web.refusal_headings import DEFAULT_HEADING, REFUSAL_HEADINGS, refusal_heading

EVERY_STATE = "any state of a booking"
APP = Path(__file__).parents[2] / "app"


def _keyword(call: ast.Call, name: str, default: str) -> str:
    value = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
    if value is None:
        return default
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "State":
        return EVERY_STATE
    assert isinstance(value, ast.Constant), f"{name} of a refusal is a literal"
    return str(value.value)


def _calls(tree: ast.AST) -> list[ast.Call]:
    """Return the calls of Refused, and those of super().__init__ in classes derived from it."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Refused"]
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(
            isinstance(base, ast.Name) and base.id == "Refused" for base in node.bases
        ):
            found += [
                call
                for call in ast.walk(node)
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"
            ]
    return found


def _refusals() -> dict[tuple[str, str], str]:
    """Return where each pair of `reason` and `about` is raised first."""
    places: dict[tuple[str, str], str] = {}
    for path in sorted(APP.rglob("*.py")):
        for call in _calls(ast.parse(path.read_text())):
            reason, about = _keyword(call, "reason", "refused"), _keyword(call, "about", "")
            for kind in State if about == EVERY_STATE else (about,):
                places.setdefault((reason, str(kind)), f"{path.relative_to(APP)}:{call.lineno}")
    return places


def test_every_reason_of_a_refusal_has_a_heading_and_none_is_left_over() -> None:
    raised = _refusals()
    assert len(raised) > 40
    assert {key: place for key, place in raised.items() if key not in REFUSAL_HEADINGS} == {}
    assert set(REFUSAL_HEADINGS) - set(raised) == {("crossed", "")}  # made of database errors


@pytest.mark.parametrize(
    ("reason", "about", "heading"),
    [
        ("taken", "", "That time has been taken"),
        ("taken", "job", "This job has been taken"),
        ("changed", "price", "The price has changed"),
        ("fee", "of an unknown kind", "The fee has changed"),
        ("state", "completed", "This job is done"),
        ("state", "cancelled", "This booking was cancelled"),
        ("unheard", "", DEFAULT_HEADING),
    ],
)
def test_a_heading_is_found_by_reason_and_about(reason: str, about: str, heading: str) -> None:
    assert refusal_heading(reason, about) == heading


def test_headings_are_short_and_have_no_full_stop() -> None:
    for heading in REFUSAL_HEADINGS.values():
        assert len(heading) <= 45
        assert not heading.endswith((".", "!"))


def test_no_heading_of_a_refusal_leaves_open_what_happened() -> None:
    vague = {DEFAULT_HEADING, "This page is out of date", "Somebody was quicker"}
    assert vague.isdisjoint(REFUSAL_HEADINGS.values())
