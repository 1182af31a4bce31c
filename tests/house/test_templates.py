"""Templates: all of them parse, escape, keep to their place, and every form carries its token."""

import ast
import re
from functools import cache
from pathlib import Path

from jinja2 import meta, nodes

from app.web.static import Assets
from app.web.templating import Templates

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "templates"
# Typst has a syntax of its own (app.core.pdf).
NAMES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.*") if path.suffix != ".typ")
PIECES = [name for name in NAMES if Path(name).name.startswith("_") and name.endswith(".html")]
SWAPS = [name for name in NAMES if name.endswith(".swap.html")]
ENV = Templates(Assets()).environment()
MAX_LINE_LENGTH = 120
FORM = re.compile(r"<form\b[^>]*>.*?</form>|<form\b[^>]*>.*", re.DOTALL)
TOUCHING = re.compile(
    r"\{%-? *endtrans *%\}\n *(?:\{% *(?:if|endif|for|endfor)\b[^%]*%\}\n *)*\{% *trans\b"
)  # one sentence after another, with nothing but conditions between them
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
INCLUDE = re.compile(r"(\{% with oob=\w+(?:, \w+=\w+)* %\})?\{% include \"[^\"]+\" %\}(?(1)\{% endwith %\})")


@cache
def source(name: str) -> str:
    return COMMENT.sub("", (FOLDER / name).read_text(encoding="utf-8"))


@cache
def parsed(name: str) -> nodes.Template:
    return ENV.parse(source(name))


def test_every_template_parses_with_what_it_uses() -> None:
    for name in NAMES:
        ENV.get_template(name)
        for used in meta.find_referenced_templates(parsed(name)):
            assert used is None or used in NAMES, f"{name}: {used}"


def test_no_line_is_over_the_limit() -> None:
    lines = {name: (FOLDER / name).read_text(encoding="utf-8").split("\n") for name in NAMES}
    assert [
        f"{name}:{number}"
        for name in NAMES
        for number, line in enumerate(lines[name], 1)
        if len(line) > MAX_LINE_LENGTH
    ] == []


def test_sentences_on_lines_of_their_own_do_not_touch() -> None:
    """Jinja drops the line break after a block and the blanks before one; `+%}` keeps the line break."""
    pages = [name for name in NAMES if name.endswith(".html")]
    assert [f"{name}: {found[0]}" for name in pages for found in TOUCHING.finditer(source(name))] == []


def test_nothing_goes_out_unescaped() -> None:
    """No `|safe`, no autoescape off; and only written words are translated, for a translation is not escaped."""
    for name in NAMES:
        tree = parsed(name)
        assert not [node for node in tree.find_all(nodes.Filter) if node.name == "safe"], name
        assert not list(tree.find_all((nodes.EvalContextModifier, nodes.ScopedEvalContextModifier))), name
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in ("_", "gettext", "ngettext"):
                words = call.args[: 2 if call.node.name == "ngettext" else 1]
                assert all(isinstance(word, nodes.Const) for word in words), f"{name}:{call.lineno}"


def test_a_piece_never_asks_the_request() -> None:
    """It is drawn from tasks and mails, too."""
    assert [name for name in (*PIECES, *SWAPS) if "request" in meta.find_undeclared_variables(parsed(name))] == []


def test_every_form_that_changes_something_carries_its_token() -> None:
    for name in NAMES:
        for form in FORM.findall(source(name)) if name.endswith(".html") else ():
            is_post = re.match(r"<form\b[^>]*method=\"post\"", form) is not None
            assert is_post == ("csrf_field()" in form), f"{name}: {form[:120]}"


def test_a_swap_is_a_list_of_pieces() -> None:
    assert [name for name in SWAPS if INCLUDE.sub("", source(name)).strip()] == []


def test_no_template_is_left_over() -> None:
    used = {other for name in NAMES for other in meta.find_referenced_templates(parsed(name))}
    drawn = [re.compile(pattern) for pattern in _named_in_code()]
    # The frame of the admin's pages, which come next, is drawn with the others.
    for name in set(NAMES) - used - {"layouts/admin.html"}:
        assert any(pattern.fullmatch(name) for pattern in drawn), name


def _named_in_code() -> set[str]:
    """Every string of the code that could be a template's name; what an f-string fills in may be anything."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "app").rglob("*.py")]
    found: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(re.escape(node.value))
        elif isinstance(node, ast.JoinedStr):
            parts = [
                re.escape(str(value.value)) if isinstance(value, ast.Constant) else r"\w+" for value in node.values
            ]
            found.add("".join(parts))
    return {name for name in found if "/" in name and name.endswith((".html", ".txt", r"\w+"))}


def test_a_mail_comes_in_both_shapes() -> None:
    mails = [name for name in NAMES if name.startswith("emails/") and Path(name).name[0] != "_"]
    assert {Path(name).stem for name in mails if name.endswith(".html")} == {
        Path(name).stem for name in mails if name.endswith(".txt")
    }


def test_a_piece_that_moves_by_itself_is_one_element_with_an_id() -> None:
    """It asks for itself and puts the answer in its own place."""
    for name in (name for name in PIECES if "{{ live(" in source(name)):
        piece = source(name)
        first = re.search(r"<(\w+)\b[^>]*>", piece)
        assert first, name
        assert "id=" in first[0].split("{{ live(")[0], name
        assert re.sub(r"\{%.*?%\}", "", piece, flags=re.DOTALL).strip().endswith(f"</{first[1]}>"), name
