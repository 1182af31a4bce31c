"""Everything people read is plain English: the turns that read as translated stay out."""

import ast
import re
from pathlib import Path

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
COMMANDS = ("app/cli.py", "app/console.py")


def messages() -> list[str]:
    """Every message of pages, forms, errors, emails, notifications and history, in English."""
    with (ROOT / "translations" / "messages.pot").open("rb") as file:
        catalog = read_po(file)
    found: list[str] = []
    for message in catalog:
        found += [message.id] if isinstance(message.id, str) else list(message.id)
    return [text for text in found if text]


def command_texts() -> list[str]:
    """What the command `doorstep` says and prints."""
    texts: list[str] = []
    for path in COMMANDS:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        documented = {id(node.body[0]) for node in ast.walk(tree) if isinstance(node, ast.Module | ast.FunctionDef)}
        texts += [
            node.value
            for statement in ast.walk(tree)
            if id(statement) not in documented
            for node in ast.iter_child_nodes(statement)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
        ]
    return texts


def test_there_is_something_to_read() -> None:
    assert len(messages()) > 2_000
    assert command_texts()


@pytest.mark.parametrize("turn", BANNED)
def test_no_message_uses_the_turn(turn: str) -> None:
    found = [text for text in (*messages(), *command_texts()) if re.search(turn, text, re.IGNORECASE)]
    assert found == [], f"say {BANNED[turn]}"


@pytest.mark.parametrize("text", ["Nobody lives at this address", "Send a paper", "You get a mail", "(if you like)"])
def test_the_turns_are_found(text: str) -> None:
    assert any(re.search(turn, text, re.IGNORECASE) for turn in BANNED)
