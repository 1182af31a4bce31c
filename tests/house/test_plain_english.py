"""Everything people read is plain English: the turns that read as translated stay out."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
BANNED = {
    r"\b(no|some|every|any)body\b": "a customer, a professional, everyone, you",
    r"\bwho(ever|soever)\b": "anyone who",
    r"\bpapers?\b": "document",
    r"\bstands?\b": "is, appears",
    r"\bif you like\b": "(optional)",
    r"\bmails?\b(?! server)": "email",
    r"\be-mails?\b": "email",
    r"\bif you wish\b": "(optional)",
    r"\bat the desk\b|\bthe desk\b": "the admins, our team",
    r"\bgiven back\b|\bgive back\b|\bcomes back\b": "refunded",
    r"\blet go\b": "released",
    r"\bfront door\b": "home page",
    r"\bway to pay\b": "payment method",
    r"\bafter the work\b": "after the job",
    r"\bhow you stand\b": "your approval",
    r"\bin the way\b": "conflicts",
    r"\bby the clock\b": "automatically",
    r"\btold\b": "notified",
    r"\bwe read it\b|\btell us\b|\bwrite to us\b": "nothing that the product does not do",
}
# Whole files whose every sentence is printed, written into a file for people, or part of the API's reference.
COMMANDS = ("cli.py", "console.py", "schema.py", "settings.py", "check/*.py", "dev/*.py", "web/server.py")
DOWNLOADS = ("privacy/own_data.py", "exports/queries.py")
API = ("*/api.py", "*/api_schemas.py", "core/api_types.py", "web/openapi.py")
# Arguments that are descriptions in every file: of Doc, Meta, OpenAPI objects and argparse.
DESCRIPTIONS = ("summary", "description", "help", "path", "epilog")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@cache
def messages() -> list[str]:
    """Every message of pages, forms, errors, emails, notifications and history, in English."""
    with (ROOT / "translations" / "messages.pot").open("rb") as file:
        catalog = read_po(file)
    found: list[str] = []
    for message in catalog:
        found += [message.id] if isinstance(message.id, str) else list(message.id)
    return [text for text in found if text]


def trees(*patterns: str) -> Iterator[ast.Module]:
    """Parse the files of `app` that match the patterns."""
    for pattern in patterns:
        for path in sorted((ROOT / "app").glob(pattern)):
            yield ast.parse(path.read_text(encoding="utf-8"))


def sentences(node: ast.AST) -> Iterator[str]:
    """Every string below the node that has more than one word, docstrings excepted."""
    docstrings = {id(inner.body[0].value) for inner in ast.walk(node) if is_documented(inner)}
    for inner in ast.walk(node):
        if not isinstance(inner, ast.Constant) or id(inner) in docstrings:
            continue
        if isinstance(inner.value, str) and " " in inner.value.strip():
            yield inner.value


def is_documented(node: ast.AST) -> TypeGuard[Any]:
    return isinstance(node, Documented) and ast.get_docstring(node) is not None


@cache
def command_texts() -> list[str]:
    """What the command `doorstep` says and prints, and what downloads contain."""
    return [text for tree in trees(*COMMANDS, *DOWNLOADS) for text in sentences(tree)]


def schema_texts(tree: ast.Module) -> Iterator[str]:
    """The docstrings of structs, which OpenAPI shows as the descriptions of schemas."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and {"Struct", "Body"} & {ast.unparse(base) for base in node.bases}:
            yield ast.get_docstring(node) or ""


@cache
def reference_texts() -> list[str]:
    """What the API's reference says, and every description of an argument in the code."""
    texts = [text for tree in trees(*API) for text in (*sentences(tree), *schema_texts(tree))]
    for tree in trees("**/*.py"):
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg in DESCRIPTIONS:
                texts += sentences(node.value)
    return texts


def test_there_is_something_to_read() -> None:
    assert len(messages()) > 2_000
    assert len(command_texts()) > 150
    assert len(reference_texts()) > 250
    assert "Null until a professional accepts." in reference_texts()
    assert "The current state." in reference_texts()
    assert any("is running at" in text for text in command_texts())


def test_no_message_uses_a_banned_turn() -> None:
    texts = (*messages(), *command_texts(), *reference_texts())
    found = [
        f"{text}: say {better}"
        for turn, better in BANNED.items()
        for text in texts
        if re.search(turn, text, re.IGNORECASE)
    ]
    assert found == []


def test_no_message_holds_a_name_from_the_code() -> None:
    """Such as a rename leaves that did not spare the texts."""
    assert [text for text in messages() if re.search(r"[a-z]_[a-z]", re.sub(r"%\(\w+\)s", "", text))] == []


@pytest.mark.parametrize("text", ["Nobody lives at this address", "Send a paper", "You get a mail", "(if you like)"])
def test_the_turns_are_found(text: str) -> None:
    assert any(re.search(turn, text, re.IGNORECASE) for turn in BANNED)


def test_sentences_are_found_and_docstrings_are_not() -> None:
    code = 'def f():\n    """Say it."""\n    return Meta(description="Null until somebody accepts.", examples=["12"])'
    assert list(sentences(ast.parse(code))) == ["Null until somebody accepts."]
